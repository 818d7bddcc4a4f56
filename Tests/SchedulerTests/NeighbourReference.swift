import APIModel
import Foundation

/// Pod affinity, anti-affinity and topology spread as the API's documentation says them: slow, and obvious. It looks at every Pod for every
/// Node.
struct NeighbourReference {
    var nodes: [Object]
    /// With a Node.
    var pods: [Object]
    var namespaces: [String: [String: String]]

    static let spread = "node(s) didn't match pod topology spread constraints"
    static let missingLabel = "node(s) didn't match pod topology spread constraints (missing required label)"
    static let affinity = "node(s) didn't match pod affinity rules"
    static let antiAffinity = "node(s) didn't match pod anti-affinity rules"
    static let existing = "node(s) didn't satisfy existing pods anti-affinity rules"

    /// Why a Node will not do; `nil` if it does.
    func refusal(_ pod: Object, _ node: Object) -> String? {
        if !isTolerated(node, pod) { return "node(s) had untolerated taint(s)" }
        if !isSelected(node, pod) { return "node(s) didn't match Pod's node affinity/selector" }
        return spreadRefusal(pod, node) ?? affinityRefusal(pod, node)
    }

    /// Here a Pod tolerates every taint or none.
    private func isTolerated(_ node: Object, _ pod: Object) -> Bool {
        node.value["spec"]["taints"].elements.isEmpty || !pod.value["spec"]["tolerations"].elements.isEmpty
    }

    private func isSelected(_ node: Object, _ pod: Object) -> Bool {
        pod.value["spec"]["nodeSelector"].strings.allSatisfy { node.labels[$0.key] == $0.value }
    }

    private func terms(_ pod: Object, _ kind: String) -> [Value] {
        pod.value["spec"]["affinity"][kind]["requiredDuringSchedulingIgnoredDuringExecution"].elements
    }

    private func preferred(_ pod: Object, _ kind: String) -> [(term: Value, weight: Int)] {
        pod.value["spec"]["affinity"][kind]["preferredDuringSchedulingIgnoredDuringExecution"].elements.map {
            ($0["podAffinityTerm"], Int($0["weight"].int ?? 0))
        }
    }

    /// Whether `term`, which `owner` has, means `other`.
    private func means(_ term: Value, _ owner: Object, _ other: Object) -> Bool {
        let names = term["namespaces"].elements.compactMap(\.string)
        let selector = term["namespaceSelector"]
        var isMeant = names.contains(other.namespace)
        if names.isEmpty && selector.isNull { isMeant = other.namespace == owner.namespace }
        if !selector.isNull, labels(namespaces[other.namespace] ?? [:], satisfy: selector) { isMeant = true }
        guard isMeant, !term["labelSelector"].isNull, labels(other.labels, satisfy: term["labelSelector"]) else { return false }
        for key in term["matchLabelKeys"].elements.compactMap(\.string) {
            if let value = owner.labels[key], other.labels[key] != value { return false }
        }
        for key in term["mismatchLabelKeys"].elements.compactMap(\.string) {
            if let value = owner.labels[key], other.labels[key] == value { return false }
        }
        return true
    }

    private func labels(_ labels: [String: String], satisfy selector: Value) -> Bool {
        for (key, value) in selector["matchLabels"].strings where labels[key] != value { return false }
        for expression in selector["matchExpressions"].elements {
            let value = labels[expression["key"].string ?? ""]
            let values = expression["values"].elements.compactMap(\.string)
            switch expression["operator"].string {
            case "In": if !(value.map(values.contains) ?? false) { return false }
            case "NotIn": if value.map(values.contains) ?? false { return false }
            case "Exists": if value == nil { return false }
            default: if value != nil { return false }
            }
        }
        return true
    }

    private func node(of pod: Object) -> Object? { nodes.first { $0.name == pod.value["spec"]["nodeName"].string } }

    /// The Pods on Nodes with the same value of the label as `node`; none where it has no such label.
    private func neighbours(_ node: Object, _ key: Value) -> [Object] {
        guard let value = node.labels[key.string ?? ""] else { return [] }
        return pods.filter { self.node(of: $0)?.labels[key.string ?? ""] == value }
    }

    private func affinityRefusal(_ pod: Object, _ node: Object) -> String? {
        let wanted = terms(pod, "podAffinity")
        func isMeantByAll(_ other: Object) -> Bool { wanted.allSatisfy { means($0, pod, other) } }
        for term in wanted where node.labels[term["topologyKey"].string ?? ""] == nil { return Self.affinity }
        if !wanted.allSatisfy({ neighbours(node, $0["topologyKey"]).contains(where: isMeantByAll) }) {
            let somewhere = pods.contains { other in
                isMeantByAll(other) && wanted.contains { self.node(of: other)?.labels[$0["topologyKey"].string ?? ""] != nil }
            }
            if somewhere || !isMeantByAll(pod) { return Self.affinity }
        }
        for term in terms(pod, "podAntiAffinity") where neighbours(node, term["topologyKey"]).contains(where: { means(term, pod, $0) }) {
            return Self.antiAffinity
        }
        for other in pods {
            for term in terms(other, "podAntiAffinity") where means(term, other, pod) {
                if neighbours(node, term["topologyKey"]).contains(where: { $0 === other }) { return Self.existing }
            }
        }
        return nil
    }

