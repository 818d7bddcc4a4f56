import APIModel

/// What a client is told of an object that may be written and is yet hardly meant, or that uses what is about to go.
enum ObjectWarnings {
    /// - Parameters:
    ///   - object: as it is about to be stored; all that is wrong with it is found already.
    ///   - old: `nil` for a create.
    typealias Rule = @Sendable (_ object: Value, _ old: Value?) -> [String]

    /// - Parameter subresource: what is written; empty for the object itself.
    static func of(_ object: Value, old: Value?, collection: String, subresource: String) -> [String] {
        rules[subresource.isEmpty ? collection : "\(collection) \(subresource)"]?(object, old) ?? []
    }

    /// By collection, and by collection and subresource.
    private static let rules: [String: Rule] = [
        "/pods": { pod, old in old == nil ? podName(pod) + PodWarnings.of(pod, at: "") : [] },
        "/pods status": { pod, _ in addresses(pod["status"], "podIPs", "ip") + addresses(pod["status"], "hostIPs", "ip") },
        "/podtemplates": template(at: "template"),
        "/replicationcontrollers": { named($0, $1) + template(at: "spec", "template")($0, $1) },
        "apps/replicasets": { named($0, $1) + template(at: "spec", "template")($0, $1) },
        "apps/deployments": { named($0, $1) + template(at: "spec", "template")($0, $1) },
        "apps/daemonsets": template(at: "spec", "template"),
        "apps/statefulsets": WorkloadWarnings.statefulSet,
        "batch/jobs": { named($0, $1) + WorkloadWarnings.job(at: "spec")($0, $1) },
        "batch/cronjobs": { named($0, $1) + WorkloadWarnings.cronJob($0, $1) },
        "/services": { service, _ in ServiceWarnings.of(service) },
        "/services status": { service, _ in balancers(service) },
        "/endpoints": EndpointWarnings.endpoints,
        "discovery.k8s.io/endpointslices": EndpointWarnings.slice,
        "networking.k8s.io/networkpolicies": { policy, _ in NetworkPolicyWarnings.of(policy) },
        "networking.k8s.io/ingresses": { ingress, old in old == nil ? ingressClass(ingress) : [] },
        "networking.k8s.io/ingresses status": { ingress, _ in balancers(ingress) },
        "/nodes": { node, _ in NodeWarnings.node(node) },
        "node.k8s.io/runtimeclasses": { NodeWarnings.runtimeClass($0, $1) },
        "/persistentvolumes": { volume, _ in StorageWarnings.volume(volume) },
        "/persistentvolumeclaims": { claim, _ in StorageWarnings.claim(claim) },
        "storage.k8s.io/storageclasses": { StorageWarnings.storageClass($0, $1) },
        "storage.k8s.io/csistoragecapacities": { StorageWarnings.capacity($0, $1) },
        "storage.k8s.io/csidrivers": StorageWarnings.driver,
        "/resourcequotas": { quota, old in old == nil ? quotaOrder(quota) : [] },
        "/secrets": { secret, _ in TLSSecretWarning.of(secret) },
        "/serviceaccounts": mountableSecrets,
        "resource.k8s.io/resourceslices": { slice, _ in driverName(slice) },
        "admissionregistration.k8s.io/mutatingwebhookconfigurations": staticName,
        "admissionregistration.k8s.io/validatingwebhookconfigurations": staticName,
        "admissionregistration.k8s.io/validatingadmissionpolicies": staticName,
        "admissionregistration.k8s.io/validatingadmissionpolicybindings": staticName,
        "admissionregistration.k8s.io/mutatingadmissionpolicies": staticName,
        "admissionregistration.k8s.io/mutatingadmissionpolicybindings": staticName,
        "apiextensions.k8s.io/customresourcedefinitions": { DefinitionWarnings.formats($0, $1) },
    ]

    /// A pod template, told of when it is new or anything but the status has changed.
    static func template(at path: String...) -> Rule {
        { object, old in
            if let old, old == object || old["metadata"]["generation"] == object["metadata"]["generation"] { return [] }
            let template = path.reduce(object) { $0[$1] }
            return template.isNull ? [] : PodWarnings.of(template, at: FieldPath(path.joined(separator: ".")), isTemplate: true)
        }
    }

    // MARK: Names

    private static func podName(_ pod: Value) -> [String] { name(pod, "in the Pod's hostname") }

    private static func named(_ object: Value, _ old: Value?) -> [String] { old == nil ? name(object, "in Pod names and hostnames") : [] }

    private static func name(_ object: Value, _ use: String) -> [String] {
        let problems = Names.dnsLabel(object["metadata"]["name"].string ?? "").joined(separator: " ")
        guard !problems.isEmpty else { return [] }
        return ["metadata.name: this is used \(use), which can result in surprising behavior; a DNS label is recommended: [\(problems)]"]
    }

    private static let staticName: Rule = { object, _ in
        let suffix = ".static.k8s.io"
        guard object["metadata"]["name"].string?.hasSuffix(suffix) == true else { return [] }
        let problem = "are reserved for static manifest-based configurations and cannot be managed via the API"
        return ["metadata.name: names ending with \"\(suffix)\" \(problem)"]
    }

    private static func driverName(_ slice: Value) -> [String] {
        guard let driver = slice["spec"]["driver"].string, driver != driver.lowercased() else { return [] }
        return ["spec.driver: driver names should be lowercase; \"\(driver)\" contains uppercase characters"]
    }

    // MARK: Addresses

    private static func addresses(_ status: Value, _ list: String, _ field: String) -> [String] {
        status[list].elements.enumerated().flatMap { index, entry in
            AddressWarnings.ip(entry[field], at: FieldPath("status").child(list).index(index).child(field))
        }
    }

    private static func balancers(_ object: Value) -> [String] {
        object["status"]["loadBalancer"]["ingress"].elements.enumerated().flatMap { index, entry in
            AddressWarnings.ip(entry["ip"], at: FieldPath("status.loadBalancer.ingress").index(index))
        }
    }

    // MARK: Single kinds

    private static func ingressClass(_ ingress: Value) -> [String] {
        let annotation = "kubernetes.io/ingress.class"
        guard !ingress["metadata"]["annotations"][annotation].isNull, ingress["spec"]["ingressClassName"].isNull else { return [] }
        return ["annotation \"\(annotation)\" is deprecated, please use 'spec.ingressClassName' instead"]
    }

    private static let mountableSecrets: Rule = { account, old in
        let annotation = MountableSecrets.annotation
        guard !account["metadata"]["annotations"][annotation].isNull, old?["metadata"]["annotations"][annotation].isNull != false else {
            return []
        }
        return [
            "metadata.annotations[\(annotation)]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"
        ]
    }

    private static func quotaOrder(_ quota: Value) -> [String] {
        let hard = quota["spec"]["hard"]
        return ["cpu", "memory", "storage", "ephemeral-storage"].compactMap { resource in
            let bare = resource == "cpu" || resource == "memory" ? [resource] : []
            guard let request = (["requests.\(resource)"] + bare).first(where: { !hard[$0].isNull }),
                let asked = hard[request].quantity, let limit = hard["limits.\(resource)"].quantity, asked > limit
            else { return nil }
            return "ResourceQuota \(request) (\(asked)) should be less than limits.\(resource) (\(limit))"
        }
    }
}
