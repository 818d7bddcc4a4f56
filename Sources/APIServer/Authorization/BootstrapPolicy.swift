import APIModel

/// The roles and bindings that a cluster starts with, as objects.
///
/// The tables are lines of words. `role NAME [in=AGGREGATE] [of=AGGREGATE]` begins a role, of a namespace when NAME is `namespace/name`;
/// `in` says which aggregated role takes its rules, `of` that it is such an aggregated role. The indented lines are its rules: `VERBS
/// GROUPS RESOURCES [NAMES]`, or `VERBS url PATHS`; `core` is the group "". `bind NAME KIND:ROLE SUBJECT...` is a binding.
enum BootstrapPolicy {
    /// What this server asks kubelets for, it is allowed as this user.
    static let additions =
        "bind system:kubelet-api-admin ClusterRole:system:kubelet-api-admin user=kube-apiserver-kubelet-client"

    /// What an earlier version gave to all nodes alike, by binding: it is taken away where it still is.
    static let withdrawn = ["system:nodes", "system:plugin-host"].map { (binding: $0, group: "system:nodes") }

    /// What every node may do beside what the objects bound to it lead to.
    static let nodeRules: [PolicyRule] = rules(of: "system:node") + rules(of: "system:plugin-host")

    /// Everything, in an order in which roles come before their bindings.
    static let objects: [Value] = {
        let roles = parseRoles(Self.roles) + parseRoles(Self.pluginRoles) + parseRoles(Self.clusterDNSRoles)
        let controllers = parseRoles(Self.controllers)
        let controllerBindings = controllers.compactMap { role -> String? in
            guard let name = role.object[path: "metadata", "name"].string, let account = name.split(separator: ":").last else { return nil }
            return "bind \(name) ClusterRole:\(name) account=kube-system/\(account)"
        }
        let bindings =
            (Self.bindings.split(separator: "\n").map(String.init) + controllerBindings + [additions] + pluginBindings + clusterDNSBindings)
            .map(
                parseBinding)
        return aggregated(roles).map(\.object) + controllers.map(\.object) + bindings
    }()

    private static func rules(of role: String) -> [PolicyRule] {
        objects.first { $0["kind"].string == "ClusterRole" && $0[path: "metadata", "name"].string == role }?["rules"].elements
            .map(PolicyRule.init) ?? []
    }

    private struct Role {
        var object: Value
        var includedIn: String?
        var aggregates: String?
    }

    private static func metadata(_ qualified: String) -> Value {
        let parts = qualified.split(separator: "/", maxSplits: 1).map(String.init)
        return [
            "name": .string(parts[parts.count - 1]), "namespace": parts.count > 1 ? .string(parts[0]) : .null,
            "annotations": ["rbac.authorization.kubernetes.io/autoupdate": "true"],
            "labels": ["kubernetes.io/bootstrapping": "rbac-defaults"],
        ]
    }

    private static func parseRoles(_ text: String) -> [Role] {
        var roles: [Role] = []
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            if words[0] == "role" {
                var metadata = metadata(words[1])
                var role = Role(object: .null)
                for word in words.dropFirst(2) {
                    if word.hasPrefix("in=") {
                        role.includedIn = String(word.dropFirst(3))
                    } else {
                        role.aggregates = String(word.dropFirst(3))
                    }
                }
                if let included = role.includedIn { metadata["labels"]["rbac.authorization.k8s.io/aggregate-to-\(included)"] = "true" }
                role.object = [
                    "apiVersion": "rbac.authorization.k8s.io/v1", "kind": metadata["namespace"].isNull ? "ClusterRole" : "Role",
                    "metadata": metadata, "rules": [],
                    "aggregationRule": role.aggregates.map {
                        ["clusterRoleSelectors": [["matchLabels": ["rbac.authorization.k8s.io/aggregate-to-\($0)": "true"]]]]
                    } ?? .null,
                ]
                roles.append(role)
            } else {
                roles[roles.count - 1].object["rules"].elements.append(rule(words).value)
            }
        }
        return roles
    }

    private static func rule(_ words: [String]) -> PolicyRule {
        func set(_ index: Int) -> Set<String> {
            index < words.count ? Set(words[index].split(separator: ",").map { $0 == "core" ? "" : String($0) }) : []
        }
        if words[1] == "url" { return PolicyRule(verbs: set(0), urls: set(2)) }
        return PolicyRule(verbs: set(0), groups: set(1), resources: set(2), names: set(3))
    }

    /// With the rules of the aggregated roles filled in.
    private static func aggregated(_ roles: [Role]) -> [Role] {
        func rules(of aggregate: String) -> [Value] {
            var all: [Value] = []
            for role in roles where role.includedIn == aggregate {
                for rule in role.object["rules"].elements + (role.aggregates.map(rules(of:)) ?? []) where !all.contains(rule) {
                    all.append(rule)
                }
            }
            return all
        }
        return roles.map { role in
            guard let aggregate = role.aggregates else { return role }
            var role = role
            role.object["rules"] = .array(rules(of: aggregate))
            return role
        }
    }

    private static func parseBinding(_ line: String) -> Value {
        let words = line.split(separator: " ").map(String.init)
        let metadata = metadata(words[1])
        let role = words[2].split(separator: ":", maxSplits: 1).map(String.init)
        let subjects = words.dropFirst(3).map { word -> Value in
            let pair = word.split(separator: "=", maxSplits: 1).map(String.init)
            if pair[0] == "account" {
                let parts = pair[1].split(separator: "/").map(String.init)
                return ["kind": "ServiceAccount", "name": .string(parts[1]), "namespace": .string(parts[0])]
            }
            return ["kind": pair[0] == "user" ? "User" : "Group", "apiGroup": "rbac.authorization.k8s.io", "name": .string(pair[1])]
        }
        return [
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": metadata["namespace"].isNull ? "ClusterRoleBinding" : "RoleBinding",
            "metadata": metadata,
            "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": .string(role[0]), "name": .string(role[1])],
            "subjects": subjects.isEmpty ? .null : .array(subjects),
        ]
    }
}
