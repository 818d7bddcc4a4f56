import APIModel
import Store
import Synchronization

/// Role-based access control over the roles and bindings in the store.
///
/// The rules are compiled when first asked for and again when the store says that one of the four collections has changed, whoever wrote.
final class RBACAuthorizer: Authorizer {
    static let collections = ["clusterroles", "clusterrolebindings", "roles", "rolebindings"].map { "rbac.authorization.k8s.io/\($0)" }

    private struct Grant: Sendable {
        var rules: [PolicyRule]
        var reason: String
    }

    /// Grants by subject.
    private struct Grants: Sendable {
        private var users: [String: [Grant]] = [:]
        private var groups: [String: [Grant]] = [:]

        mutating func add(_ grant: Grant, to subject: Value, namespace: String) {
            guard let name = subject["name"].string else { return }
            switch subject["kind"].string {
            case "User": users[name, default: []].append(grant)
            case "Group": groups[name, default: []].append(grant)
            case "ServiceAccount":
                users["system:serviceaccount:\(subject["namespace"].string ?? namespace):\(name)", default: []].append(grant)
            default: break
            }
        }

        /// The first of a user's that fits.
        func first(of user: UserInfo, where fits: (Grant) -> Bool) -> Grant? {
            if let found = users[user.name]?.first(where: fits) { return found }
            for group in user.groups { if let found = groups[group]?.first(where: fits) { return found } }
            return nil
        }
    }

    /// For the cluster and for each namespace.
    private struct Compiled: Sendable {
        var cluster = Grants()
        var namespaces: [String: Grants] = [:]

        func first(of user: UserInfo, namespace: String, where fits: (Grant) -> Bool) -> Grant? {
            cluster.first(of: user, where: fits)
                ?? (namespace.isEmpty ? nil : namespaces[namespace]?.first(of: user, where: fits))
        }
    }

    private let store: Store
    /// The rules, the change up to which they were compiled, and a revision at which it was the newest.
    private let state = Mutex<(compiled: Compiled, change: UInt64, revision: UInt64)?>(nil)

    init(store: Store) { self.store = store }

    func authorize(_ attributes: Attributes) -> Decision {
        let grant = current().first(of: attributes.user, namespace: attributes.isResource ? attributes.namespace : "") { grant in
            grant.rules.contains { $0.allows(attributes) }
        }
        return grant.map { .allow($0.reason) } ?? .noOpinion
    }

    func rules(for user: UserInfo, namespace: String) -> [PolicyRule] {
        var rules: [PolicyRule] = []
        _ = current().first(of: user, namespace: namespace) { grant in
            rules += grant.rules
            return false
        }
        return rules
    }

    /// The rules of a role that somebody wants to bind, `nil` when there is no such role.
    func rules(ofRole reference: Value, namespace: String) -> [PolicyRule]? {
        let name = reference["name"].string ?? ""
        let key =
            reference["kind"].string == "Role"
            ? RecordKey(collection: "rbac.authorization.k8s.io/roles", name: "\(namespace)/\(name)")
            : RecordKey(collection: "rbac.authorization.k8s.io/clusterroles", name: name)
        guard let role = store.get(key)?.object.value else { return nil }
        return rules(of: role, namespace: reference["kind"].string == "Role" ? namespace : "")
    }

    /// What a role comes to, as it is given and not as it is stored.
    func rules(of role: Value, namespace: String) -> [PolicyRule] {
        guard namespace.isEmpty, !role[path: "aggregationRule", "clusterRoleSelectors"].isEmpty else {
            return role["rules"].elements.map(PolicyRule.init)
        }
        let name = role[path: "metadata", "name"].string ?? ""
        let others = objects("clusterroles").filter { $0[path: "metadata", "name"].string != name }
        return RoleAggregation(others + [role]).rules(of: name) ?? []
    }

    /// The change is looked at before the roles are, so that one that comes in between makes the result stale again.
    private func current() -> Compiled {
        let revision = store.revision
        if let known = state.withLock({ $0?.revision == revision ? $0?.compiled : nil }) { return known }
        let change = store.newestChange(in: Self.collections)
        return state.withLock { state in
            let compiled = state.flatMap { $0.change >= change ? $0.compiled : nil } ?? compile()
            state = (compiled, max(change, state?.change ?? 0), revision)
            return compiled
        }
    }

    private func objects(_ resource: String) -> [Value] {
        ((try? store.list("rbac.authorization.k8s.io/\(resource)", namespace: nil))?.records ?? []).map(\.object.value)
    }

    private func compile() -> Compiled {
        var compiled = Compiled()
        let clusterRoles = RoleAggregation(objects("clusterroles"))
        var clusterRules: [String: [PolicyRule]] = [:]
        func rules(ofClusterRole name: String) -> [PolicyRule]? {
            if let rules = clusterRules[name] { return rules }
            let rules = clusterRoles.rules(of: name)
            clusterRules[name] = rules
            return rules
        }
        let roleRules = Dictionary(
            objects("roles").map {
                (
                    "\($0[path: "metadata", "namespace"].string ?? "")/\($0[path: "metadata", "name"].string ?? "")",
                    $0["rules"].elements.map(PolicyRule.init)
                )
            },
            uniquingKeysWith: { $1 })
        for binding in objects("clusterrolebindings") {
            let role = binding[path: "roleRef", "name"].string ?? ""
            guard let rules = rules(ofClusterRole: role) else { continue }
            for subject in binding["subjects"].elements {
                let reason =
                    "RBAC: allowed by ClusterRoleBinding \"\(binding[path: "metadata", "name"].string ?? "")\" of ClusterRole \"\(role)\" to \(Self.name(of: subject))"
                compiled.cluster.add(Grant(rules: rules, reason: reason), to: subject, namespace: "")
            }
        }
        for binding in objects("rolebindings") {
            let namespace = binding[path: "metadata", "namespace"].string ?? ""
            let (kind, role) = (binding[path: "roleRef", "kind"].string ?? "", binding[path: "roleRef", "name"].string ?? "")
            guard let rules = kind == "Role" ? roleRules["\(namespace)/\(role)"] : rules(ofClusterRole: role) else { continue }
            let bindingName = "\(binding[path: "metadata", "name"].string ?? "")/\(namespace)"
            for subject in binding["subjects"].elements {
                let reason = "RBAC: allowed by RoleBinding \"\(bindingName)\" of \(kind) \"\(role)\" to \(Self.name(of: subject))"
                compiled.namespaces[namespace, default: Grants()].add(
                    Grant(rules: rules, reason: reason), to: subject, namespace: namespace)
            }
        }
        return compiled
    }

    private static func name(of subject: Value) -> String {
        let name = subject["name"].string ?? ""
        if let namespace = subject["namespace"].string { return "\(subject["kind"].string ?? "") \"\(name)/\(namespace)\"" }
        return "\(subject["kind"].string ?? "") \"\(name)\""
    }
}
