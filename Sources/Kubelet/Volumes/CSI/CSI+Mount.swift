import APIModel
import Client
import FileSystem

extension CSI {
    /// Where a volume is that a pod has, mounted if it is not. Throws `Volumes.Failure` in upstream's words, and `CancellationError`.
    /// - Parameter name: what the pod calls it.
    func setUp(_ volume: CSIVolume, _ name: String, of pod: Pod) async throws -> Volumes.Mounted {
        let key = CSILedger.Key(pod: pod.uid, volume: volume.name)
        let path = volume.isBlock ? configuration.deviceLink(key) : target(key, volume.device)
        let mounted = Volumes.Mounted(path: path, isReadOnly: volume.isReadOnly, isDevice: volume.isBlock)
        return try await turns.run(volume.device.uniqueName) {
            do {
                let object = try await object(volume.driver)
                try check(volume, object)
                let known = ledger.use(key)
                if known?.progress == .mounted && object[path: "spec", "requiresRepublish"].bool != true {
                    return mounted
                }
                let isAttachable = !volume.isEphemeral && object[path: "spec", "attachRequired"].bool != false
                ledger.set(
                    key,
                    CSILedger.Use(
                        name: name, device: volume.device, isEphemeral: volume.isEphemeral, progress: known?.progress ?? .wanted),
                    isAttached: isAttachable)
                if known == nil { changed() }
                let context = isAttachable ? try await attached(volume) : [:]
                let (driver, capabilities) = try await ready(volume)
                let global = "\(configuration.rootDirectory)/\(volume.device.staging)"
                let isStaged = !volume.isEphemeral && capabilities.stages
                if isStaged || volume.isBlock, ledger.staging(volume.device) != .mounted {
                    try await stage(volume, driver, capabilities, context, at: global, group: pod.group)
                }
                try await publish(
                    volume, of: pod, object, (driver, capabilities), context, from: isStaged ? global : "", key)
                if volume.isBlock && known?.progress != .mounted { tellMapped(volume, pod) }
                return mounted
            } catch let problem as Problem {
                throw Volumes.Failure(volume: volume.name, reason: problem.reason, what: problem.what(volume), isMap: volume.isBlock)
            }
        }
    }

    /// What went wrong in which of upstream's steps.
    private struct Problem: Error {
        private var step: String
        var reason: String
        private var hasBegun = true

        init(_ step: String, _ reason: String) { (self.step, self.reason) = (step, reason) }

        /// Of a step that has not begun.
        init(waiting step: String) { (self.step, reason, hasBegun) = (step, "", false) }

        /// What upstream calls the steps of a volume without a file system.
        private static let ofBlocks = ["MountDevice": "SetUpDevice", "SetUp": "MapPodDevice"]

        func what(_ volume: CSIVolume) -> String {
            if !hasBegun { return step }
            return volume.isBlock ? "MapVolume.\(Self.ofBlocks[step] ?? step) failed" : "MountVolume.\(step) failed"
        }
    }

