internal import APIServer
internal import PluginHost

/// Who the host is to its own API server, which lets no other leave a library unpinned.
enum HostUser {
    static let name = "system:apus"
}

/// What the host may: see what its loops and plugins see through its cache, keep the Plugin objects, and act as plugins, which may do what
/// their manifests say.
struct HostRights: Authorizer {
    private static let rules = [
        PolicyRule(verbs: ["get", "list", "watch"], groups: ["*"], resources: ["*"]),
        PolicyRule(
            verbs: ["create", "update", "patch", "delete"], groups: ["plugins.apus.dev"], resources: ["plugins", "plugins/status"]),
        // A manifest gives a plugin rules that the host itself does not have; a role it can write none.
        PolicyRule(verbs: ["escalate"], groups: ["rbac.authorization.k8s.io"], resources: ["clusterroles"]),
        PolicyRule(verbs: ["create", "update", "patch"], groups: ["", "events.k8s.io"], resources: ["events"]),
    ]
    private static let groups = Set(PluginManifest.groups)

    func authorize(_ attributes: Attributes) -> Decision {
        guard attributes.user.name == HostUser.name else { return .noOpinion }
        return mayImpersonate(attributes) || Self.rules.contains { $0.allows(attributes) } ? .allow("it is the host") : .noOpinion
    }

    /// The names of plugins come and go; no other user has the prefix.
    private func mayImpersonate(_ attributes: Attributes) -> Bool {
        guard attributes.verb == "impersonate", attributes.isResource, attributes.group.isEmpty, attributes.subresource.isEmpty else {
            return false
        }
        switch attributes.resource {
        case "users": return attributes.name.hasPrefix("system:plugin:")
        case "groups": return Self.groups.contains(attributes.name)
        default: return false
        }
    }

    func rules(for user: UserInfo, namespace: String) -> [PolicyRule] { user.name == HostUser.name ? Self.rules : [] }
}
