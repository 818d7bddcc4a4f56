internal import APIModel
internal import Client

/// Gives claims their volumes before their Pod is bound: says in the API which volume, or on which Node one is to be made, and waits until
/// the controller has bound them.
struct VolumeBinder {
    let client: any Client
    let cache: Cache

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// - Throws: `Failure` when a provisioner gave up or the time is over; errors of the API.
    func bind(_ bindings: [VolumeBinding], on node: String, within limit: Duration) async throws {
        for binding in bindings {
            switch binding {
            case .existing(let claim, let volume): try await reserve(volume, for: claim)
            case .provisioned(let claim): try await select(node, for: claim)
            }
        }
        try await withThrowingTaskGroup { group in
            group.addTask { try await wait(bindings, node) }
            group.addTask {
                try await Task.sleep(for: limit)
                throw Failure(description: "binding volumes: timed out")
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func reserve(_ volume: Object, for claim: Object) async throws {
        let patch: Value = [
            "metadata": [
                "uid": .string(volume.uid), "resourceVersion": .string(volume.resourceVersion),
                "annotations": [StorageAnnotation.boundByController: "yes"],
            ],
            "spec": [
                "claimRef": [
                    "apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": .string(claim.namespace), "name": .string(claim.name),
                    "uid": .string(claim.uid), "resourceVersion": .string(claim.resourceVersion),
                ]
            ],
        ]
        _ = try await client.patch(StorageObjects.volumes, namespace: nil, name: volume.name, subresource: nil, .merge, patch)
    }

    private func select(_ node: String, for claim: Object) async throws {
        let patch: Value = [
            "metadata": ["uid": .string(claim.uid), "annotations": [StorageAnnotation.selectedNode: .string(node)]]
        ]
        _ = try await client.patch(
            StorageObjects.claims, namespace: claim.namespace, name: claim.name, subresource: nil, .merge, patch)
    }

    /// Returns when all claims are bound.
    private func wait(_ bindings: [VolumeBinding], _ node: String) async throws {
        let names = Set(bindings.map { PodKey($0.claim) })
        let (changes, signal) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let observation = cache.observe([StorageObjects.claims]) { _, before, after in
            if let object = after ?? before, names.contains(PodKey(object)) { signal.yield() }
        }
        defer { observation.cancel() }
        var wereSelected: Set<PodKey> = []
        for await _ in changes {
            var isDone = true
            for binding in bindings {
                let key = PodKey(binding.claim)
                guard let claim = cache.get(StorageObjects.claims, namespace: key.namespace, name: key.name),
                    claim.uid == binding.claim.uid
                else { throw Failure(description: "binding volumes: claim \(key) is gone") }
                if claim.isFullyBound { continue }
                isDone = false
                guard case .provisioned = binding else { continue }
                // A provisioner that cannot make the volume there takes the Node away again.
                let isSelected = claim.metadata["annotations"][StorageAnnotation.selectedNode].string == node
                if isSelected {
                    wereSelected.insert(key)
                } else if wereSelected.contains(key) {
                    throw Failure(description: "binding volumes: provisioning failed for PVC \"\(key.name)\"")
                }
            }
            if isDone { return }
        }
        throw CancellationError()
    }
}
