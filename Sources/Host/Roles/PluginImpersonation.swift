internal import APIServer
internal import PluginHost

/// Lets each component act as the plugins of the kind it runs, and as no others: a controller manager as `system:plugin:deployment`, a node as its runtime.
struct PluginImpersonation: Authorizer {
    private struct Runner {
        var isMember: @Sendable (UserInfo) -> Bool
        var plugins: Set<String>
    }

    private let runners: [Runner]
    private static let groups = Set(PluginManifest.groups)

    /// Who runs which kind.
    private static let members: [(kind: ExtensionKind, isMember: @Sendable (UserInfo) -> Bool)] = [
        (.controller, { $0.name == "system:kube-controller-manager" }),
        (.schedulerPolicy, { $0.name == "system:kube-scheduler" }),
        (.runtime, { $0.groups.contains("system:nodes") }),
        (.proxy, { $0.name == "system:kube-proxy" }),
    ]

    init(_ rules: PluginRules) {
        runners = Self.members.map { member in
            Runner(isMember: member.isMember, plugins: Set(rules.plugins.filter { $0.kind == member.kind }.map(\.user)))
        }
    }

    func authorize(_ attributes: Attributes) -> Decision {
        guard attributes.verb == "impersonate", attributes.isResource, attributes.group.isEmpty, attributes.subresource.isEmpty else { return .pass }
        for runner in runners where runner.isMember(attributes.user) {
            let names = attributes.resource == "users" ? runner.plugins : attributes.resource == "groups" ? Self.groups : []
            if names.contains(attributes.name) { return .allow("it runs this plugin") }
        }
        return .pass
    }

    func rules(for user: UserInfo, namespace: String) -> [PolicyRule] {
        runners.filter { $0.isMember(user) && !$0.plugins.isEmpty }.flatMap { runner in
            [
                PolicyRule(verbs: ["impersonate"], groups: [""], resources: ["users"], names: runner.plugins),
                PolicyRule(verbs: ["impersonate"], groups: [""], resources: ["groups"], names: Self.groups),
            ]
        }
    }
}
