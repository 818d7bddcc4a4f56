import APIModel
import Client
import Logging

/// Keeps the Service by which pods reach the name servers, and in it the addresses of this one, of each family in a slice of its own.
///
/// Where the Service selects Pods, somebody else's server answers, and this one takes its addresses out.
struct ServiceKeeper: Sendable {
    let client: any Client
    let cache: Cache
    /// The Service's, one of a family or one of each.
    let addresses: [String]
    /// Where this server listens.
    let hosts: [String]
    let port: Int
    /// Of this server.
    let name: String
    let log: Logger

    static let namespace = "kube-system"
    private static let service = "kube-dns"
    private static let manager = "cluster-dns.apus.dev"
    /// Both protocols, by the names that upstream's Service has.
    private static let ports = [("dns", "UDP"), ("dns-tcp", "TCP")]

    static func sliceName(_ server: String, _ family: IPFamily) -> String { family == .ipv4 ? server : "\(server)-ipv6" }

    /// Works until the task is cancelled. What the API refuses is tried again.
    func run() async throws {
        let (changes, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let names = [Self.service] + IPFamily.allCases.map { Self.sliceName(name, $0) }
        let observation = cache.observe([.services, .endpointSlices]) { _, before, after in
            guard let object = after ?? before, object.namespace == Self.namespace, names.contains(object.name) else {
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
                log.error("cluster DNS: the Service \(Self.service) cannot be kept, trying again: \(error)")
                try await Task.sleep(for: .seconds(min(30, 1 << min(failures, 5))))
                signal.yield()
            }
        }
        try Task.checkCancellation()
    }

    /// One step towards what is wanted; the change that it makes leads to the next.
    private func settle() async throws {
        guard let service = cache.get(.services, namespace: Self.namespace, name: Self.service)?.value else { return try await create() }
        let given = service["spec"]["clusterIPs"].elements.compactMap(\.string)
        // One that was made before the cluster had its second family stays as it is.
        if given.first != addresses.first {
            log.error(
                "cluster DNS: the Service \(Self.service) has the address \(given.first ?? ""), and pods ask \(addresses.first ?? ""): delete the Service to have it made anew"
            )
        }
        let isOurs = service["spec"]["selector"].isEmpty
        for family in IPFamily.allCases {
            let host = hosts.first { IPAddress($0)?.family == family }
            let isServed = given.contains { IPAddress($0)?.family == family }
            let wanted = isOurs && isServed ? host.map { slice(service, family, $0) } : nil
            try await keep(Self.sliceName(name, family), wanted)
        }
    }

    /// - Parameter wanted: `nil` where there is to be none.
    private func keep(_ name: String, _ wanted: Value?) async throws {
        let slice = cache.get(.endpointSlices, namespace: Self.namespace, name: name)
        guard let wanted else {
            guard slice != nil else { return }
            log.notice("cluster DNS: this server leaves the Service \(Self.service): \(name)")
            try await client.delete(.endpointSlices, namespace: Self.namespace, name: name)
            return
        }
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
        _ = try await client.update(.endpointSlices, namespace: Self.namespace, name: name, changed)
    }

    private func create() async throws {
        let service: Value = [
            "apiVersion": "v1", "kind": "Service",
            "metadata": [
                "name": .string(Self.service), "namespace": .string(Self.namespace),
                "labels": ["k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS"],
            ],
            "spec": [
                "clusterIP": .string(addresses.first ?? ""), "clusterIPs": .array(addresses.map { .string($0) }),
                "ipFamilyPolicy": addresses.count > 1 ? "RequireDualStack" : "SingleStack",
                "ports": .array(
                    Self.ports.map { ["name": .string($0), "protocol": .string($1), "port": 53, "targetPort": Value(port)] }),
            ],
        ]
        do { _ = try await client.create(.services, namespace: Self.namespace, service) } catch let error as APIError
            where error.reason == .alreadyExists
        {
            // Another server was first; the cache will have it.
        }
    }

    private func slice(_ service: Value, _ family: IPFamily, _ host: String) -> Value {
        [
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": [
                "name": .string(Self.sliceName(name, family)), "namespace": .string(Self.namespace),
                "labels": [
                    "kubernetes.io/service-name": .string(Self.service), "endpointslice.kubernetes.io/managed-by": .string(Self.manager),
                ],
                "ownerReferences": [
                    ["apiVersion": "v1", "kind": "Service", "name": .string(Self.service), "uid": service["metadata"]["uid"]]
                ],
            ],
            "addressType": .string(family.rawValue),
            "endpoints": [["addresses": [.string(host)], "conditions": ["ready": true, "serving": true, "terminating": false]]],
            "ports": .array(Self.ports.map { ["name": .string($0), "protocol": .string($1), "port": Value(port)] }),
        ]
    }
}
