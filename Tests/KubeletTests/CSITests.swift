import APIModel
import Client
import FileSystem
import Glibc
import OrderedCollections
import PKI
import Synchronization
import TestStorage
import TestSupport
import Testing

@testable import Kubelet

/// Volumes of storage drivers, with a driver of our own.
@Suite struct CSITests {
    static let drivers = GroupVersionResource(group: "storage.k8s.io", version: "v1", resource: "csidrivers")
    static let nodes = GroupVersionResource(group: "storage.k8s.io", version: "v1", resource: "csinodes")
    static let attachments = GroupVersionResource(group: "storage.k8s.io", version: "v1", resource: "volumeattachments")
    static let claims = GroupVersionResource(group: "", version: "v1", resource: "persistentvolumeclaims")
    static let volumes = GroupVersionResource(group: "", version: "v1", resource: "persistentvolumes")

    /// A kubelet, a driver that has not started, and a volume of its that a claim is bound to.
    private static func begin(_ bench: Bench, driver spec: Value? = ["attachRequired": false], volume: Value = .null) -> StorageDriver {
        bench.client.put(.nodes, makeNode(uid: "node-uid"))
        if let spec { bench.client.put(drivers, ["metadata": ["name": "disk.example"], "spec": spec]) }
        var source: Value = ["driver": "disk.example", "volumeHandle": "v-1"]
        for (field, value) in volume.fields { source[field] = value }
        bench.client.put(
            volumes,
            ["metadata": ["name": "pv"], "spec": ["csi": source, "accessModes": ["ReadWriteOnce"], "mountOptions": ["noatime"]]])
        bench.client.put(
            claims, ["metadata": ["name": "data", "namespace": "default"], "spec": ["volumeName": "pv"], "status": ["phase": "Bound"]])
        return StorageDriver(root: bench.context.configuration.rootDirectory)
    }

    private static let spec: Value = [
        "volumes": [["name": "data", "persistentVolumeClaim": ["claimName": "data"]]],
        "containers": [["name": "web", "image": "web:1", "volumeMounts": [["name": "data", "mountPath": "/data"]]]],
    ]

    private static func target(_ bench: Bench, pod: String = "web", _ volume: String = "pv") -> String {
        "\(bench.context.configuration.podDirectory("uid-\(pod)"))/volumes/kubernetes.io~csi/\(volume)/mount"
    }

    private static func global(_ bench: Bench) -> String {
        "\(bench.context.configuration.rootDirectory)/\(CSIDevice(driver: "disk.example", handle: "v-1").staging)"
    }

    private static func run(
        _ bench: Bench, _ driver: StorageDriver, _ pods: Pods? = nil, isFollowed: Bool = false,
        _ body: @Sendable @escaping () async throws -> Void
    ) async throws {
        do {
            try await driver.start()
            try await bench.run(pods, isFollowed: isFollowed, body)
        } catch {
            await driver.stop()
            throw error
        }
        if !isFollowed { await driver.stop() }
    }

    private static func isGone(_ bench: Bench, _ driver: StorageDriver, pod: String = "web") async throws {
        try await bench.eventually("gone") { bench.client.object(.pods, "default", pod) == nil }
        try await bench.eventually("nothing mounted: \(driver.changes)") { driver.mounted.isEmpty }
        let (directory, device) = (bench.context.configuration.podDirectory("uid-\(pod)"), Files.parent(of: global(bench)))
        try await bench.eventually("no files") { !Files.isDirectory(directory) && !Files.isDirectory(device) }
        try await bench.eventually("not in use") { bench.context.volumes.csi.ledger.inUse == [] }
    }

    // MARK: Registration

