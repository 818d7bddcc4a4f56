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

    /// Grants by subject (`u:alice`, `g:devs`), for the cluster and for each namespace.
    private struct Compiled: Sendable {
        var cluster: [String: [Grant]] = [:]
        var namespaces: [String: [String: [Grant]]] = [:]
    }

    private let store: Store
    /// The rules, and the change up to which they were compiled.
    private let state = Mutex<(compiled: Compiled, change: UInt64)?>(nil)

    init(store: Store) { self.store = store }

    func authorize(_ attributes: Attributes) -> Decision {
        for grant in grants(for: attributes.user, namespace: attributes.isResource ? attributes.namespace : "") {
            if grant.rules.contains(where: { $0.allows(attributes) }) { return .allow(grant.reason) }
        }
        return .noOpinion
    }

    func rules(for user: UserInfo, namespace: String) -> [PolicyRule] { grants(for: user, namespace: namespace).flatMap(\.rules) }

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

    private func grants(for user: UserInfo, namespace: String) -> [Grant] {
        let compiled = current()
        let subjects = ["u:\(user.name)"] + user.groups.map { "g:\($0)" }
        var found = subjects.flatMap { compiled.cluster[$0] ?? [] }
        if !namespace.isEmpty, let local = compiled.namespaces[namespace] { found += subjects.flatMap { local[$0] ?? [] } }
        return found
    }

    /// The change is looked at before the roles are, so that one that comes in between makes the result stale again.
    private func current() -> Compiled {
        let change = store.newestChange(in: Self.collections)
        return state.withLock { state in
            if let state, state.change >= change { return state.compiled }
            let compiled = compile()
            state = (compiled, change)
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
                guard let key = Self.subject(subject, namespace: "") else { continue }
                let reason =
                    "RBAC: allowed by ClusterRoleBinding \"\(binding[path: "metadata", "name"].string ?? "")\" of ClusterRole \"\(role)\" to \(Self.name(of: subject))"
                compiled.cluster[key, default: []].append(Grant(rules: rules, reason: reason))
            }
        }
        for binding in objects("rolebindings") {
            let namespace = binding[path: "metadata", "namespace"].string ?? ""
            let (kind, role) = (binding[path: "roleRef", "kind"].string ?? "", binding[path: "roleRef", "name"].string ?? "")
            guard let rules = kind == "Role" ? roleRules["\(namespace)/\(role)"] : rules(ofClusterRole: role) else { continue }
            let bindingName = "\(binding[path: "metadata", "name"].string ?? "")/\(namespace)"
            for subject in binding["subjects"].elements {
                guard let key = Self.subject(subject, namespace: namespace) else { continue }
                let reason = "RBAC: allowed by RoleBinding \"\(bindingName)\" of \(kind) \"\(role)\" to \(Self.name(of: subject))"
                compiled.namespaces[namespace, default: [:]][key, default: []].append(Grant(rules: rules, reason: reason))
            }
        }
        return compiled
    }

    private static func subject(_ subject: Value, namespace: String) -> String? {
        guard let name = subject["name"].string else { return nil }
        switch subject["kind"].string {
        case "User": return "u:\(name)"
        case "Group": return "g:\(name)"
        case "ServiceAccount": return "u:system:serviceaccount:\(subject["namespace"].string ?? namespace):\(name)"
        default: return nil
        }
    }

    private static func name(of subject: Value) -> String {
        let name = subject["name"].string ?? ""
        if let namespace = subject["namespace"].string { return "\(subject["kind"].string ?? "") \"\(name)/\(namespace)\"" }
        return "\(subject["kind"].string ?? "") \"\(name)\""
    }
}
