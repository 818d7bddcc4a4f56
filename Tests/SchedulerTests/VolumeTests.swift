import APIModel
import PluginHost
import Testing

@testable import Scheduler

/// Where a Pod's claims let it run, with the default policy loaded as the shared library it is.
@Suite struct VolumeTests {
    private let host: PluginHost
    private let loop = SchedulingLoop(seed: 1)

    init() async throws {
        host = try await Policies.load()
        for (name, zone) in [("a", "x"), ("b", "y")] {
            let node = node(name, labels: ["kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone])
            _ = loop.receive(.node(before: nil, after: node), now: 0)
        }
    }

    private func hear(_ resource: GroupVersionResource, _ value: Value, before: Value? = nil) {
        _ = loop.receive(.volume(resource, before: before.map(Object.init), after: Object(value)), now: 0)
    }

    private func storageClass(_ name: String, provisioner: String = "kubernetes.io/no-provisioner", zone: String? = nil) {
        var value: Value = [
            "metadata": ["name": .string(name)], "provisioner": .string(provisioner), "volumeBindingMode": "WaitForFirstConsumer",
        ]
        if let zone {
            value["allowedTopologies"] = [
                ["matchLabelExpressions": [["key": "topology.kubernetes.io/zone", "values": [.string(zone)]]]]
            ]
        }
        hear(StorageObjects.classes, value)
    }

    private func claim(
        _ name: String, class storageClass: String = "", volume: String? = nil, mode: String = "ReadWriteOnce", size: String = "1Gi",
        selected: String? = nil
    ) {
        var value: Value = [
            "metadata": ["name": .string(name), "namespace": "default", "uid": .string("claim-\(name)")],
            "spec": [
                "storageClassName": .string(storageClass), "accessModes": [.string(mode)],
                "resources": ["requests": ["storage": .string(size)]],
            ],
        ]
        if let volume {
            value["spec"]["volumeName"] = .string(volume)
            value["metadata"]["annotations"] = ["pv.kubernetes.io/bind-completed": "yes"]
        }
        if let selected { value["metadata"]["annotations"] = ["volume.kubernetes.io/selected-node": .string(selected)] }
        hear(StorageObjects.claims, value)
    }

    private func volume(
        _ name: String, class storageClass: String = "", on node: String? = nil, size: String = "1Gi", labels: [String: String] = [:]
    ) {
        var value: Value = [
            "metadata": ["name": .string(name), "labels": Value(labels)],
            "spec": [
                "storageClassName": .string(storageClass), "accessModes": ["ReadWriteOnce", "ReadWriteMany"],
                "capacity": ["storage": .string(size)],
            ],
            "status": ["phase": "Available"],
        ]
        if let node {
            let there: Value = ["matchExpressions": [["key": "kubernetes.io/hostname", "operator": "In", "values": [.string(node)]]]]
            value["spec"]["nodeAffinity"] = ["required": ["nodeSelectorTerms": [there]]]
        }
        hear(StorageObjects.volumes, value)
    }

    /// `node claim=volume …`, or the message.
    private func decide(_ name: String = "p", claims: String...) -> String {
        let volumes: [Value] = claims.map { ["name": .string($0), "persistentVolumeClaim": ["claimName": .string($0)]] }
        _ = loop.receive(.pod(before: nil, after: pod(name, spec: ["volumes": .array(volumes)])), now: 0)
        let effect = loop.cycle(host, now: 0)
        guard case .bind(_, let node, let needs) = effect else { return SchedulingLoopTests.describe(effect) }
        return
            ([node]
            + needs.volumes.map { binding in
                switch binding {
                case .existing(let claim, let volume): "\(claim.name)=\(volume.name)"
                case .provisioned(let claim): "\(claim.name)=new"
                }
            }).joined(separator: " ")
    }

    private func refused(_ reason: String, nodes: String = "2 ", _ why: String = "2 Preemption is not helpful for scheduling.") -> String {
        "0/2 nodes are available: \(nodes)\(reason). no new claims to deallocate, preemption: 0/2 nodes are available: \(why)"
    }

    @Test func claimsThatCannotBeHad() async {
        #expect(decide(claims: "absent") == refused("persistentvolumeclaim \"absent\" not found", nodes: ""))
        claim("now")
        #expect(decide("q", claims: "now") == refused("pod has unbound immediate PersistentVolumeClaims", nodes: ""))
        claim("lost", volume: "gone")
        #expect(
            decide("r", claims: "lost") == refused("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"))
        await host.stop()
    }

    @Test func aPodGoesWhereItsVolumeIs() async {
        volume("v", on: "b")
        claim("c", volume: "v")
        #expect(decide(claims: "c") == "b")
        volume("w", labels: ["topology.kubernetes.io/zone": "x"])
        claim("d", volume: "w")
        #expect(decide("q", claims: "d") == "a")
        #expect(
            decide("r", claims: "c", "d")
                == "0/2 nodes are available: 1 node(s) didn't match PersistentVolume's node affinity, 1 node(s) had no available volume zone. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."
        )
        await host.stop()
    }

