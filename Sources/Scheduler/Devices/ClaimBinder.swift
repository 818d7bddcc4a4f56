internal import APIModel
internal import Client

/// What is written about a claim before its Pod is bound.
package struct ClaimBinding: Sendable {
    let claim: Object
    /// The devices that it gets; `nil` for one that has some.
    let allocation: Value?

    /// Whether its devices may not be ready yet.
    var waits: Bool { allocation.map(ClaimReadiness.waits) ?? ClaimReadiness.waits(claim) }
}

/// Writes which devices a Pod's claims get and that they are its, before the Pod is bound.
struct ClaimBinder {
    let client: any Client
    let cache: Cache
    let pod: Object

    struct Failure: Error, CustomStringConvertible {
        let what: String
        var description: String { "running PreBind plugin \"DynamicResources\": \(what)" }
    }

    private static let finalizer = "resource.kubernetes.io/delete-protection"
    /// How often a claim is written that others write to as well.
    private static let attempts = 5

    /// - Parameter written: hears each claim as it is then.
    /// - Throws: `Failure`; some of the claims may have been written.
    func bind(_ bindings: [ClaimBinding], written: (Object) -> Void) async throws {
        for binding in bindings where !binding.claim.isReserved(for: pod.uid) { written(try await bind(binding)) }
    }

    /// Returns when the devices of all claims are ready.
    /// - Throws: `Failure` when one will not be, or takes too long.
    func wait(_ bindings: [ClaimBinding], within limit: Duration) async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { try await look(bindings, limit) }
            group.addTask {
                try await Task.sleep(for: limit)
                throw Failure(what: "device binding timeout: context deadline exceeded")
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func look(_ bindings: [ClaimBinding], _ limit: Duration) async throws {
        let keys = Set(bindings.map { PodKey($0.claim) })
        let (changes, signal) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let observation = cache.observe([DeviceObjects.claimResource]) { _, before, after in
            if let object = after ?? before, keys.contains(PodKey(object)) { signal.yield() }
        }
        defer { observation.cancel() }
        for await _ in changes {
            var isDone = true
            for binding in bindings {
                let key = PodKey(binding.claim)
                guard let claim = cache.get(DeviceObjects.claimResource, namespace: key.namespace, name: key.name),
                    claim.uid == binding.claim.uid
                else { throw Failure(what: "claim \(key) got deleted in the meantime") }
                switch ClaimReadiness(claim, limit: limit.components.seconds, now: Timestamp.nowSeconds().int64) {
                case .ready: continue
                case .waiting: isDone = false
                case .late: throw Failure(what: "device binding timeout: claim=\(claim.name)")
                case .failed(let why): throw Failure(what: why)
                }
            }
            if isDone { return }
        }
        throw CancellationError()
    }

    private func bind(_ binding: ClaimBinding) async throws -> Object {
        var claim = binding.claim
        let key = PodKey(claim)
        let doing = binding.allocation == nil ? "add reservation" : "add allocation and reservation"
        for attempt in 1... {
            do {
                if attempt > 1 { claim = try await client.get(DeviceObjects.claimResource, namespace: key.namespace, name: key.name) }
                guard claim.uid == binding.claim.uid, !claim.isBeingDeleted else {
                    throw Failure(what: "claim \(key) got deleted in the meantime")
                }
                return try await write(binding.allocation, claim, key)
            } catch let error as APIError where error.reason == .conflict && attempt < Self.attempts {
                continue
            } catch let error as APIError {
                throw Failure(what: "\(doing) to claim \(key): \(error)")
            }
        }
        throw CancellationError()
    }

    private func write(_ allocation: Value?, _ claim: Object, _ key: PodKey) async throws -> Object {
        var value = claim.value
        if let allocation {
            guard claim.allocation == nil else { throw Failure(what: "claim \(key) got allocated elsewhere in the meantime") }
            if !value["metadata"]["finalizers"].elements.contains(where: { $0.string == Self.finalizer }) {
                value["metadata"]["finalizers"] = .array(value["metadata"]["finalizers"].elements + [.string(Self.finalizer)])
                value = try await client.update(DeviceObjects.claimResource, namespace: key.namespace, name: key.name, value).value
            }
            value["status"]["allocation"] = allocation
        } else if claim.allocation == nil {
            throw Failure(what: "claim \(key) got deallocated elsewhere in the meantime")
        }
        if value["status"]["allocation"]["allocationTimestamp"].isNull {
            value["status"]["allocation"]["allocationTimestamp"] = .string(Timestamp.now())
        }
        let reservation: Value = ["resource": "pods", "name": .string(pod.name), "uid": .string(pod.uid)]
        value["status"]["reservedFor"] = .array(value["status"]["reservedFor"].elements + [reservation])
        return try await client.updateStatus(DeviceObjects.claimResource, namespace: key.namespace, name: key.name, value)
    }

    /// The claims are the Pod's no more.
    /// - Returns: what could not be written; the Pod that is tried again has it still, and the controller takes it from one that goes.
    func release(_ claims: [Object]) async -> [any Error] {
        var errors: [any Error] = []
        for claim in claims {
            let patch: Value = [
                "metadata": ["uid": .string(claim.uid)],
                "status": ["reservedFor": [["$patch": "delete", "uid": .string(pod.uid)]]],
            ]
            do {
                _ = try await client.patch(
                    DeviceObjects.claimResource, namespace: claim.namespace, name: claim.name, subresource: "status", .strategicMerge,
                    patch)
            } catch let error as APIError where error.reason == .notFound || error.reason == .conflict {
                // Of its name there may be another.
                continue
            } catch {
                errors.append(error)
            }
        }
        return errors
    }

    /// Takes the devices of a claim back that nobody uses.
    static func deallocate(_ claim: Object, _ client: any Client) async throws -> Object {
        var value = claim.value
        for field in ["allocation", "devices", "reservedFor"] { value["status"][field] = .null }
        return try await client.updateStatus(DeviceObjects.claimResource, namespace: claim.namespace, name: claim.name, value)
    }
}
