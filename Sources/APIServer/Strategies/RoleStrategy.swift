import APIModel

/// Roles: nobody writes rules that they do not have themselves, unless they may `escalate`.
struct RoleStrategy: Strategy {
    let rbac: RBACAuthorizer

    func prepareForCreate(_ role: inout Value, _ target: Target, _ write: WriteContext) async throws {
        try await check(role, aggregates: Self.aggregates(role), target, write)
    }

    func prepareForUpdate(_ role: inout Value, old: Value, _ target: Target, _ write: WriteContext) async throws {
        guard !Escalation.isForGarbageCollection(role, old: old) else { return }
        try await check(role, aggregates: Self.aggregates(role) || Self.aggregates(old), target, write)
    }

    private static func aggregates(_ role: Value) -> Bool { !role[path: "aggregationRule", "clusterRoleSelectors"].isEmpty }

    /// - Parameter aggregates: whether it gathers, or gathered, the rules of others: that can be anything, and nobody may loosen it again.
    private func check(_ role: Value, aggregates: Bool, _ target: Target, _ write: WriteContext) async throws {
        func hold(_ rules: [PolicyRule], why: String? = nil) async throws {
            try await Escalation.check(rules, verb: "escalate", resource: target.type.name, name: target.name, target, write, why: why)
        }
        try await hold(rbac.rules(of: role, namespace: target.namespace))
        if aggregates {
            try await hold(Escalation.everything, why: "must have cluster-admin privileges to use the aggregationRule")
        }
    }
}

/// Bindings: nobody hands out a role whose rules they do not have themselves, unless they may `bind` it. What is bound cannot be changed.
struct RoleBindingStrategy: Strategy {
    let rbac: RBACAuthorizer

    func prepareForCreate(_ binding: inout Value, _ target: Target, _ write: WriteContext) async throws {
        try await check(binding, target, write)
    }

    func prepareForUpdate(_ binding: inout Value, old: Value, _ target: Target, _ write: WriteContext) async throws {
        if binding["roleRef"] != old["roleRef"] {
            // By the names of Go's fields, which upstream's has no others for.
            let role = binding["roleRef"]
            let told: Value = ["APIGroup": role["apiGroup"], "Kind": role["kind"], "Name": role["name"]]
            throw target.invalid([.invalid("roleRef", told, "cannot change roleRef")])
        }
        if !Escalation.isForGarbageCollection(binding, old: old) { try await check(binding, target, write) }
    }

    private func check(_ binding: Value, _ target: Target, _ write: WriteContext) async throws {
        let role = binding["roleRef"]
        let resource = role["kind"].string == "Role" ? "roles" : "clusterroles"
        let name = role["name"].string ?? ""
        guard let rules = rbac.rules(ofRole: role, namespace: target.namespace) else {
            // A role that does not exist yet can only be bound by those who may bind any; to the others it is missed.
            do {
                return try await Escalation.check(Escalation.everything, verb: "bind", resource: resource, name: name, target, write)
            } catch let error as APIError where error.reason == .forbidden {
                throw APIError.notFound(target.resource, name)
            }
        }
        try await Escalation.check(rules, verb: "bind", resource: resource, name: name, target, write)
    }
}
