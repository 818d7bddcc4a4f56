internal import APIModel
internal import Client

/// What is written about a claim before its Pod is bound.
package struct ClaimBinding: Sendable {
    let claim: Object
    /// The devices that it gets; `nil` for one that has some.
    let allocation: Value?
    /// Of a claim that is yet to be made for what the Pod asks for by name, which container's resource is which of its requests.
    var mappings: [Value] = []

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
    /// - Returns: the bindings, of a claim that was made with it as it is.
    /// - Throws: `Failure`; some of the claims may have been written, and none that was made is left.
    func bind(_ bindings: [ClaimBinding], written: (Object) -> Void) async throws -> [ClaimBinding] {
        var bound: [ClaimBinding] = []
        for binding in bindings {
            guard binding.mappings.isEmpty else {
                bound.append(try await make(binding))
                continue
            }
            if !binding.claim.isReserved(for: pod.uid) { written(try await bind(binding)) }
            bound.append(binding)
        }
        return bound
    }

    /// Makes the claim for what the Pod asks for by name, and has the Pod say so.
    private func make(_ binding: ClaimBinding) async throws -> ClaimBinding {
        var value = binding.claim.value
        value["metadata"]["name"] = .null
        let claim: Object
        do {
            claim = try await client.create(DeviceObjects.claimResource, namespace: binding.claim.namespace, value)
        } catch let error as APIError {
            throw Failure(what: "create claim for extended resources \(PodKey(pod)): \(error)")
        }
        let made = ClaimBinding(claim: claim, allocation: binding.allocation)
        do {
            _ = try await bind(made)
            let status: Value = ["requestMappings": .array(binding.mappings), "resourceClaimName": .string(claim.name)]
            let patch: Value = ["metadata": ["uid": .string(pod.uid)], "status": ["extendedResourceClaimStatus": status]]
            _ = try await client.patch(.pods, namespace: pod.namespace, name: pod.name, subresource: "status", .strategicMerge, patch)
        } catch {
            try? await Self.delete(claim, client)
            guard let error = error as? APIError else { throw error }
            throw Failure(what: "update pod \(PodKey(pod)) ExtendedResourceClaimStatus: \(error)")
        }
        return made
    }

    /// Deletes a claim that the scheduler made, whoever has it reserved.
    static func delete(_ claim: Object, _ client: any Client) async throws {
        let (resource, namespace, name) = (DeviceObjects.claimResource, claim.namespace, claim.name)
        var value = try await client.get(resource, namespace: namespace, name: name).value
        guard value["metadata"]["uid"].string == claim.uid else { return }
        let finalizers = value["metadata"]["finalizers"].elements
        if finalizers.contains(where: { $0.string == finalizer }) {
            value["metadata"]["finalizers"] = .array(finalizers.filter { $0.string != finalizer })
            _ = try await client.update(resource, namespace: namespace, name: name, value)
        }
        let options: Value = ["apiVersion": "v1", "kind": "DeleteOptions", "preconditions": ["uid": .string(claim.uid)]]
        _ = try await client.delete(resource, namespace: namespace, name: name, options: options)
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
                let found = cache.get(DeviceObjects.claimResource, namespace: key.namespace, name: key.name)
                // One that was made a moment ago may not have been heard of.
                if found == nil, binding.claim.isOfExtendedResources {
                    isDone = false
                    continue
                }
                guard let claim = found, claim.uid == binding.claim.uid else {
                    throw Failure(what: "claim \(key) got deleted in the meantime")
                }
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
        for claim in claims where !claim.uid.isEmpty {
            if claim.isOfExtendedResources {
                do { try await Self.delete(claim, client) } catch let error as APIError where error.reason == .notFound {
                    continue
                } catch { errors.append(error) }
                continue
            }
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
