import APIModel
import Client
import Logging

/// Keeps the Service by which pods reach the name servers, and in it the address of this one.
///
/// Where the Service selects Pods, somebody else's server answers, and this one takes its address out.
struct ServiceKeeper: Sendable {
    let client: any Client
    let cache: Cache
    /// The Service's.
    let address: String
    let server: (host: String, port: Int)
    /// Of this server's EndpointSlice.
    let sliceName: String
    let log: Logger

    static let namespace = "kube-system"
    private static let name = "kube-dns"
    private static let manager = "cluster-dns.apus.dev"
    /// Both protocols, by the names that upstream's Service has.
    private static let ports = [("dns", "UDP"), ("dns-tcp", "TCP")]

    /// Works until the task is cancelled. What the API refuses is tried again.
    func run() async throws {
        let (changes, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let observation = cache.observe([.services, .endpointSlices]) { _, before, after in
            guard let object = after ?? before, object.namespace == Self.namespace, [Self.name, sliceName].contains(object.name) else {
                return
            }
            signal.yield()
        }
        defer { observation.cancel() }
        signal.yield()
        var failures = 0
        for await _ in changes {
            do {
                try await settle()
                failures = 0
            } catch let error as APIError where error.reason == .conflict {
                // The cache is about to have what was newer, and that is a change.
            } catch let error as APIError {
                failures += 1
                log.error("cluster DNS: the Service \(Self.name) cannot be kept, trying again: \(error)")
                try await Task.sleep(for: .seconds(min(30, 1 << min(failures, 5))))
                signal.yield()
            }
        }
        try Task.checkCancellation()
    }

    /// One step towards what is wanted; the change that it makes leads to the next.
    private func settle() async throws {
        guard let service = cache.get(.services, namespace: Self.namespace, name: Self.name)?.value else { return try await create() }
        if let given = service["spec"]["clusterIP"].string, given != address {
            log.error(
                "cluster DNS: the Service \(Self.name) has the address \(given), and pods ask \(address): delete the Service to have it made anew"
            )
        }
        let slice = cache.get(.endpointSlices, namespace: Self.namespace, name: sliceName)
        guard service["spec"]["selector"].isEmpty else {
            guard slice != nil else { return }
            log.notice("cluster DNS: pods answer at the Service \(Self.name), and not this server")
            try await client.delete(.endpointSlices, namespace: Self.namespace, name: sliceName)
            return
        }
        let wanted = wantedSlice(service)
        guard let slice else {
            _ = try await client.create(.endpointSlices, namespace: Self.namespace, wanted)
            return
        }
        let fields = ["addressType", "endpoints", "ports"]
        guard fields.contains(where: { slice.value[$0] != wanted[$0] }) || slice.labels != wanted["metadata"]["labels"].strings else {
            return
        }
        var changed = slice.value
        for field in fields { changed[field] = wanted[field] }
        changed["metadata"]["labels"] = wanted["metadata"]["labels"]
        changed["metadata"]["ownerReferences"] = wanted["metadata"]["ownerReferences"]
        _ = try await client.update(.endpointSlices, namespace: Self.namespace, name: sliceName, changed)
    }

    private func create() async throws {
        let service: Value = [
            "apiVersion": "v1", "kind": "Service",
            "metadata": [
                "name": .string(Self.name), "namespace": .string(Self.namespace),
                "labels": ["k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS"],
            ],
            "spec": [
                "clusterIP": .string(address),
                "ports": .array(
                    Self.ports.map { ["name": .string($0), "protocol": .string($1), "port": 53, "targetPort": Value(server.port)] }),
            ],
        ]
        do { _ = try await client.create(.services, namespace: Self.namespace, service) } catch let error as APIError
            where error.reason == .alreadyExists
        {
            // Another server was first; the cache will have it.
        }
    }

    private func wantedSlice(_ service: Value) -> Value {
        [
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": [
                "name": .string(sliceName), "namespace": .string(Self.namespace),
                "labels": [
                    "kubernetes.io/service-name": .string(Self.name), "endpointslice.kubernetes.io/managed-by": .string(Self.manager),
                ],
                "ownerReferences": [
                    ["apiVersion": "v1", "kind": "Service", "name": .string(Self.name), "uid": service["metadata"]["uid"]]
                ],
            ],
            "addressType": server.host.contains(":") ? "IPv6" : "IPv4",
            "endpoints": [["addresses": [.string(server.host)], "conditions": ["ready": true, "serving": true, "terminating": false]]],
            "ports": .array(Self.ports.map { ["name": .string($0), "protocol": .string($1), "port": Value(server.port)] }),
        ]
    }
}