    @Test func aDriverComesAndGoes() async throws {
        let bench = Bench()
        let driver = Self.begin(bench)
        driver.state.withLock {
            $0.info = [
                "node_id": "node-1", "max_volumes_per_node": 7,
                "accessible_topology": ["segments": ["example/zone": "z1", "example/rack": "r1"]],
            ]
        }
        try await Self.run(bench, driver) {
            try await bench.eventually("told") { driver.state.withLock { !$0.told.isEmpty } }
            #expect(driver.state.withLock { $0.told[0]["plugin_registered"].bool } == true)
            let object = try #require(bench.client.object(Self.nodes, nil, "node"))
            let entry: Value = [
                "name": "disk.example", "nodeID": "node-1", "topologyKeys": ["example/rack", "example/zone"], "allocatable": ["count": 7],
            ]
            #expect(object["spec"]["drivers"].elements == [entry])
            #expect(object["metadata"]["ownerReferences"][0]["uid"].string == "node-uid")
            let metadata = try #require(bench.client.object(.nodes, nil, "node"))["metadata"]
            #expect(metadata["labels"]["example/zone"].string == "z1" && metadata["labels"]["kubernetes.io/os"].string == "linux")
            #expect(metadata["annotations"]["csi.volume.kubernetes.io/nodeid"].string == #"{"disk.example":"node-1"}"#)
            await driver.stop()
            try await bench.eventually("taken back") {
                bench.client.object(Self.nodes, nil, "node")?["spec"]["drivers"].elements.isEmpty == true
                    && bench.client.object(.nodes, nil, "node")?["metadata"]["annotations"].fields.isEmpty == true
            }
            #expect(bench.client.object(.nodes, nil, "node")?["metadata"]["labels"]["example/zone"].string == "z1")
        }
    }

    @Test(
        arguments: [
            (["supported_versions": ["2.0.0"]], "None of the versions specified [\"2.0.0\"] are supported"),
            (["supported_versions": .array([])], "Plugin returned an empty list for supported versions"),
            (["type": "Toaster"], "no handler registered for plugin type: Toaster at socket"),
        ] as [(Value, String)])
    func aPluginIsRefused(_ plugin: Value, _ reason: String) async throws {
        let bench = Bench()
        let driver = Self.begin(bench)
        driver.state.withLock { state in for (field, value) in plugin.fields { state.plugin[field] = value } }
        try await Self.run(bench, driver) {
            try await bench.eventually("told") { driver.state.withLock { !$0.told.isEmpty } }
            let told = driver.state.withLock { $0.told[0] }
            #expect(told["plugin_registered"].bool != true)
            #expect(told["error"].string?.contains(reason) == true, "\(told)")
            #expect(bench.client.object(Self.nodes, nil, "node")?["spec"]["drivers"].elements.isEmpty != false)
        }
    }

    @Test(
        arguments: [
            (["1.0.0", "1.4.2"], "1.4.2"), (["v1.2"], "1.2"), (["0.3.0", "1.0.0", "2.0.0"], "1.0.0"), (["0.3.0"], nil), (["x"], nil),
            ([], nil),
        ] as [([String], String?)])
    func versions(_ texts: [String], _ highest: String?) {
        #expect(PluginVersion.highest(of: texts)?.description == highest)
    }

    // MARK: Mounts

