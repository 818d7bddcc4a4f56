import APIModel

/// What ClusterRoles come to: their own rules and those of the roles that they select by label, however deep.
struct RoleAggregation {
    private struct Role {
        var labels: [String: String]
        var rules: [PolicyRule]
        var selectors: [LabelSelector]
    }

    private let roles: [String: Role]

    init(_ roles: [Value]) {
        self.roles = Dictionary(
            roles.map { role in
                let selectors = role[path: "aggregationRule", "clusterRoleSelectors"].elements.compactMap { try? LabelSelector($0) }
                return (
                    role[path: "metadata", "name"].string ?? "",
                    Role(
                        labels: role[path: "metadata", "labels"].strings, rules: role["rules"].elements.map(PolicyRule.init),
                        selectors: selectors)
                )
            }, uniquingKeysWith: { $1 })
    }

    /// `nil` when there is no such role.
    func rules(of name: String) -> [PolicyRule]? {
        guard let role = roles[name] else { return nil }
        guard !role.selectors.isEmpty else { return role.rules }
        var seen: Set<PolicyRule> = []
        return reached(from: name).flatMap { roles[$0]?.rules ?? [] }.filter { seen.insert($0).inserted }
    }

    /// The role and all that give it their rules, each once: two roles may select each other.
    private func reached(from name: String) -> [String] {
        var order = [name]
        var found: Set = [name]
        var next = 0
        while next < order.count {
            let selectors = roles[order[next]]?.selectors ?? []
            next += 1
            guard !selectors.isEmpty else { continue }
            let selected = roles.filter { role in !found.contains(role.key) && selectors.contains { $0.matches(role.value.labels) } }
            for name in selected.keys.sorted() where found.insert(name).inserted { order.append(name) }
        }
        return order
    }
}
