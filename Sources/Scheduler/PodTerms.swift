internal import APIModel
internal import PluginAPI

/// What a Pod asks of the Pods around it: pod affinity, anti-affinity and topology spread, as the ABI lends them.
struct PodTerms {
    private let spec: Value
    private let namespace: String
    private let labels: [String: String]
    private let lending: Lending

    /// - Parameter lending: what the terms point to lives as long as it does.
    init(spec: Value, namespace: String, labels: [String: String], _ lending: Lending) {
        self.spec = spec
        self.namespace = namespace
        self.labels = labels
        self.lending = lending
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

    /// - Parameters:
    ///   - defaults: the constraints of a Pod without any of its own.
    ///   - from: whom such a Pod is spread from; `nil` for nobody.
    func spread(_ defaults: SpreadArguments, from: Value?) -> [apus_spread] {
        let constraints = spec["topologySpreadConstraints"].elements
        guard constraints.isEmpty else {
            return constraints.map { spread($0, selector($0["labelSelector"], own($0["matchLabelKeys"], APUS_OPERATOR_IN))) }
        }
        guard let from else { return [] }
        return defaults.constraints.map { spread($0, selector(from), isSystem: defaults.isSystem) }
    }

    private func spread(_ constraint: Value, _ selector: apus_selector, isSystem: Bool = false) -> apus_spread {
        apus_spread(
            topology_key: lending.number(constraint["topologyKey"].string ?? ""),
            max_skew: Int32(constraint["maxSkew"].int ?? 1), min_domains: Int32(constraint["minDomains"].int ?? 1),
            is_required: constraint["whenUnsatisfiable"].string == "ScheduleAnyway" ? 0 : 1,
            honors_affinity: constraint["nodeAffinityPolicy"].string == "Ignore" ? 0 : 1,
            honors_taints: constraint["nodeTaintsPolicy"].string == "Honor" ? 1 : 0, is_default: isSystem ? 1 : 0, reserved: 0,
            selector: selector)
    }

    private func term(_ value: Value, weight: Int32) -> apus_pod_term {
        // Who names no namespace at all means the Pod's own.
        let names = value["namespaces"].elements.compactMap(\.string)
        let isOwn = names.isEmpty && value["namespaceSelector"].isNull
        let (namespaces, count) = lending.lend((isOwn ? [namespace] : names).map(lending.number))
        let keys = own(value["matchLabelKeys"], APUS_OPERATOR_IN) + own(value["mismatchLabelKeys"], APUS_OPERATOR_NOT_IN)
        return apus_pod_term(
            topology_key: lending.number(value["topologyKey"].string ?? ""), weight: weight, namespace_count: count, reserved: 0,
            namespaces: namespaces, namespace_selector: selector(value["namespaceSelector"]),
            selector: selector(value["labelSelector"], keys))
    }

    /// Requirements on the values that the Pod itself has for `keys`; a key that it does not have asks for nothing.
    private func own(_ keys: Value, _ op: Int32) -> [apus_requirement] {
        keys.elements.compactMap(\.string).compactMap { key in labels[key].map { lending.requirement(key, op, [$0]) } }
    }

    /// A LabelSelector with some requirements more; one that is not there means nobody, whatever is added.
    private func selector(_ value: Value, _ more: [apus_requirement] = []) -> apus_selector {
        guard !value.isNull else { return apus_selector(is_present: 0, requirement_count: 0, requirements: nil) }
        let equal = value["matchLabels"].strings.sorted { $0.key < $1.key }.map {
            lending.requirement($0.key, APUS_OPERATOR_IN, [$0.value])
        }
        let (requirements, count) = lending.lend(equal + value["matchExpressions"].elements.map { lending.requirement($0) } + more)
        return apus_selector(is_present: 1, requirement_count: count, requirements: requirements)
    }
}