    private func constraints(_ pod: Object, _ action: String) -> [Value] {
        pod.value["spec"]["topologySpreadConstraints"].elements.filter { $0["whenUnsatisfiable"].string == action }
    }

    private func counts(_ constraint: Value, _ pod: Object, _ other: Object) -> Bool {
        let selector = constraint["labelSelector"]
        // As upstream has it, a selector that would mean everybody counts nobody.
        let isEverybody =
            selector["matchLabels"].strings.isEmpty && selector["matchExpressions"].elements.isEmpty
            && constraint["matchLabelKeys"].elements.allSatisfy { pod.labels[$0.string ?? ""] == nil }
        return !isEverybody && other.namespace == pod.namespace && !other.isBeingDeleted && selects(constraint, pod, other)
    }

    private func selects(_ constraint: Value, _ pod: Object, _ other: Object) -> Bool {
        guard !constraint["labelSelector"].isNull, labels(other.labels, satisfy: constraint["labelSelector"]) else { return false }
        return constraint["matchLabelKeys"].elements.compactMap(\.string).allSatisfy {
            pod.labels[$0] == nil || pod.labels[$0] == other.labels[$0]
        }
    }

    /// Nodes that count for a constraint: with all labels asked for, let in by selector and taints as the constraint says.
    private func eligible(_ constraint: Value, _ all: [Value], _ pod: Object) -> [Object] {
        nodes.filter { node in
            guard all.allSatisfy({ node.labels[$0["topologyKey"].string ?? ""] != nil }) else { return false }
            return (constraint["nodeAffinityPolicy"].string == "Ignore" || isSelected(node, pod))
                && (constraint["nodeTaintsPolicy"].string != "Honor" || isTolerated(node, pod))
        }
    }

    private func spreadRefusal(_ pod: Object, _ node: Object) -> String? {
        let all = constraints(pod, "DoNotSchedule")
        for constraint in all {
            let key = constraint["topologyKey"].string ?? ""
            guard let value = node.labels[key] else { return Self.missingLabel }
            var byDomain: [String: Int] = [:]
            for other in eligible(constraint, all, pod) {
                byDomain[other.labels[key] ?? "", default: 0] += pods.count {
                    $0.value["spec"]["nodeName"].string == other.name && counts(constraint, pod, $0)
                }
            }
            var least = byDomain.values.min() ?? Int(Int32.max)
            if byDomain.count < Int(constraint["minDomains"].int ?? 1) { least = 0 }
            let own = selects(constraint, pod, pod) ? 1 : 0
            if byDomain[value, default: 0] + own - least > Int(constraint["maxSkew"].int ?? 1) { return Self.spread }
        }
        return nil
    }

    /// Twice the points for preferred pod affinity and twice those for spread, by Node.
    func points(_ pod: Object, _ feasible: [Object]) -> [String: Int64] {
        var points: [String: Int64] = [:]
        let sums = feasible.map { affinitySum(pod, $0) }
        let (least, most) = (sums.min() ?? 0, sums.max() ?? 0)
        for (node, sum) in zip(feasible, sums) {
            points[node.name] = most == least ? 0 : 2 * Int64(100 * (Double(sum - least) / Double(most - least)))
        }
        for (name, value) in spreadPoints(pod, feasible) { points[name, default: 0] += 2 * value }
        return points
    }

    private func affinitySum(_ pod: Object, _ node: Object) -> Int {
        var sum = 0
        for (kind, sign) in [("podAffinity", 1), ("podAntiAffinity", -1)] {
            for (term, weight) in preferred(pod, kind) {
                sum += sign * weight * neighbours(node, term["topologyKey"]).count { means(term, pod, $0) }
            }
            for other in pods {
                for (term, weight) in preferred(other, kind) where means(term, other, pod) {
                    if neighbours(node, term["topologyKey"]).contains(where: { $0 === other }) { sum += sign * weight }
                }
            }
        }
        for other in pods {
            for term in terms(other, "podAffinity") where means(term, other, pod) {
                if neighbours(node, term["topologyKey"]).contains(where: { $0 === other }) { sum += 1 }
            }
        }
        return sum
    }

    private func spreadPoints(_ pod: Object, _ feasible: [Object]) -> [String: Int64] {
        let all = constraints(pod, "ScheduleAnyway")
        guard !all.isEmpty else { return [:] }
        let rated = feasible.filter { node in all.allSatisfy { node.labels[$0["topologyKey"].string ?? ""] != nil } }
        var crowd: [String: Int64] = [:]
        for node in rated {
            var sum = 0.0
            for constraint in all {
                let key = constraint["topologyKey"].string ?? ""
                let isHostname = key == "kubernetes.io/hostname"
                let counted = isHostname ? [node] : eligible(constraint, all, pod).filter { $0.labels[key] == node.labels[key] }
                let count = pods.count { other in
                    counts(constraint, pod, other) && counted.contains { $0.name == other.value["spec"]["nodeName"].string }
                }
                let domains = isHostname ? rated.count : Set(rated.compactMap { $0.labels[key] }).count
                sum += Double(count) * log(Double(domains + 2)) + Double((constraint["maxSkew"].int ?? 1) - 1)
            }
            crowd[node.name] = Int64(sum.rounded())
        }
        let (least, most) = (crowd.values.min() ?? 0, max(0, crowd.values.max() ?? 0))
        return crowd.mapValues { most == 0 ? 100 : 100 * (most + least - $0) / most }
    }
}
