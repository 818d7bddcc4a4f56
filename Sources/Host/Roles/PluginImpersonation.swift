internal import APIServer
internal import PluginHost

/// Lets each component act as the plugins of the kind it runs, and as no others: a controller manager as `system:plugin:deployment`, a node
/// as its runtime.
struct PluginImpersonation: Authorizer {
    private let plugins: PluginUsers
    private static let groups = Set(PluginManifest.groups)

    /// Who runs which kind.
    private static let members: [(kind: ExtensionKind, isMember: @Sendable (UserInfo) -> Bool)] = [
        (.controller, { $0.name == "system:kube-controller-manager" }),
        (.schedulerPolicy, { $0.name == "system:kube-scheduler" }),
        (.runtime, { $0.groups.contains("system:nodes") }),
        (.proxy, { $0.name == "system:kube-proxy" }),
    ]

    init(_ plugins: PluginUsers) { self.plugins = plugins }

    func authorize(_ attributes: Attributes) -> Decision {
        guard attributes.verb == "impersonate", attributes.isResource, attributes.group.isEmpty, attributes.subresource.isEmpty else {
            return .noOpinion
        }
        for member in Self.members where member.isMember(attributes.user) {
            let names = attributes.resource == "users" ? plugins.users(member.kind) : attributes.resource == "groups" ? Self.groups : []
            if names.contains(attributes.name) { return .allow("it runs this plugin") }
        }
        return .noOpinion
    }

    func rules(for user: UserInfo, namespace: String) -> [PolicyRule] {
        Self.members.filter { $0.isMember(user) }.map { plugins.users($0.kind) }.filter { !$0.isEmpty }.flatMap { users in
            [
                PolicyRule(verbs: ["impersonate"], groups: [""], resources: ["users"], names: users),
                PolicyRule(verbs: ["impersonate"], groups: [""], resources: ["groups"], names: Self.groups),
            ]
        }
    }
}
