import APIModel
import OrderedCollections
import PluginKit
import Testing

@testable import ControllerPersistentVolumeBinder

@Suite struct ClaimPlanTests {
    static func claim(
        _ spec: Value = .emptyObject, annotations: Value = .emptyObject, modes: Value = ["ReadWriteOnce"], size: String = "1Gi"
    ) -> Value {
        var claim: Value = [
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": ["namespace": "a", "name": "c", "uid": "u1", "annotations": annotations],
            "spec": ["accessModes": modes, "resources": ["requests": ["storage": .string(size)]], "storageClassName": ""],
            "status": ["phase": "Pending"],
        ]
        for (field, value) in spec.fields { claim["spec"][field] = value }
        return claim
    }

    /// One that leaves its class open.
    static var classless: Value {
        var claim = claim()
        claim["spec"]["storageClassName"] = .null
        return claim
    }

    static func volume(
        _ name: String, size: String = "1Gi", modes: Value = ["ReadWriteOnce"], phase: String = "Available", claim: Value = .null,
        _ spec: Value = .emptyObject, labels: Value = .null, annotations: Value = .null, deleted: Bool = false
    ) -> Value {
        var volume: Value = [
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": [
                "name": .string(name), "labels": labels, "annotations": annotations,
                "deletionTimestamp": deleted ? "2027-01-01T00:00:00Z" : .null,
            ],
            "spec": ["accessModes": modes, "capacity": ["storage": .string(size)], "claimRef": claim], "status": ["phase": .string(phase)],
        ]
        for (field, value) in spec.fields { volume["spec"][field] = value }
        return volume
    }

    static let ours: Value = ["namespace": "a", "name": "c", "uid": "u1"]
    static let reserved: Value = ["namespace": "a", "name": "c"]
    static let others: Value = ["namespace": "a", "name": "d", "uid": "u2"]
    static let done: Value = ["pv.kubernetes.io/bind-completed": "yes"]

    private func summary(_ step: ClaimPlan.Step) -> String {
        switch step {
        case .bind(let volume): "bind \(volume["metadata"]["name"].string ?? "")"
        case .wait(let notice): "wait \(notice?.reason ?? "")"
        case .lose(let notice): "lose \(notice.reason)"
        case .take(let storageClass): "take \(storageClass)"
        case .select(let node): "select \(node)"
        case .provision(let provisioner): "provision \(provisioner)"
        case .refuse(let notice): "refuse \(notice.reason): \(notice.message)"
        case .fail(let notice, _): "fail \(notice.reason)"
        }
    }

    // MARK: Which volume

    @Test(
        arguments: [
            ("the smallest", claim(), [volume("big", size: "5Gi"), volume("small", size: "2Gi")], "bind small"),
            ("none is large enough", claim(size: "10Gi"), [volume("big", size: "5Gi")], "wait FailedBinding"),
            (
                "fewest modes first", claim(), [volume("rwx", modes: ["ReadWriteOnce", "ReadWriteMany"]), volume("rwo", size: "9Gi")],
                "bind rwo"
            ),
            ("all modes", claim(modes: ["ReadWriteOnce", "ReadOnlyMany"]), [volume("rwo")], "wait FailedBinding"),
            ("another mode", claim(["volumeMode": "Block"]), [volume("fs")], "wait FailedBinding"),
            ("blocks", claim(["volumeMode": "Block"]), [volume("fs"), volume("dev", ["volumeMode": "Block"])], "bind dev"),
            ("another class", claim(), [volume("v", ["storageClassName": "fast"])], "wait FailedBinding"),
            ("another attributes class", claim(), [volume("v", ["volumeAttributesClassName": "gold"])], "wait FailedBinding"),
            ("taken", claim(), [volume("v", claim: others)], "wait FailedBinding"),
            ("not yet looked at", claim(), [volume("v", phase: "Pending")], "wait FailedBinding"),
            ("being deleted", claim(), [volume("v", deleted: true)], "wait FailedBinding"),
            ("reserved", claim(), [volume("small"), volume("mine", size: "8Gi", phase: "Pending", claim: reserved)], "bind mine"),
            ("reserved, but too small", claim(size: "2Gi"), [volume("mine", claim: reserved)], "wait FailedBinding"),
            (
                "labels", claim(["selector": ["matchLabels": ["disk": "ssd"]]]),
                [volume("a"), volume("b", size: "7Gi", labels: ["disk": "ssd"])], "bind b"
            ),
        ] as [(String, Value, [Value], String)])
    func choosesAVolume(what: String, claim: Value, volumes: [Value], expected: String) {
        #expect(summary(ClaimPlan.open(claim, ClaimPlan.Choice(volumes: volumes))) == expected, "\(what)")
    }

    // MARK: Classes

    static let fast: Value = ["metadata": ["name": "fast"], "provisioner": "disks.example.com", "volumeBindingMode": "Immediate"]
    static let late: Value = [
        "metadata": ["name": "fast"], "provisioner": "disks.example.com", "volumeBindingMode": "WaitForFirstConsumer",
    ]
    static let node: Value = ["metadata": ["name": "n1", "labels": ["kubernetes.io/hostname": "n1"]]]
    static func near(_ node: String) -> Value {
        [
            "storageClassName": "fast",
            "nodeAffinity": [
                "required": [
                    "nodeSelectorTerms": [
                        ["matchExpressions": [["key": "kubernetes.io/hostname", "operator": "In", "values": [.string(node)]]]]
                    ]
                ]
            ],
        ]
    }
    static func pod(_ name: String, node: String? = nil) -> Value {
        ["metadata": ["name": .string(name)], "spec": ["nodeName": node.map { .string($0) } ?? .null]]
    }

    @Test(
        arguments: [
            ("made for it", claim(["storageClassName": "fast"]), .init(storageClass: fast), "provision disks.example.com"),
            (
                "what is there first", claim(["storageClassName": "fast"]),
                .init(volumes: [volume("v", ["storageClassName": "fast"])], storageClass: fast), "bind v"
            ),
            (
                "no such class", claim(["storageClassName": "fast"]), .init(),
                "refuse ProvisioningFailed: storageclass.storage.k8s.io \"fast\" not found"
            ),
            (
                "nothing is built in", claim(["storageClassName": "fast"]),
                .init(storageClass: ["provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "Immediate"]),
                "refuse ProvisioningFailed: no volume plugin matched name: kubernetes.io/no-provisioner"
            ),
            ("the default comes late", classless, .init(defaultClass: "std"), "take std"),
            ("no class is meant", claim(), .init(defaultClass: "std"), "wait FailedBinding"),
            ("there is no default", classless, .init(), "wait FailedBinding"),
            ("nobody uses it", claim(["storageClassName": "fast"]), .init(storageClass: late), "wait WaitForFirstConsumer"),
            (
                "although one would do", claim(["storageClassName": "fast"]),
                .init(volumes: [volume("v", ["storageClassName": "fast"])], storageClass: late), "wait WaitForFirstConsumer"
            ),
            ("a Pod waits", claim(["storageClassName": "fast"]), .init(storageClass: late, pods: [pod("p")]), "wait WaitForPodScheduled"),
            (
                "the scheduler has decided", claim(["storageClassName": "fast"], annotations: ["volume.kubernetes.io/selected-node": "n1"]),
                .init(storageClass: late, pods: [pod("p")]), "provision disks.example.com"
            ),
            (
                "the Pod is there already", claim(["storageClassName": "fast"]),
                .init(storageClass: late, pods: [pod("p", node: "n1")], node: node), "select n1"
            ),
            (
                "and so is a volume", claim(["storageClassName": "fast"]),
                .init(volumes: [volume("far", near("n2")), volume("near", size: "4Gi", near("n1"))], storageClass: late, node: node),
                "bind near"
            ),
        ] as [(String, Value, ClaimPlan.Choice, String)])
    func heedsTheClass(what: String, claim: Value, choice: ClaimPlan.Choice, expected: String) {
        #expect(summary(ClaimPlan.open(claim, choice)) == expected, "\(what)")
    }

    @Test func saysWhoIsWaitedFor() {
        let claim = Self.claim(["storageClassName": "fast"])
        let step = ClaimPlan.open(claim, ClaimPlan.Choice(storageClass: Self.late, pods: [Self.pod("p"), Self.pod("q")]))
        #expect(step == .wait(.init(reason: "WaitForPodScheduled", message: "waiting for pods p,q to be scheduled")))
    }

    // MARK: A volume that is named

    @Test(
        arguments: [
            (nil, "wait "), (volume("v"), "bind v"), (volume("v", size: "1Mi"), "wait VolumeMismatch"),
            (volume("v", ["storageClassName": "fast"]), "wait VolumeMismatch"), (volume("v", deleted: true), "wait VolumeMismatch"),
            (volume("v", modes: ["ReadOnlyMany"]), "wait VolumeMismatch"), (volume("v", claim: reserved), "bind v"),
            (volume("v", claim: ours), "bind v"), (volume("v", claim: others), "wait FailedBinding"),
        ] as [(Value?, String)])
    func takesTheVolumeItNames(volume: Value?, expected: String) {
        #expect(summary(ClaimPlan.named(Self.claim(["volumeName": "v"]), volume)) == expected)
    }

    @Test func neverTakesWhatAControllerGaveToAnother() {
        let claim = Self.claim(["volumeName": "v"], annotations: ["pv.kubernetes.io/bound-by-controller": "yes"])
        #expect(summary(ClaimPlan.named(claim, Self.volume("v", claim: Self.others))) == "fail FailedBinding")
    }

    @Test(
        arguments: [
            ("v", volume("v", claim: ours), "bind v"), ("v", volume("v"), "bind v"), ("v", nil, "lose ClaimLost"),
            ("", nil, "lose ClaimLost"),
            ("v", volume("v", claim: others), "lose ClaimMisbound"),
        ] as [(String, Value?, String)])
    func noticesWhatIsLost(name: String, volume: Value?, expected: String) {
        #expect(summary(ClaimPlan.bound(Self.claim(["volumeName": .string(name)], annotations: Self.done), volume)) == expected)
    }

    // MARK: Binding

    @Test func writesBothSides() throws {
        let claim = Self.claim()
        let volume = try #require(Binding.volume(Self.volume("v", size: "2Gi"), for: claim))
        #expect(volume["spec"]["claimRef"]["uid"] == "u1" && volume["spec"]["claimRef"]["kind"] == "PersistentVolumeClaim")
        #expect(volume["metadata"]["annotations"]["pv.kubernetes.io/bound-by-controller"] == "yes")
        #expect(Binding.volume(volume, for: claim) == nil)
        let bound = try #require(Binding.claim(claim, to: volume))
        #expect(bound["spec"]["volumeName"] == "v" && bound["metadata"]["annotations"]["pv.kubernetes.io/bind-completed"] == "yes")
        #expect(
            bound["metadata"]["annotations"]["pv.kubernetes.io/bound-by-controller"] == "yes" && Binding.claim(bound, to: volume) == nil)
        let status = try #require(Binding.status(bound, phase: "Bound", volume))
        #expect(status["capacity"]["storage"] == "2Gi" && status["accessModes"] == ["ReadWriteOnce"])
        var settled = bound
        settled["status"] = status
        #expect(Binding.status(settled, phase: "Bound", volume) == nil)
        #expect(Binding.status(settled, phase: "Lost", nil) == ["phase": "Lost"])
    }

    /// What a user has reserved or named is not said to be a controller's choice.
    @Test func leavesTheUsersChoice() throws {
        let volume = try #require(Binding.volume(Self.volume("v", claim: Self.reserved), for: Self.claim()))
        #expect(volume["metadata"]["annotations"].isNull && volume["spec"]["claimRef"]["uid"] == "u1")
        let bound = try #require(Binding.claim(Self.claim(["volumeName": "v"]), to: volume))
        #expect(bound["metadata"]["annotations"] == ["pv.kubernetes.io/bind-completed": "yes"])
    }
}