    @Test func aClaimThatWaitsGetsTheSmallestVolumeThatFits() async {
        storageClass("local")
        volume("small", class: "local", on: "a", size: "512Mi")
        volume("large", class: "local", on: "b", size: "5Gi")
        volume("right", class: "local", on: "b", size: "2Gi")
        claim("c", class: "local")
        claim("d", class: "local")
        claim("e", class: "local")
        #expect(decide(claims: "c") == "b c=right")
        #expect(decide("q", claims: "d") == "b d=large")
        #expect(decide("r", claims: "e") == refused("node(s) didn't find available persistent volumes to bind"))
        // What came to nothing is free again.
        _ = loop.receive(.bindFailed(PodKey(namespace: "default", name: "q"), uid: "uid-q"), now: 0)
        #expect(decide("s", claims: "e") == "b e=large")
        await host.stop()
    }

    @Test func aVolumeIsMadeWhereTheClassAllows() async {
        storageClass("zonal", provisioner: "example.com/disk", zone: "y")
        claim("c", class: "zonal")
        #expect(decide(claims: "c") == "b c=new")
        await host.stop()
    }

    /// A driver that says how much room it has where.
    @Test func aVolumeIsMadeWhereThereIsRoom() async {
        func room(_ name: String, _ zone: String?, capacity: String? = nil, largest: String? = nil) -> Value {
            var value: Value = ["metadata": ["name": .string(name), "namespace": "kube-system"], "storageClassName": "local"]
            if let zone { value["nodeTopology"] = ["matchLabels": ["topology.kubernetes.io/zone": .string(zone)]] }
            if let capacity { value["capacity"] = .string(capacity) }
            if let largest { value["maximumVolumeSize"] = .string(largest) }
            return value
        }
        let (drivers, capacities) = (StorageObjects.drivers, StorageObjects.capacities)
        let driver: Value = ["metadata": ["name": "example.com/disk"], "spec": ["storageCapacity": true]]
        storageClass("local", provisioner: "example.com/disk")
        claim("c", class: "local", size: "5Gi")
        #expect(["a c=new", "b c=new"].contains(decide("p", claims: "c")))
        hear(drivers, driver)
        let noSpace = refused("node(s) did not have enough free storage")
        #expect(decide("q", claims: "c") == noSpace)
        // Without a topology it is nowhere; what is too small or in part too small is no room, and the largest volume counts before the sum.
        hear(capacities, room("nowhere", nil, capacity: "1Ti"))
        hear(capacities, room("small", "x", capacity: "4Gi"))
        hear(capacities, room("parts", "y", capacity: "1Ti", largest: "1Gi"))
        #expect(SchedulingLoopTests.describe(loop.cycle(host, now: 100_000)) == noSpace)
        hear(capacities, room("small", "x", capacity: "6Gi"), before: room("small", "x", capacity: "4Gi"))
        #expect(SchedulingLoopTests.describe(loop.cycle(host, now: 200_000)) == "a")
        // A volume that is there needs no room.
        volume("v", class: "local", on: "b", size: "9Gi")
        claim("d", class: "local", size: "8Gi")
        #expect(decide("r", claims: "d") == "b d=v")
        // Less room wakes nobody; no room to tell of does.
        claim("e", class: "local", size: "100Gi")
        #expect(decide("s", claims: "e") == noSpace)
        hear(capacities, room("small", "x", capacity: "5Gi"), before: room("small", "x", capacity: "6Gi"))
        #expect(loop.cycle(host, now: 220_000) == nil)
        hear(drivers, ["metadata": ["name": "example.com/disk"], "spec": ["storageCapacity": false]], before: driver)
        #expect(["a", "b"].contains(SchedulingLoopTests.describe(loop.cycle(host, now: 240_000))))
        await host.stop()
    }

