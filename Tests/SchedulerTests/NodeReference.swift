import APIModel

/// What concerns a Pod and one Node alone, as the API's documentation says it: slow, and obvious. Filters and scores work on the objects, with
/// nothing counted beforehand.
struct NodeReference {
    var nodes: [Object]
    /// With a Node.
    var pods: [Object]

    /// By filter in upstream's order, why the Node will not do; `nil` if it does.
    func refusal(_ pod: Object, _ node: Object) -> String? {
        let (spec, there) = (pod.value["spec"], pods.filter { $0.value["spec"]["nodeName"].string == node.name })
        if node.value["spec"]["unschedulable"].bool == true, !tolerates(spec, ("node.kubernetes.io/unschedulable", "", "NoSchedule")) {
            return "node(s) were unschedulable"
        }
        for taint in taints(node) where ["NoSchedule", "NoExecute"].contains(taint.effect) && !tolerates(spec, taint) {
            return "node(s) had untolerated taint(s)"
        }
        if !isWanted(spec, node) { return "node(s) didn't match Pod's node affinity/selector" }
        if ports(pod).contains(where: { port in there.flatMap(ports).contains { conflict($0, port) } }) {
            return "node(s) didn't have free ports for the requested pod ports"
        }
        return lacking(pod, node, there)
    }

    // Taints.

    private typealias Taint = (key: String, value: String, effect: String)

    private func taints(_ node: Object) -> [Taint] {
        node.value["spec"]["taints"].elements.map { ($0["key"].string ?? "", $0["value"].string ?? "", $0["effect"].string ?? "") }
    }

    private func tolerates(_ spec: Value, _ taint: Taint) -> Bool {
        spec["tolerations"].elements.contains { toleration in
            let (key, effect) = (toleration["key"].string ?? "", toleration["effect"].string ?? "")
            guard effect.isEmpty || effect == taint.effect else { return false }
            if toleration["operator"].string == "Exists" { return key.isEmpty || key == taint.key }
            return key == taint.key && (toleration["value"].string ?? "") == taint.value
        }
    }

    // Labels.

    private func isWanted(_ spec: Value, _ node: Object) -> Bool {
        let required = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        return spec["nodeSelector"].strings.allSatisfy { node.labels[$0.key] == $0.value }
            && (required.isNull || required["nodeSelectorTerms"].elements.contains { holds($0, node) })
    }

    private func holds(_ term: Value, _ node: Object) -> Bool {
        let requirements = term["matchExpressions"].elements
        return !requirements.isEmpty
            && requirements.allSatisfy { requirement in
                let (value, values) = (node.labels[requirement["key"].string ?? ""], requirement["values"].elements.compactMap(\.string))
                switch requirement["operator"].string {
                case "In": return value.map(values.contains) ?? false
                case "NotIn": return !(value.map(values.contains) ?? false)
                case "Exists": return value != nil
                case "DoesNotExist": return value == nil
                case "Gt": return value.flatMap { Int($0) }.map { $0 > Int(values[0])! } ?? false
                default: return value.flatMap { Int($0) }.map { $0 < Int(values[0])! } ?? false
                }
            }
    }

    // Ports.

    private typealias Port = (number: Int, ip: String, network: String)

    private func ports(_ pod: Object) -> [Port] {
        pod.value["spec"]["containers"].elements.flatMap { $0["ports"].elements }.map {
            (Int($0["hostPort"].int ?? 0), $0["hostIP"].string ?? "", $0["protocol"].string ?? "TCP")
        }
    }

    private func conflict(_ left: Port, _ right: Port) -> Bool {
        let isEverywhere = ["", "0.0.0.0"]
        return left.number == right.number && left.network == right.network
            && (left.ip == right.ip || isEverywhere.contains(left.ip) || isEverywhere.contains(right.ip))
    }

    // Resources.

