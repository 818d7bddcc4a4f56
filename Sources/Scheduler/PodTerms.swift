internal import APIModel
internal import PluginAPI

/// What a Pod asks of the Pods around it: pod affinity, anti-affinity and topology spread, as the ABI lends them.
struct PodTerms {
    private let spec: Value
    private let namespace: String
    private let labels: [String: String]
    private let arguments: PodArguments

    init(pod: Object, _ arguments: PodArguments) {
        spec = pod.value["spec"]
        namespace = pod.namespace
        labels = pod.labels
        self.arguments = arguments
    }

    /// - Parameter kind: `podAffinity` or `podAntiAffinity`.
    func required(_ kind: String) -> [apus_pod_term] {
        spec["affinity"][kind]["requiredDuringSchedulingIgnoredDuringExecution"].elements.map { term($0, weight: 0) }
    }

    func preferred(_ kind: String) -> [apus_pod_term] {
        spec["affinity"][kind]["preferredDuringSchedulingIgnoredDuringExecution"].elements.map {
            term($0["podAffinityTerm"], weight: Int32($0["weight"].int ?? 0))
        }
    }

    var spread: [apus_spread] {
        spec["topologySpreadConstraints"].elements.map { constraint in
            apus_spread(
                topology_key: arguments.number(constraint["topologyKey"].string ?? ""),
                max_skew: Int32(constraint["maxSkew"].int ?? 1), min_domains: Int32(constraint["minDomains"].int ?? 1),
                is_required: constraint["whenUnsatisfiable"].string == "ScheduleAnyway" ? 0 : 1,
                honors_affinity: constraint["nodeAffinityPolicy"].string == "Ignore" ? 0 : 1,
                honors_taints: constraint["nodeTaintsPolicy"].string == "Honor" ? 1 : 0,
                selector: selector(constraint["labelSelector"], own(constraint["matchLabelKeys"], APUS_OPERATOR_IN)))
        }
    }

    private func term(_ value: Value, weight: Int32) -> apus_pod_term {
        // Who names no namespace at all means the Pod's own.
        let names = value["namespaces"].elements.compactMap(\.string)
        let isOwn = names.isEmpty && value["namespaceSelector"].isNull
        let (namespaces, count) = arguments.lend((isOwn ? [namespace] : names).map(arguments.number))
        let keys = own(value["matchLabelKeys"], APUS_OPERATOR_IN) + own(value["mismatchLabelKeys"], APUS_OPERATOR_NOT_IN)
        return apus_pod_term(
            topology_key: arguments.number(value["topologyKey"].string ?? ""), weight: weight, namespace_count: count, reserved: 0,
            namespaces: namespaces, namespace_selector: selector(value["namespaceSelector"]),
            selector: selector(value["labelSelector"], keys))
    }

    /// Requirements on the values that the Pod itself has for `keys`; a key that it does not have asks for nothing.
    private func own(_ keys: Value, _ op: Int32) -> [apus_requirement] {
        keys.elements.compactMap(\.string).compactMap { key in labels[key].map { arguments.requirement(key, op, [$0]) } }
    }

    /// A LabelSelector with some requirements more; one that is not there means nobody, whatever is added.
    private func selector(_ value: Value, _ more: [apus_requirement] = []) -> apus_selector {
        guard !value.isNull else { return apus_selector(is_present: 0, requirement_count: 0, requirements: nil) }
        let equal = value["matchLabels"].strings.sorted { $0.key < $1.key }.map {
            arguments.requirement($0.key, APUS_OPERATOR_IN, [$0.value])
        }
        let (requirements, count) = arguments.lend(equal + value["matchExpressions"].elements.map { arguments.requirement($0) } + more)
        return apus_selector(is_present: 1, requirement_count: count, requirements: requirements)
    }
}
