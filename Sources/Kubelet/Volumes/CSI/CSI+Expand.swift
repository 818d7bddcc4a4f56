import APIModel
import Client
import OrderedCollections

/// How far the growth of a claim's volume is, as its status says. Upstream: `operationexecutor`'s `NodeExpander`.
enum CSIGrowth: Equatable {
    /// There is nothing to do, or not for a node.
    case none
    /// The file system is to be as large as this. Whoever made the volume larger may want to hear that it has begun.
    case node(Quantity, isFollowed: Bool)

    init(_ claim: Value, of volume: Value) {
        let size = StorageObjects.capacity(ofVolume: volume)
        guard StorageObjects.capacity(ofClaim: claim) < size else {
            self = .none
            return
        }
        let status = claim["status"]
        let allocated = Quantity(of: status[path: "allocatedResources", "storage"])
        switch status[path: "allocatedResourceStatuses", "storage"].string {
        case nil: self = allocated == nil ? .node(size, isFollowed: false) : .none
        case "NodeResizePending", "NodeResizeInProgress": self = .node(allocated ?? size, isFollowed: true)
        default: self = .none
        }
    }
}

extension CSI {
    /// Conditions that say of a claim that it grows.
    private static let conditions: Set<String> = ["FileSystemResizePending", "Resizing", "ControllerResizeError", "NodeResizeError"]
    /// What a driver answers to what can never be done.
    private static let infeasible: Set<String> = ["InvalidArgument", "OutOfRange", "NotFound"]

    /// Has the driver make the file system of a mounted volume as large as the volume has become, and says so in the claim. Throws
    /// `Volumes.Failure` in upstream's words, and `CancellationError`.
    func expand(_ volume: CSIVolume, _ claim: Value, _ object: Value, of pod: Pod) async throws {
        guard CSIGrowth(claim, of: object) != .none else { return }
        do {
            try await turns.run(volume.device.uniqueName) {
                // Another pod's turn may have seen to it.
                let claim = try await client.get(StorageObjects.claims, namespace: pod.namespace, name: claim["metadata"].name).value
                guard case .node(let size, let isFollowed) = CSIGrowth(claim, of: object) else { return }
                if volume.isReadOnly {
                    let message = "MountVolume.NodeExpandVolume failed for volume \"\(volume.name)\" requested read-only file system"
                    tell(pod, claim, .warning, "FileSystemResizeFailed", message)
                    return
                }
                try await grow(volume, claim, to: size, isFollowed: isFollowed, of: pod)
            }
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            let reason = (error as? APIError)?.message ?? "\(error)"
            throw Volumes.Failure(volume: volume.name, reason: reason, what: "MountVolume.Setup failed while expanding volume")
        }
    }

    private func grow(_ volume: CSIVolume, _ claim: Value, to size: Quantity, isFollowed: Bool, of pod: Pod) async throws {
        guard let driver = drivers[volume.driver] else { throw ConfigurationError(message: Self.missing(volume.driver)) }
        let capabilities = try await driver.capabilities()
        guard capabilities.expands else {
            if !isFollowed { return }
            throw ConfigurationError(message: "NodeExpand is not supported by the CSI driver \(volume.driver)")
        }
        var claim = claim
        if isFollowed { claim = try await patch(claim, state: "NodeResizeInProgress", conditions: nil) }
        let global = "\(configuration.rootDirectory)/\(volume.device.staging)"
        do {
            _ = try await driver.call(
                "NodeExpandVolume",
                [
                    "volume_id": .string(volume.handle),
                    "volume_path": .string(target(CSILedger.Key(pod: pod.uid, volume: volume.name), volume.device)),
                    "capacity_range": ["required_bytes": .int(size.value)],
                    "staging_target_path": .string(capabilities.stages ? global : ""),
                    "volume_capability": volume.capability(capabilities, group: nil),
                    "secrets": Value(try await secrets(volume.expandSecret, "NodeExpandSecretRef")),
                ])
        } catch let failure as PluginFailure {
            // Not while it is in use: when it is mounted again.
            if failure.code == "FailedPrecondition" { return }
            if isFollowed && failure.isFinal { try await note(failure, claim) }
            throw ConfigurationError(message: "Expander.NodeExpand failed to expand the volume : \(failure)")
        }
        let name = configuration.nodeName
        tell(
            pod, claim, .normal, "FileSystemResizeSuccessful",
            "MountVolume.NodeExpandVolume succeeded for volume \"\(volume.name)\" \(name)")
        _ = try await patch(claim, state: nil, size: size, conditions: others(claim))
    }

    private func note(_ failure: PluginFailure, _ claim: Value) async throws {
        let condition: Value = [
            "type": "NodeResizeError", "status": "True", "lastTransitionTime": .string(Timestamp.now()),
            "message": .string("failed to expand pvc with Expander.NodeExpand failed to expand the volume \(failure)"),
        ]
        let kept = claim[path: "status", "conditions"].elements.filter { $0["type"].string != "NodeResizeError" }
        _ = try await patch(
            claim, state: Self.infeasible.contains(failure.code) ? "NodeResizeInfeasible" : "NodeResizeInProgress",
            conditions: kept + [condition])
    }

    private func others(_ claim: Value) -> [Value] {
        claim[path: "status", "conditions"].elements.filter { !Self.conditions.contains($0["type"].string ?? "") }
    }

    /// Writes how far the growth is, on this very version of the claim.
    /// - Parameters:
    ///   - state: `nil` when it is done.
    ///   - conditions: all there are to be; `nil` leaves them.
    private func patch(_ claim: Value, state: String?, size: Quantity? = nil, conditions: [Value]?) async throws -> Value {
        var (status, states) = (Value.emptyObject, Value.emptyObject)
        states.fields["storage"] = Value(state)
        status.fields["allocatedResourceStatuses"] = states
        if let size { status["capacity"] = ["storage": .string(size.description)] }
        if let conditions { status.fields["conditions"] = .array(conditions) }
        let metadata = claim["metadata"]
        return try await client.patch(
            StorageObjects.claims, namespace: metadata["namespace"].string, name: metadata.name, subresource: "status", .merge,
            ["metadata": ["resourceVersion": metadata["resourceVersion"]], "status": status]
        ).value
    }

    private func tell(_ pod: Pod, _ claim: Value, _ type: EventType, _ reason: String, _ message: String) {
        events.event(about: pod, type, reason, message)
        let metadata = claim["metadata"]
        events.event(
            about: [
                "kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": metadata["namespace"], "name": metadata["name"],
                "uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"],
            ], type: type, reason: reason, message: message)
    }
}