    private func amounts(_ value: Value) -> [String: Int] {
        value.fields.reduce(into: [:]) { amounts, field in
            guard let quantity = try? Quantity(field.value.string ?? "") else { return }
            amounts[field.key] = Int(field.key == "cpu" ? quantity.milliValue : quantity.value)
        }
    }

    /// - Parameter missing: what counts where a container asks for nothing.
    private func requests(_ pod: Object, missing: [String: Int] = [:]) -> [String: Int] {
        pod.value["spec"]["containers"].elements.reduce(into: [:]) { sum, container in
            let own = amounts(container["resources"]["requests"]).merging(missing) { own, _ in own }
            sum.merge(own, uniquingKeysWith: +)
        }
    }

    private func lacking(_ pod: Object, _ node: Object, _ there: [Object]) -> String? {
        let all = amounts(node.value["status"]["allocatable"])
        if there.count + 1 > all["pods"] ?? 0 { return "Too many pods" }
        for (name, amount) in requests(pod).sorted(by: { $0.key < $1.key }) where amount > 0 {
            let used = there.reduce(0) { $0 + (requests($1)[name] ?? 0) }
            if amount > (all[name] ?? 0) - used { return "Insufficient \(name)" }
        }
        return nil
    }
}

// What Nodes are liked for.
extension NodeReference {
    /// By Node and score, before the weights.
    func points(_ pod: Object, _ feasible: [Object]) -> [String: [String: Int]] {
        let spec = pod.value["spec"]
        var all: [String: [String: Int]] = [:]
        let preferred = spec["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"].elements
        let liked = feasible.map { node in
            preferred.reduce(0) { $0 + (holds($1["preference"], node) ? Int($1["weight"].int ?? 0) : 0) }
        }
        let avoided = feasible.map { node in taints(node).count { $0.effect == "PreferNoSchedule" && !tolerates(spec, $0) } }
        for (index, node) in feasible.enumerated() {
            var points = ["NodeResourcesFit": least(pod, node), "TaintToleration": 100]
            if let most = avoided.max(), most > 0 { points["TaintToleration"] = 100 - avoided[index] * 100 / most }
            if !preferred.isEmpty { points["NodeAffinity"] = liked[index] * 100 / max(liked.max() ?? 0, 1) }
            if let balance = balance(pod, node) { points["NodeResourcesBalancedAllocation"] = balance }
            all[node.name] = points
        }
        return all
    }

    private func there(_ node: Object) -> [Object] { pods.filter { $0.value["spec"]["nodeName"].string == node.name } }

    private func least(_ pod: Object, _ node: Object) -> Int {
        let (all, missing) = (amounts(node.value["status"]["allocatable"]), ["cpu": 100, "memory": 200 << 20])
        let points = ["cpu", "memory"].compactMap { name -> Int? in
            guard let most = all[name], most > 0 else { return nil }
            let used = (there(node) + [pod]).reduce(0) { $0 + (requests($1, missing: missing)[name] ?? 0) }
            return used > most ? 0 : (most - used) * 100 / most
        }
        return points.isEmpty ? 0 : points.reduce(0, +) / points.count
    }

    private func balance(_ pod: Object, _ node: Object) -> Int? {
        let wanted = requests(pod)
        guard ["cpu", "memory"].contains(where: { wanted[$0] ?? 0 > 0 }) else { return nil }
        func evenness(_ pods: [Object]) -> Int {
            let all = amounts(node.value["status"]["allocatable"])
            let shares = ["cpu", "memory"].compactMap { name -> Double? in
                guard let most = all[name], most > 0 else { return nil }
                return min(1, Double(pods.reduce(0) { $0 + (requests($1)[name] ?? 0) }) / Double(most))
            }
            return Int((1 - (shares.count == 2 ? abs(shares[0] - shares[1]) / 2 : 0)) * 100)
        }
        return 50 + (50 + evenness(there(node) + [pod]) - evenness(there(node))) / 2
    }
}