    @Test func twoClaimsDoNotGetOneVolume() async {
        storageClass("local")
        volume("only", class: "local", on: "a")
        claim("c", class: "local")
        claim("d", class: "local")
        #expect(decide(claims: "c", "d") == refused("node(s) didn't find available persistent volumes to bind"))
        // A Node that is liked less has one for each: the smaller claim chooses first.
        _ = loop.receive(.pod(before: nil, after: pod("there", cpu: "2", on: "b")), now: 0)
        volume("small", class: "local", on: "b", size: "2Gi")
        volume("large", class: "local", on: "b", size: "3Gi")
        claim("e", class: "local", size: "2Gi")
        #expect(decide("q", claims: "e", "c") == "b c=small e=large")
        await host.stop()
    }

    @Test func whatIsNotThereIsMade() async {
        storageClass("zonal", provisioner: "example.com/disk", zone: "y")
        volume("only", class: "zonal", on: "a")
        volume("other", class: "zonal", on: "b")
        claim("c", class: "zonal")
        claim("d", class: "zonal")
        #expect(decide(claims: "c", "d") == "b c=other d=new")
        await host.stop()
    }

    /// Whoever found a Node for the Pod before has asked for a volume there.
    @Test func aVolumeThatIsBeingMadeIsWaitedForWhereItIs() async {
        storageClass("any", provisioner: "example.com/disk")
        volume("v", class: "any", on: "a")
        _ = loop.receive(.pod(before: nil, after: pod("there", cpu: "2", on: "b")), now: 0)
        claim("c", class: "any", selected: "b")
        #expect(decide(claims: "c") == "b c=new")
        claim("d", class: "any", selected: "gone")
        #expect(decide("q", claims: "d") == refused("node(s) didn't find available persistent volumes to bind"))
        await host.stop()
    }

    @Test func aClaimOfOnePodIsNotTwoPods() async {
        volume("v")
        claim("c", volume: "v", mode: "ReadWriteOncePod")
        _ = loop.receive(
            .pod(
                before: nil, after: pod("first", on: "a", spec: ["volumes": [["name": "v", "persistentVolumeClaim": ["claimName": "c"]]]])),
            now: 0)
        #expect(
            decide(claims: "c")
                == refused(
                    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod",
                    "2 No preemption victims found for incoming pod."))
        await host.stop()
    }

    @Test func whoeverHasAClaimOfOnePodMayHaveToGo() async {
        volume("v")
        claim("c", volume: "v", mode: "ReadWriteOncePod")
        let using: Value = ["volumes": [["name": "v", "persistentVolumeClaim": ["claimName": "c"]]]]
        var urgent = using
        urgent["priority"] = 10
        _ = loop.receive(.pod(before: nil, after: pod("first", on: "a", spec: using)), now: 0)
        _ = loop.receive(.pod(before: nil, after: pod("beside", on: "a")), now: 0)
        _ = loop.receive(.pod(before: nil, after: pod("p", spec: urgent)), now: 0)
        #expect(SchedulingLoopTests.describe(loop.cycle(host, now: 0)).hasSuffix("in-use by another pod. -first@a"))
        await host.stop()
    }

    @Test(arguments: [
        (["failure-domain.beta.kubernetes.io/zone": "x"], "a"), (["topology.kubernetes.io/zone": "y__z"], "b"),
        (["topology.kubernetes.io/region": "r"], ""), (["topology.kubernetes.io/zone": "x__"], "a or b"),
    ])
    func aVolumeIsWhereItsLabelsSay(_ labels: [String: String], _ expected: String) async {
        volume("v", labels: labels)
        claim("c", volume: "v")
        let result = decide(claims: "c")
        switch expected {
        case "": #expect(result == refused("node(s) had no available volume zone"))
        case "a or b": #expect(["a", "b"].contains(result))
        default: #expect(result == expected)
        }
        await host.stop()
    }
}