    @Test func aVolumeIsMountedAndTakenAway() async throws {
        let bench = Bench()
        let driver = Self.begin(
            bench,
            volume: [
                "fsType": "ext4", "volumeAttributes": ["size": "big"], "nodeStageSecretRef": ["name": "key", "namespace": "kube-system"],
                "nodePublishSecretRef": ["name": "key", "namespace": "kube-system"],
            ])
        bench.client.put(.secrets, ["metadata": ["name": "key", "namespace": "kube-system"], "data": ["word": "c2VzYW1l"]])
        var spec = Self.spec
        spec["securityContext"] = ["fsGroup": 4711]
        let podSpec = spec
        try await Self.run(bench, driver) {
            bench.client.put(.pods, makePod(spec: podSpec))
            try await bench.wait("running") { $0["phase"].string == "Running" }
            let (target, global) = (Self.target(bench), Self.global(bench))
            #expect(driver.mounted == [target, global])
            let stage = driver.request("NodeStageVolume")
            let capability: Value = ["mount": ["fs_type": "ext4", "mount_flags": ["noatime"]], "access_mode": ["mode": 1]]
            #expect(stage["volume_capability"] == capability && stage["staging_target_path"].string == global)
            #expect(stage["secrets"].strings == ["word": "sesame"] && stage["volume_context"].strings == ["size": "big"])
            let publish = driver.request("NodePublishVolume")
            #expect(publish["volume_id"].string == "v-1" && publish["staging_target_path"].string == global)
            #expect(publish["volume_capability"] == capability && publish["secrets"].strings == ["word": "sesame"])
            #expect(publish["volume_context"].strings == ["size": "big"] && publish["readonly"].bool != true)
            #expect(bench.runtime.config("web")["mounts"].elements.contains { $0["host_path"].string == target })
            // The group has all of it.
            let status = try #require(Files.status(target))
            #expect(status.group == 4711 && status.permissions == 0o2775)
            let data = try JSON.decode(Files.content(of: Files.parent(of: target) + "/vol_data.json"))
            #expect(data["driverName"].string == "disk.example" && data["volumeHandle"].string == "v-1")
            #expect(data["volumeLifecycleMode"].string == "Persistent" && data["specVolID"].string == "pv")
            // Without an attachment nobody needs to know.
            #expect(bench.context.volumes.csi.ledger.inUse == [])
            bench.client.markDeleted("web", grace: 1)
            try await Self.isGone(bench, driver)
            #expect(driver.changes == ["NodeStageVolume", "NodePublishVolume", "NodeUnpublishVolume", "NodeUnstageVolume"])
        }
    }

    @Test func twoPodsShareAVolume() async throws {
        let bench = Bench()
        let driver = Self.begin(bench)
        try await Self.run(bench, driver) {
            for name in ["web", "other"] { bench.client.put(.pods, makePod(name, spec: Self.spec)) }
            for name in ["web", "other"] { try await bench.wait("running", of: name) { $0["phase"].string == "Running" } }
            #expect(driver.count("NodeStageVolume") == 1 && driver.count("NodePublishVolume") == 2)
            bench.client.markDeleted("web", grace: 1)
            try await bench.eventually("one gone") { driver.mounted == [Self.target(bench, pod: "other"), Self.global(bench)] }
            #expect(driver.count("NodeUnstageVolume") == 0)
            bench.client.markDeleted("other", grace: 1)
            try await Self.isGone(bench, driver, pod: "other")
        }
    }

