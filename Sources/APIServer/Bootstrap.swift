import APIModel
import Logging
import Store

/// What every cluster starts with: namespaces, roles, priority classes, and the Service under which pods find the API. Puts back what is
/// missing and leaves the rest alone.
struct Bootstrap: Sendable {
    let registry: Registry
    let configuration: APIServer.Configuration

    func run() async throws {
        for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
            try await ensure(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]])
        }
        // Side by side, so that they share a few commits.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for object in BootstrapPolicy.objects + priorityClasses { group.addTask { try await ensure(object) } }
            group.addTask { try await FlowControlObjects(registry: registry).keep() }
            try await group.waitForAll()
        }
        try await withdrawBindings()
        try await publishAuthentication()
        try await ensureServiceCIDR()
        try await ensureKubernetesService()
    }

    private func target(_ object: Value) throws -> Target {
        guard let kind = GroupVersionKind(of: object), let type = registry.served.kinds.resource(kind),
            let storage = registry.served.storage(type.groupVersionResource)
        else {
            throw APIError.internalError("the catalogue lacks \(object["kind"].string ?? "a kind") that every cluster starts with")
        }
        return Target(
            storage: storage, namespace: object[path: "metadata", "namespace"].string ?? "",
            name: object[path: "metadata", "name"].string ?? "")
    }

    private func ensure(_ object: Value) async throws {
        let target = try target(object)
        if let existing = registry.store.get(target.key)?.object.value {
            try await completeRole(existing, wanted: object, target)
            return
        }
        _ = try await registry.create(target, object, WriteContext(registry, user: .apiserver))
    }

    /// A role that an older version made gets the rules it lacks, unless its annotation says to leave it.
    private func completeRole(_ existing: Value, wanted: Value, _ target: Target) async throws {
        guard !wanted["rules"].isNull, wanted["aggregationRule"].isNull,
            existing[path: "metadata", "annotations"]["rbac.authorization.kubernetes.io/autoupdate"] == "true"
        else {
            return
        }
        let present = existing["rules"].elements.map(PolicyRule.init)
        let missing = wanted["rules"].elements.filter { !PolicyRule.cover(present, PolicyRule($0)) }
        guard !missing.isEmpty else { return }
        _ = try await registry.modify(target, WriteContext(registry, user: .apiserver)) { old in
            var role = old
            role["rules"] = .array(old["rules"].elements + missing)
            return role
        }
    }

    private func withdrawBindings() async throws {
        for (name, group) in BootstrapPolicy.withdrawn {
            let target = try target([
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": ["name": .string(name)],
            ])
            func isWithdrawn(_ subject: Value) -> Bool { subject["kind"].string == "Group" && subject["name"].string == group }
            guard let existing = registry.store.get(target.key)?.object.value, existing["subjects"].elements.contains(where: isWithdrawn)
            else { continue }
            _ = try await registry.modify(target, WriteContext(registry, user: .apiserver)) { old in
                var binding = old
                binding["subjects"].elements.removeAll(where: isWithdrawn)
                return binding
            }
        }
    }

    private var priorityClasses: [Value] {
        [
            (
                "system-cluster-critical", 2_000_000_000,
                "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary."
            ),
            ("system-node-critical", 2_000_001_000, "Used for system critical pods that must not be moved from their current node."),
        ].map { name, value, description in
            [
                "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": ["name": .string(name)], "value": .int(value),
                "description": .string(description),
            ]
        }
    }

    /// Where servers behind this one read whom to believe.
    private func publishAuthentication() async throws {
        guard let authorities = configuration.extensionCAs else { return }
        try await keep([
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": ["name": "extension-apiserver-authentication", "namespace": "kube-system"],
            "data": [
                "client-ca-file": .string(authorities.client), "requestheader-client-ca-file": .string(authorities.requestHeader),
                "requestheader-allowed-names": "[\"front-proxy-client\"]", "requestheader-username-headers": "[\"X-Remote-User\"]",
                "requestheader-uid-headers": "[\"X-Remote-Uid\"]", "requestheader-group-headers": "[\"X-Remote-Group\"]",
                "requestheader-extra-headers-prefix": "[\"X-Remote-Extra-\"]",
            ],
        ])
    }

    /// The ranges of the flags as an object, ready unless somebody says that it is not. A cluster of one family may become one of both.
    private func ensureServiceCIDR() async throws {
        let ranges = Value.array(configuration.serviceRanges.map { .string($0.description) })
        let object: Value = [
            "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": ["name": "kubernetes"], "spec": ["cidrs": ranges],
        ]
        try await ensure(object)
        _ = try await registry.modify(target(object), WriteContext(registry, user: .apiserver)) { old in
            guard ranges.elements.count == 2, old[path: "spec", "cidrs"].elements == [ranges[0]] else { return old }
            var grown = old
            grown["spec"]["cidrs"] = ranges
            return grown
        }
        var status = try target(object)
        status.subresource = "status"
        _ = try await registry.modify(status, WriteContext(registry, user: .apiserver)) { old in
            guard old[path: "spec", "cidrs"] == ranges, old[path: "status", "conditions"].isEmpty else { return old }
            var ready = old
            ready["status"]["conditions"] = [
                [
                    "type": "Ready", "status": "True", "message": "Kubernetes default Service CIDR is ready",
                    "lastTransitionTime": .string(Timestamp.now()),
                ]
            ]
            return ready
        }
    }

    // MARK: The Service of the API itself

    private func ensureKubernetesService() async throws {
        let labels: Value = ["component": "apiserver", "provider": "kubernetes"]
        try await ensure([
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": "kubernetes", "namespace": "default", "labels": labels],
            "spec": [
                "type": "ClusterIP", "clusterIP": .string(configuration.serviceAddress), "sessionAffinity": "None",
                "ports": [
                    ["name": "https", "port": 443, "protocol": "TCP", "targetPort": .int(Int64(configuration.advertise?.port ?? 6443))]
                ],
            ],
        ])
        guard let advertise = configuration.advertise else { return }
        do {
            try await publish(advertise)
        } catch let error as APIError where error.reason == .invalid {
            // An address such as 127.0.0.1 is fine for this machine and of no use to pods.
            configuration.log.warning(
                "pods cannot reach the API at the advertised address",
                metadata: ["address": "\(advertise.address)", "reason": "\(error.message)"])
        }
    }

    private func publish(_ advertise: (address: String, port: Int)) async throws {
        let port: Value = ["name": "https", "port": .int(Int64(advertise.port)), "protocol": "TCP"]
        try await keep([
            "apiVersion": "v1", "kind": "Endpoints",
            "metadata": ["name": "kubernetes", "namespace": "default", "labels": ["endpointslice.kubernetes.io/skip-mirror": "true"]],
            "subsets": [["addresses": [["ip": .string(advertise.address)]], "ports": [port]]],
        ])
        try await keep([
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": ["name": "kubernetes", "namespace": "default", "labels": ["kubernetes.io/service-name": "kubernetes"]],
            "addressType": .string((IPAddress(advertise.address)?.family ?? .ipv4).rawValue),
            "endpoints": [["addresses": [.string(advertise.address)], "conditions": ["ready": true]]], "ports": [port],
        ])
    }

    /// Creates an object or brings it up to date: the server's address may be another than last time.
    private func keep(_ object: Value) async throws {
        let target = try target(object)
        let write = WriteContext(registry, user: .apiserver)
        guard registry.store.get(target.key) != nil else {
            _ = try await registry.create(target, object, write)
            return
        }
        let completed = try await registry.complete(object, target.storage)
        _ = try await registry.modify(target, write) { old in
            var changed = old
            for field in ["subsets", "endpoints", "ports"] where !completed[field].isNull { changed[field] = completed[field] }
            return changed
        }
    }
}