    /// Does one of upstream's steps, whatever of it fails.
    private func step<R>(_ step: String, _ prefix: String = "", _ body: () async throws -> R) async throws -> R {
        do { return try await body() } catch is CancellationError { throw CancellationError() } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(step, prefix + ((error as? APIError)?.message ?? "\(error)"))
        }
    }

    /// Upstream: `supportsVolumeLifecycleMode`.
    private func check(_ volume: CSIVolume, _ object: Value) throws {
        let mode = volume.isEphemeral ? "Ephemeral" : "Persistent"
        let prefix = "kubernetes.io/csi: mounter.SetupAt failed to check volume lifecycle mode: volume mode \"\(mode)\" not supported"
        if object.isNull {
            guard volume.isEphemeral else { return }
            throw Problem("SetUp", "\(prefix) by driver \(volume.driver) (no CSIDriver object)")
        }
        let modes = object[path: "spec", "volumeLifecycleModes"].elements.compactMap(\.string)
        guard modes.isEmpty ? volume.isEphemeral : !modes.contains(mode) else { return }
        let supported = (modes.isEmpty ? ["Persistent"] : modes).map { "\"\($0)\"" }.joined(separator: " ")
        throw Problem("SetUp", "\(prefix) by driver \(volume.driver) (only supports [\(supported)])")
    }

    // MARK: Attached

    /// Waits until the volume is attached to this node, and returns what the attacher has to say.
    ///
    /// Nobody detaches a volume that the node says it uses; and one that the node is not told to have may be about to go.
    private func attached(_ volume: CSIVolume) async throws -> [String: String] {
        let deadline = ContinuousClock.now + attachLimit
        var backoff = Backoff(first: .milliseconds(50), last: .seconds(1), spread: 0)
        while true {
            let problem: Problem
            do {
                return try await attachment(volume)
            } catch let error as Problem {
                problem = error
            }
            guard ContinuousClock.now < deadline else { throw problem }
            try await Task.sleep(for: backoff.next())
        }
    }

    private func attachment(_ volume: CSIVolume) async throws -> [String: String] {
        let (name, status) = (volume.attachment(to: configuration.nodeName), node.value["status"])
        guard status["volumesInUse"].elements.contains(where: { $0.string == volume.device.uniqueName }) else {
            throw Problem(waiting: "Volume has not been added to the list of VolumesInUse in the node's volume status")
        }
        guard status["volumesAttached"].elements.contains(where: { $0.name == volume.device.uniqueName }) else {
            throw Problem(waiting: "Volume not attached according to node status")
        }
        let object = try await step("WaitForAttach", "volume \(volume.handle) has GET error for volume attachment \(name): ") {
            try await client.get(StorageObjects.attachments, name: name).value
        }
        if !object[path: "metadata", "deletionTimestamp"].isNull { throw Problem("WaitForAttach", "volume attachment is being deleted") }
        guard object[path: "status", "attached"].bool == true else {
            let error = object[path: "status", "attachError", "message"].string
            throw Problem("WaitForAttach", error ?? "volume \(volume.handle) is not attached for volume attachment \(name)")
        }
        return object[path: "status", "attachmentMetadata"].strings
    }

    // MARK: On the node

    private func ready(_ volume: CSIVolume) async throws -> (CSIDriver, CSIDriver.Capabilities) {
        let name = volume.isEphemeral ? "SetUp" : "MountDevice"
        guard let driver = drivers[volume.driver] else {
            let what =
                volume.isEphemeral ? "mounter.SetUpAt failed to get CSI client" : "attacher.MountDevice failed to create newCsiDriverClient"
            throw Problem(name, "kubernetes.io/csi: \(what): \(CSI.missing(volume.driver))")
        }
        return (driver, try await step(name) { try await driver.capabilities() })
    }

    static func missing(_ driver: String) -> String { "driver name \(driver) not found in the list of registered CSI drivers" }

    /// Mounts the volume once for all pods of the node. Doing so again does no harm, and what an earlier kubelet did is not relied on.
    private func stage(
        _ volume: CSIVolume, _ driver: CSIDriver, _ capabilities: CSIDriver.Capabilities, _ context: [String: String], at global: String,
        group: Int64?
    ) async throws {
        try await step("MountDevice") {
            let secrets = try await secrets(volume.stageSecret, "NodeStageSecretRef")
            let (root, place, before) = (configuration.rootDirectory, volume.device.directory, ledger.staging(volume.device))
            let data = VolumeData(driver: volume.driver, handle: volume.handle)
            // Known and written first: what is begun has to be taken away.
            if before == nil { ledger.note(volume.device, .begun) }
            try await disk.run {
                let root = try Directory.make(root)
                try data.write(in: try root.make(place))
                _ = try root.make(volume.device.staging)
            }
            guard capabilities.stages else { return ledger.note(volume.device, .mounted) }
            do {
                _ = try await driver.call(
                    "NodeStageVolume",
                    [
                        "volume_id": .string(volume.handle), "publish_context": Value(context), "staging_target_path": .string(global),
                        "volume_capability": volume.capability(capabilities, group: group), "secrets": Value(secrets),
                        "volume_context": Value(volume.attributes),
                    ])
            } catch let failure as PluginFailure {
                if failure.isFinal, before == nil, await isDone({ try await discard(volume.device) }) { ledger.note(volume.device, nil) }
                throw failure
            }
            ledger.note(volume.device, .mounted)
        }
    }

    /// Mounts the volume for a pod.
    private func publish(
        _ volume: CSIVolume, of pod: Pod, _ object: Value, _ driver: (CSIDriver, CSIDriver.Capabilities), _ context: [String: String],
        from global: String, _ key: CSILedger.Key
    ) async throws {
        try await step("SetUp") {
            var secrets = try await secrets(volume.publishSecret, "NodePublishSecretRef")
            var attributes = volume.attributes
            if object[path: "spec", "podInfoOnMount"].bool == true { attributes.merge(Self.info(of: pod, volume)) { $1 } }
            if !volume.isBlock, let text = try await tokens(object, pod) {
                let name = "csi.storage.k8s.io/serviceAccount.tokens"
                if object[path: "spec", "serviceAccountTokenInSecrets"].bool == true {
                    secrets[name] = text
                } else {
                    attributes[name] = text
                }
            }
            let configuration = configuration
            let before = ledger.use(key)?.progress
            if before == .wanted { ledger.note(key, .begun) }
            try await disk.run { if volume.isBlock { try makeLink(key, volume.device) } else { try note(volume, key) } }
            do {
                _ = try await driver.0.call(
                    "NodePublishVolume",
                    [
                        "volume_id": .string(volume.handle), "publish_context": Value(context), "staging_target_path": .string(global),
                        "target_path": .string(target(key, volume.device)),
                        "volume_capability": volume.capability(driver.1, group: pod.group),
                        "readonly": .bool(volume.isReadOnly), "secrets": Value(secrets), "volume_context": Value(attributes),
                    ])
            } catch let failure as PluginFailure {
                if failure.isFinal, before == .wanted, await isDone({ try await discard(key, volume.device) }) {
                    ledger.note(key, .wanted)
                }
                throw failure
            }
            if !volume.isBlock, !driver.1.givesToGroups, let group = pod.group, Self.isOwned(volume, object) {
                let place = "\(Self.volumes)/\(volume.name)/mount"
                let always = pod.spec[path: "securityContext", "fsGroupChangePolicy"].string != "OnRootMismatch"
                try await step("SetUp", "applyFSGroup failed for vol \(volume.handle): ") {
                    try await disk.run {
                        let root = try Directory.open(configuration.podDirectory(pod.uid)).directory(place)
                        if always || !root.isOwned(by: group) { try root.give(to: group) }
                    }
                }
            }
            ledger.note(key, .mounted)
        }
    }

    /// Writes beside a pod's mount what it is. Blocks.
    private func note(_ volume: CSIVolume, _ key: CSILedger.Key) throws {
        let data = VolumeData(
            driver: volume.driver, handle: volume.handle, name: volume.name,
            attachment: volume.attachment(to: configuration.nodeName), node: configuration.nodeName, isEphemeral: volume.isEphemeral)
        try data.write(in: try configuration.makeDirectory(of: key.pod).make("\(Self.volumes)/\(key.volume)"))
    }

    /// Whether the pod's group is given all files. Upstream: `supportsFSGroup`.
    private static func isOwned(_ volume: CSIVolume, _ object: Value) -> Bool {
        if volume.isReadOnly { return false }
        switch object[path: "spec", "fsGroupPolicy"].string ?? "ReadWriteOnceWithFSType" {
        case "None": return false
        case "File": return true
        default: return !volume.fsType.isEmpty && volume.accessModes.contains { ["ReadWriteOnce", "ReadWriteOncePod"].contains($0) }
        }
    }

    // MARK: What drivers are told

    func secrets(_ reference: Value, _ field: String) async throws -> [String: String] {
        if reference.isNull { return [:] }
        let (namespace, name) = (reference["namespace"].string ?? "", reference.name)
        do {
            let secret = try await client.get(.secrets, namespace: namespace, name: name).value
            return PodReferences.decoded(secret).mapValues { String(decoding: $0, as: UTF8.self) }
        } catch let error as APIError {
            let what = "kubernetes.io/csi: failed to find the secret \(name) in the namespace \(namespace) with error: \(error.message)"
            throw ConfigurationError(message: "fetching \(field) \(namespace)/\(name) failed: \(what)")
        }
    }

    private static func info(of pod: Pod, _ volume: CSIVolume) -> [String: String] {
        [
            "csi.storage.k8s.io/pod.name": pod.name, "csi.storage.k8s.io/pod.namespace": pod.namespace,
            "csi.storage.k8s.io/pod.uid": pod.uid,
            "csi.storage.k8s.io/serviceAccount.name": pod.spec["serviceAccountName"].string ?? "",
            "csi.storage.k8s.io/ephemeral": String(volume.isEphemeral),
        ]
    }

    /// Tokens of the pod's account by audience, as JSON; `nil` when the driver wants none.
    private func tokens(_ object: Value, _ pod: Pod) async throws -> String? {
        let requests = object[path: "spec", "tokenRequests"].elements
        if requests.isEmpty { return nil }
        var tokens = Value.emptyObject
        for request in requests {
            let audience = request["audience"].string ?? ""
            let token = try await self.tokens.issued(for: pod, audience: audience, seconds: request["expirationSeconds"].int ?? 3600)
            tokens[audience] = ["token": .string(token.text), "expirationTimestamp": .string(Timestamp.format(seconds: token.expires))]
        }
        return String(decoding: JSON.encode(tokens), as: UTF8.self)
    }
}

extension Pod {
    /// Who may read and write what the pod's volumes hold.
    var group: Int64? { spec[path: "securityContext", "fsGroup"].int?.int64 }
}
