import APIModel
import Client
import PluginHost

extension GroupVersionResource {
    static let deployments = GroupVersionResource(group: "apps", version: "v1", resource: "deployments")
    static let replicaSets = GroupVersionResource(group: "apps", version: "v1", resource: "replicasets")
}

extension World {
    /// Waits until `condition` holds for the objects of a kind, and returns them. A wait that takes too long is a failure that shows what
    /// there was.
    @discardableResult
    func wait(for resource: GroupVersionResource, _ what: String, seconds: Int = 120, _ condition: @escaping @Sendable ([Object]) -> Bool)
        async throws -> [Object]
    {
        try await seen.watch(resource)
        let (changes, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let observation = seen.observe([resource]) { _, _, _ in signal.yield() }
        signal.yield()
        defer { observation.cancel() }
        let seen = seen
        return try await limited(seconds, what) {
            for await _ in changes {
                let objects = seen.list(resource)
                if condition(objects) { return objects }
            }
            throw CancellationError()
        } otherwise: {
            seen.list(resource).prefix(20).map { String(decoding: $0.bytes, as: UTF8.self) }.joined(separator: "\n")
        }
    }

    func addNodes(_ count: Int, cpu: (Int) -> String = { _ in "64" }) async throws {
        for number in 0..<count {
            _ = try await client.create(.nodes, ["apiVersion": "v1", "kind": "Node", "metadata": ["name": .string("n\(number)")]])
            let amounts: Value = ["cpu": .string(cpu(number)), "memory": "256Gi", "pods": "500"]
            _ = try await client.patch(
                .nodes, namespace: nil, name: "n\(number)", subresource: "status", .strategicMerge,
                ["status": ["capacity": amounts, "allocatable": amounts]])
        }
    }

    func addPod(_ name: String, node: String? = nil) async throws {
        var spec: Value = [
            "automountServiceAccountToken": false,
            "containers": [["name": "c", "image": "a", "resources": ["requests": ["cpu": "100m", "memory": "64Mi"]]]],
        ]
        if let node { spec["nodeName"] = .string(node) }
        _ = try await client.create(
            .pods, namespace: "default",
            ["apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name), "namespace": "default"], "spec": spec])
    }

    /// Pods of which the last one needs a Node with the label `late`.
    func addGroup(_ name: String, of size: Int) async throws {
        for number in 0..<size {
            let selector: Value = number == size - 1 ? ["late": "yes"] : .emptyObject
            let labels: Value = ["scheduling.apus.dev/group": .string(name), "scheduling.apus.dev/group-size": .string("\(size)")]
            _ = try await client.create(
                .pods, namespace: "default",
                [
                    "apiVersion": "v1", "kind": "Pod",
                    "metadata": ["name": .string("\(name)-\(number)"), "namespace": "default", "labels": labels],
                    "spec": [
                        "automountServiceAccountToken": false, "nodeSelector": selector, "containers": [["name": "c", "image": "a"]],
                    ],
                ])
        }
    }

    /// Pods need the ServiceAccount of their namespace, which no controller makes here.
    func addServiceAccount() async throws {
        _ = try await client.create(
            .serviceAccounts, namespace: "default",
            ["apiVersion": "v1", "kind": "ServiceAccount", "metadata": ["name": "default", "namespace": "default"]])
    }
}

/// What `body` returns, or a failure with what there was when it takes too long.
func limited<R: Sendable>(
    _ seconds: Int, _ what: String, _ body: @escaping @Sendable () async throws -> R,
    otherwise state: @escaping @Sendable () -> String = { "" }
) async throws -> R {
    try await withThrowingTaskGroup(of: R.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: .seconds(seconds))
            throw Unexpected("waited in vain for \(what); there is\n\(state())")
        }
        defer { group.cancelAll() }
        return try await group.next()!
    }
}