    @Test func aVolumeOfThePod() async throws {
        let bench = Bench()
        let driver = Self.begin(
            bench, driver: ["attachRequired": true, "podInfoOnMount": true, "volumeLifecycleModes": ["Ephemeral"]])
        var spec = Self.spec
        spec["volumes"] = [["name": "data", "csi": ["driver": "disk.example", "readOnly": true, "volumeAttributes": ["a": "b"]]]]
        let podSpec = spec
        try await Self.run(bench, driver) {
            bench.client.put(.pods, makePod(spec: podSpec))
            try await bench.wait("running") { $0["phase"].string == "Running" }
            #expect(driver.mounted == [Self.target(bench, "data")])
            let publish = driver.request("NodePublishVolume")
            #expect(publish["volume_id"].string == "csi-" + Digest.hexadecimal("uid-webdata") && publish["readonly"].bool == true)
            #expect(publish["volume_context"]["csi.storage.k8s.io/ephemeral"].string == "true")
            #expect(
                publish["volume_context"]["csi.storage.k8s.io/pod.name"].string == "web" && publish["volume_context"]["a"].string == "b")
            #expect(bench.context.volumes.csi.ledger.inUse == [])
            bench.client.markDeleted("web", grace: 1)
            try await Self.isGone(bench, driver)
        }
    }

    /// Whoever wants tokens wants new ones, too; a failure then takes nothing away.
    @Test(arguments: [true, false])
    func tokensOfThePodsAccount(_ republishes: Bool) async throws {
        let bench = Bench()
        let driver = Self.begin(
            bench,
            driver: [
                "attachRequired": false, "requiresRepublish": .bool(republishes), "serviceAccountTokenInSecrets": .bool(republishes),
                "tokenRequests": [["audience": "vault"]],
            ])
        let pods = Pods(context: bench.context)
        try await Self.run(bench, driver, pods) {
            bench.client.put(.pods, makePod(spec: Self.spec))
            try await bench.wait("running") { $0["phase"].string == "Running" }
            let place = driver.request("NodePublishVolume")[republishes ? "secrets" : "volume_context"]
            let tokens = try JSON.decode(Array((place["csi.storage.k8s.io/serviceAccount.tokens"].string ?? "").utf8))
            #expect(tokens["vault"]["token"].string == "a-token")
            #expect(tokens["vault"]["expirationTimestamp"].string == "2036-01-02T03:04:05Z")
            driver.fail("NodePublishVolume", "later")
            let before = bench.client.statuses("web").count
            await pods.worker("uid-web")?.refreshVolumes()
            if republishes {
                try await bench.eventually("told") { bench.events.message("FailedMount")?.hasSuffix("desc = later") == true }
            }
            #expect(driver.mounted == [Self.target(bench), Self.global(bench)] && bench.client.statuses("web").count == before)
            bench.client.markDeleted("web", grace: 1)
            try await Self.isGone(bench, driver)
            #expect((driver.count("NodePublishVolume") > 1) == republishes && driver.count("NodeStageVolume") == 1)
        }
    }

    @Test func aDriverThatDoesNotSupportTheMode() async throws {
        let bench = Bench()
        let driver = Self.begin(bench)
        var spec = Self.spec
        spec["volumes"] = [["name": "data", "csi": ["driver": "disk.example"]]]
        let podSpec = spec
        try await Self.run(bench, driver) {
            bench.client.put(.pods, makePod(spec: podSpec))
            let prefix =
                "MountVolume.SetUp failed for volume \"data\" : kubernetes.io/csi: mounter.SetupAt failed to check volume lifecycle mode"
            let reason = "volume mode \"Ephemeral\" not supported by driver disk.example (only supports [\"Persistent\"])"
            try await bench.eventually("told") { bench.events.message("FailedMount") == "\(prefix): \(reason)" }
        }
    }

    /// The volume has become larger, and its maker waits for the node; what is in the claim's status besides stays.
    @Test func aFileSystemGrows() async throws {
        let bench = Bench()
        let driver = Self.begin(bench)
        driver.state.withLock { $0.capabilities = [1, 3] }
        for (resource, namespace, name) in [(Self.volumes, nil, "pv"), (Self.claims, "default", "data")] as [(_, String?, _)] {
            var object = try #require(bench.client.object(resource, namespace, name))
            object["spec"]["capacity"] = ["storage": "2Gi"]
            object["status"]["capacity"] = ["storage": "1Gi"]
            object["status"]["allocatedResources"] = ["storage": "2Gi"]
            object["status"]["allocatedResourceStatuses"] = ["storage": "NodeResizePending"]
            object["status"]["conditions"] = [["type": "FileSystemResizePending", "status": "True"], ["type": "Other", "status": "True"]]
            bench.client.put(resource, object)
        }
        driver.fail("NodeExpandVolume", "not today")
        try await Self.run(bench, driver) {
            bench.client.put(.pods, makePod(spec: Self.spec))
            let reason = "Expander.NodeExpand failed to expand the volume : rpc error: code = Internal desc = not today"
            let message = "MountVolume.Setup failed while expanding volume for volume \"pv\" : \(reason)"
            try await bench.eventually("told") { bench.events.message("FailedMount") == message }
            let failed = try #require(bench.client.object(Self.claims, "default", "data"))["status"]
            #expect(failed["allocatedResourceStatuses"]["storage"].string == "NodeResizeInProgress")
            #expect(failed["conditions"].elements.map { $0["type"].string } == ["FileSystemResizePending", "Other", "NodeResizeError"])
            driver.fail("NodeExpandVolume", nil)
            try await bench.wait("running") { $0["phase"].string == "Running" }
            #expect(driver.request("NodeExpandVolume")["capacity_range"]["required_bytes"].int == 2 << 30)
            let status = try #require(bench.client.object(Self.claims, "default", "data"))["status"]
            #expect(status["capacity"]["storage"].string == "2Gi" && status["allocatedResourceStatuses"].fields.isEmpty)
            #expect(status["conditions"].elements.map { $0["type"].string } == ["Other"])
            let grown = "MountVolume.NodeExpandVolume succeeded for volume \"pv\" node"
            #expect(bench.events.message("FileSystemResizeSuccessful") == grown)
        }
    }

    @Test func aDriverTellsHowFullAVolumeIs() async throws {
        let bench = Bench()
        let driver = Self.begin(bench)
        driver.state.withLock { $0.capabilities = [1, 2] }
        try await Self.run(bench, driver) {
            bench.client.put(.pods, makePod(spec: Self.spec))
            try await bench.wait("running") { $0["phase"].string == "Running" }
            let csi = bench.context.volumes.csi
            for (key, use) in csi.ledger.mounted { await csi.measure(key, use) }
            #expect(driver.request("NodeGetVolumeStats")["volume_path"].string == Self.target(bench))
            var figures = try #require(csi.stats(of: pod(Self.spec)).first)
            figures["time"] = .null
            let told: Value = [
                "availableBytes": 60, "capacityBytes": 100, "usedBytes": 40, "inodesFree": 6, "inodes": 10, "inodesUsed": 4,
                "volumeHealthStats": ["abnormal": true], "name": "data", "pvcRef": ["name": "data", "namespace": "default"],
            ]
            #expect(figures == told)
        }
    }

    // MARK: Attached

    @Test func aVolumeIsAttachedFirst() async throws {
        let bench = Bench()
        let driver = Self.begin(bench, driver: nil)
        let name = "csi-" + Digest.hexadecimal("v-1disk.examplenode")
        try await Self.run(bench, driver) {
            bench.client.put(.pods, makePod(spec: Self.spec))
            try await bench.eventually("in use") {
                bench.context.volumes.csi.ledger.inUse == ["kubernetes.io/csi/disk.example^v-1"] && driver.count("NodeGetInfo") > 0
            }
            bench.client.put(
                Self.attachments,
                ["metadata": ["name": .string(name)], "status": ["attached": true, "attachmentMetadata": ["device": "/dev/x"]]])
            #expect(driver.changes.isEmpty)
            var node = makeNode(uid: "node-uid")
            node["status"]["volumesInUse"] = ["kubernetes.io/csi/disk.example^v-1"]
            node["status"]["volumesAttached"] = [["name": "kubernetes.io/csi/disk.example^v-1", "devicePath": ""]]
            bench.client.put(.nodes, node)
            try await bench.wait("running") { $0["phase"].string == "Running" }
            #expect(driver.request("NodeStageVolume")["publish_context"].strings == ["device": "/dev/x"])
            #expect(driver.request("NodePublishVolume")["publish_context"].strings == ["device": "/dev/x"])
        }
    }

    // MARK: Faults

    @Test(arguments: [("NodeStageVolume", "MountDevice"), ("NodePublishVolume", "SetUp")])
    func aDriverAnswersAnError(_ method: String, _ step: String) async throws {
        let bench = Bench()
        let driver = Self.begin(bench)
        driver.fail(method, "no more disks")
        try await Self.run(bench, driver) {
            bench.client.put(.pods, makePod(spec: Self.spec))
            let message = "MountVolume.\(step) failed for volume \"pv\" : rpc error: code = Internal desc = no more disks"
            try await bench.eventually("told") { bench.events.message("FailedMount") == message }
            // Nothing of what failed is left.
            #expect(driver.mounted.isEmpty == (step == "MountDevice"))
            try await bench.eventually("nothing left") { !Files.isDirectory(Files.parent(of: Self.target(bench))) }
            driver.fail(method, nil)
            try await bench.wait("running") { $0["phase"].string == "Running" }
            bench.client.markDeleted("web", grace: 1)
            try await Self.isGone(bench, driver)
        }
    }

    /// A call that does not end holds up the pod whose it is, and not its end.
    @Test(arguments: ["NodeGetCapabilities", "NodeStageVolume", "NodePublishVolume"])
    func aDriverHangs(_ method: String) async throws {
        let bench = Bench(driverLimit: .milliseconds(300))
        let driver = Self.begin(bench)
        driver.hang(method)
        try await Self.run(bench, driver) {
            bench.client.put(.pods, makePod(spec: Self.spec))
            bench.client.put(.pods, makePod("other"))
            try await bench.wait("running", of: "other") { $0["phase"].string == "Running" }
            try await bench.eventually("told") {
                bench.events.message("FailedMount")?.hasSuffix(": rpc error: code = DeadlineExceeded desc = context deadline exceeded")
                    == true
            }
            driver.spare(method)
            bench.client.markDeleted("web", grace: 1)
            try await Self.isGone(bench, driver)
        }
    }

    /// What may be mounted is not forgotten while its driver is away, nor is the pod.
    @Test func aDriverDiesBetweenStageAndPublish() async throws {
        let bench = Bench()
        let driver = Self.begin(bench)
        driver.hang("NodePublishVolume")
        try await Self.run(bench, driver) {
            bench.client.put(.pods, makePod(spec: Self.spec))
            try await bench.eventually("staged") { driver.count("NodePublishVolume") == 1 }
            await driver.stop()
            let missing = "driver name disk.example not found in the list of registered CSI drivers"
            try await bench.eventually("told") { bench.events.message("FailedMount")?.hasSuffix(missing) == true }
            bench.client.markDeleted("web", grace: 1)
            try await bench.eventually("ending") { bench.runtime.count("StopPodSandbox") > 0 }
            #expect(bench.client.object(.pods, "default", "web") != nil && driver.mounted == [Self.global(bench)])
            driver.spare("NodePublishVolume")
            try await driver.start()
            try await Self.isGone(bench, driver)
        }
    }

    @Test func anUnpublishThatFailsIsTriedAgain() async throws {
        let bench = Bench()
        let driver = Self.begin(bench)
        try await Self.run(bench, driver) {
            bench.client.put(.pods, makePod(spec: Self.spec))
            try await bench.wait("running") { $0["phase"].string == "Running" }
            driver.fail("NodeUnpublishVolume", "busy")
            bench.client.markDeleted("web", grace: 1)
            try await bench.eventually("tried") { driver.count("NodeUnpublishVolume") > 1 }
            #expect(bench.client.object(.pods, "default", "web") != nil && Files.isDirectory(Self.target(bench)))
            driver.fail("NodeUnpublishVolume", nil)
            try await Self.isGone(bench, driver)
        }
    }

    /// A pod that went while no kubelet was there: what lies beside the mounts says what is to be taken away.
    @Test(arguments: [true, false])
    func anotherKubeletFollows(_ isPodThere: Bool) async throws {
        let bench = Bench()
        let driver = Self.begin(bench)
        try await Self.run(bench, driver, isFollowed: true) {
            bench.client.put(.pods, makePod(spec: Self.spec))
            try await bench.wait("running") { $0["phase"].string == "Running" }
        }
        let mounted = driver.mounted
        if !isPodThere { _ = try await bench.client.delete(.pods, namespace: "default", name: "web", options: .null) }
        let second = Bench(after: bench)
        try await second.run {
            if isPodThere {
                try await second.eventually("known") { second.context.volumes.csi.ledger.inUse != nil }
                #expect(driver.mounted == mounted)
                second.client.markDeleted("web", grace: 1)
            }
            try await Self.isGone(second, driver)
        }
        await driver.stop()
    }

    // MARK: Without a file system

    private static let deviceSpec: Value = [
        "volumes": [["name": "data", "persistentVolumeClaim": ["claimName": "data", "readOnly": true]]],
        "containers": [["name": "web", "image": "web:1", "volumeDevices": [["name": "data", "devicePath": "/dev/x"]]]],
    ]

    /// Makes the volume one without a file system.
    private static func makeBlock(_ bench: Bench, source: Value? = nil) throws {
        var object = try #require(bench.client.object(volumes, nil, "pv"))
        object["spec"]["volumeMode"] = "Block"
        if let source {
            object["spec"]["csi"] = .null
            object["spec"]["local"] = source
        }
        bench.client.put(volumes, object)
    }

    private static func blocks(_ bench: Bench) -> String { "\(bench.context.configuration.rootDirectory)/\(CSIDevice.blocks)" }

    /// A driver that stages and one that does not, and with each a kubelet that follows and takes away what the first one left.
    @Test(arguments: [[1], []] as [[Int64]])
    func aDeviceOfADriver(_ capabilities: [Int64]) async throws {
        let bench = Bench()
        let driver = Self.begin(bench, driver: ["attachRequired": false, "podInfoOnMount": true])
        try Self.makeBlock(bench)
        let (root, blocks) = (bench.context.configuration.rootDirectory, Self.blocks(bench))
        driver.state.withLock { state in
            state.capabilities = capabilities
            state.device = root + "/disk"
        }
        try await Self.run(bench, driver, isFollowed: true) {
            try Directory.open(root).create("disk", Array("bytes".utf8), mode: 0o600)
            bench.client.put(.pods, makePod(spec: Self.deviceSpec))
            try await bench.wait("running") { $0["phase"].string == "Running" }
            let published = "\(blocks)/publish/pv/uid-web"
            #expect(driver.mounted == (capabilities.isEmpty ? [published] : [published, "\(blocks)/staging/pv"]))
            let request = driver.request("NodePublishVolume")
            let capability: Value = ["block": .emptyObject, "access_mode": ["mode": 1]]
            #expect(request["volume_capability"] == capability && request["readonly"].bool == true)
            #expect(request["volume_context"]["csi.storage.k8s.io/pod.name"].string == "web")
            let place = bench.context.configuration.podDirectory("uid-web") + "/volumeDevices/kubernetes.io~csi"
            let device: Value = ["container_path": "/dev/x", "host_path": .string("\(place)/pv"), "permissions": "r"]
            #expect(bench.runtime.config("web")["devices"].elements == [device])
            #expect(try Directory.open(place).linkTarget("pv") == published)
            let mapped = "MapVolume.MapPodDevice succeeded for volume \"pv\" volumeMapPath \"\(place)\""
            #expect(bench.events.message("SuccessfulMountVolume") == mapped)
        }
        let second = Bench(after: bench)
        try await second.run {
            try await second.eventually("known") { second.context.volumes.csi.ledger.inUse != nil }
            #expect(!driver.mounted.isEmpty)
            second.client.markDeleted("web", grace: 1)
            try await Self.isGone(second, driver)
            try await second.eventually("no places: \(Files.names(in: blocks))") {
                Files.names(in: blocks).allSatisfy { Files.names(in: "\(blocks)/\($0)").isEmpty }
            }
            #expect((driver.count("NodeUnstageVolume") > 0) == !capabilities.isEmpty)
        }
        await driver.stop()
    }

    @Test(arguments: [("NodeStageVolume", "SetUpDevice"), ("NodePublishVolume", "MapPodDevice")])
    func aDeviceDoesNotCome(_ method: String, _ step: String) async throws {
        let bench = Bench()
        let driver = Self.begin(bench)
        try Self.makeBlock(bench)
        driver.fail(method, "no more disks")
        try await Self.run(bench, driver) {
            bench.client.put(.pods, makePod(spec: Self.deviceSpec))
            let message = "MapVolume.\(step) failed for volume \"pv\" : rpc error: code = Internal desc = no more disks"
            try await bench.eventually("told") { bench.events.message("FailedMapVolume") == message }
            bench.client.markDeleted("web", grace: 1)
            try await Self.isGone(bench, driver)
        }
    }

    @Test func aDeviceOfTheMachine() async throws {
        let bench = Bench()
        let path = bench.context.configuration.rootDirectory + "/disk"
        _ = Self.begin(bench)
        try Self.makeBlock(bench, source: ["path": .string(path)])
        try await bench.run {
            bench.client.put(.pods, makePod(spec: Self.deviceSpec))
            let prefix = "MapVolume.MapBlockVolume failed for volume \"pv\" : hostPath type check failed: "
            try await bench.eventually("told") { bench.events.message("FailedMapVolume") == "\(prefix)\(path) is not a block device" }
            // The kernel's first loop device: a node is all that is asked for.
            #expect(mknod(path, S_IFBLK | 0o600, 7 << 8) == 0)
            try await bench.wait("running") { $0["phase"].string == "Running" }
            let link = bench.context.configuration.podDirectory("uid-web") + "/volumeDevices/kubernetes.io~local-volume/pv"
            #expect(bench.runtime.config("web")["devices"][0]["host_path"].string == link && Files.status(link)?.kind == S_IFBLK)
            bench.client.markDeleted("web", grace: 1)
            try await bench.eventually("gone") { bench.client.object(.pods, "default", "web") == nil }
            #expect(Files.exists(path))
        }
    }

    @Test(
        arguments: [
            (true, "volumeMounts", "volume data has volumeMode Block, but is specified in volumeMounts"),
            (false, "volumeDevices", "volume data has volumeMode Filesystem, but is specified in volumeDevices"),
        ])
    func aVolumeIsNotWhatThePodTakesItFor(_ isBlock: Bool, _ field: String, _ reason: String) async throws {
        let bench = Bench()
        _ = Self.begin(bench)
        if isBlock { try Self.makeBlock(bench) }
        try await bench.run {
            bench.client.put(.pods, makePod(spec: isBlock ? Self.spec : Self.deviceSpec))
            try await bench.eventually("told") { bench.events.message("FailedMount")?.hasSuffix(reason) == true }
        }
    }

    // MARK: Values

    @Test(
        arguments: [
            ("ReadWriteOnce", [1], 1), ("ReadWriteOnce", [5], 7), ("ReadWriteOncePod", [1], 1), ("ReadWriteOncePod", [5], 6),
            ("ReadOnlyMany", [5], 3), ("ReadWriteMany", [], 5),
        ] as [(String, [Int64], Whole)])
    func accessModes(_ mode: String, _ capabilities: [Int64], _ number: Whole) throws {
        let volume = try #require(
            CSIVolume(
                ["metadata": ["name": "pv"], "spec": ["csi": ["driver": "d", "volumeHandle": "h"], "accessModes": [.string(mode)]]],
                isReadOnly: false))
        let capability = volume.capability(CSIDriver.Capabilities(Set(capabilities.map { Whole($0) })), group: 5)
        #expect(capability["access_mode"]["mode"].int == number)
        #expect(capability["mount"]["volume_mount_group"].isNull)
    }
}
