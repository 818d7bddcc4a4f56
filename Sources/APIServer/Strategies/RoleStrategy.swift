import APIModel

/// Roles: nobody writes rules that they do not have themselves, unless they may `escalate`.
struct RoleStrategy: Strategy {
    func prepareForCreate(_ role: inout Value, _ target: Target, _ write: WriteContext) async throws { try check(role, target, write) }
    func prepareForUpdate(_ role: inout Value, old: Value, _ target: Target, _ write: WriteContext) async throws {
        if role["rules"] != old["rules"] || role["aggregationRule"] != old["aggregationRule"] { try check(role, target, write) }
    }

    private func check(_ role: Value, _ target: Target, _ write: WriteContext) throws {
        if !role["aggregationRule"].isNull {
            try Escalation.check(
                [PolicyRule(verbs: ["*"], groups: ["*"], resources: ["*"])], verb: "escalate", resource: target.type.name,
                name: target.name, target, write)
        }
        try Escalation.check(
            role["rules"].elements.map(PolicyRule.init), verb: "escalate", resource: target.type.name, name: target.name, target, write)
    }
}

/// Bindings: nobody hands out a role whose rules they do not have themselves, unless they may `bind` it. What is bound cannot be changed.
struct RoleBindingStrategy: Strategy {
    let rbac: RBACAuthorizer

    func prepareForCreate(_ binding: inout Value, _ target: Target, _ write: WriteContext) async throws {
        try check(binding, target, write)
    }
    func prepareForUpdate(_ binding: inout Value, old: Value, _ target: Target, _ write: WriteContext) async throws {
        if binding["roleRef"] != old["roleRef"] { throw target.invalid([.invalid("roleRef", binding["roleRef"], "cannot change roleRef")]) }
        if binding["subjects"] != old["subjects"] { try check(binding, target, write) }
    }

    private func check(_ binding: Value, _ target: Target, _ write: WriteContext) throws {
        let role = binding["roleRef"]
        let resource = role["kind"].string == "Role" ? "roles" : "clusterroles"
        guard let rules = rbac.rules(ofRole: role, namespace: target.namespace) else {
            // A role that does not exist yet can only be bound by those who may bind any.
            try Escalation.check(
                [PolicyRule(verbs: ["*"], groups: ["*"], resources: ["*"])], verb: "bind", resource: resource,
                name: role["name"].string ?? "", target, write)
            return
        }
        try Escalation.check(rules, verb: "bind", resource: resource, name: role["name"].string ?? "", target, write)
    }
}

/// The check that nobody hands out more than they have.
enum Escalation {
    static func check(_ rules: [PolicyRule], verb: String, resource: String, name: String, _ target: Target, _ write: WriteContext) throws {
        let authorizer = write.registry.authorizer
        let attributes = Attributes(
            user: write.user, verb: verb, group: "rbac.authorization.k8s.io", resource: resource, namespace: target.namespace, name: name)
        if case .allow = authorizer.authorize(attributes) { return }
        let own = authorizer.rules(for: write.user, namespace: target.namespace)
        let missing = rules.filter { !PolicyRule.cover(own, $0) }
        guard !missing.isEmpty else { return }
        let listed = missing.map { String(decoding: JSON.encode($0.value), as: UTF8.self) }.joined(separator: "\n")
        throw target.forbidden(
            "user \"\(write.user.name)\" (groups=\(write.user.groups)) is attempting to grant RBAC permissions not currently held:\n\(listed)"
        )
    }
}
