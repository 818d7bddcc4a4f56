/// Who decides what a user may do, by upstream's names.
public enum AuthorizationMode: String, CaseIterable, Sendable {
    case alwaysAllow = "AlwaysAllow"
    case alwaysDeny = "AlwaysDeny"
    /// Nodes, by what is bound to them.
    case node = "Node"
    case rbac = "RBAC"
    /// Another server, which is asked.
    case webhook = "Webhook"
}

/// The modes that look at nothing.
struct ConstantAuthorizer: Authorizer {
    let decision: Decision
    private let granted: [PolicyRule]

    static let allow = ConstantAuthorizer(
        decision: .allow(""),
        granted: [PolicyRule(verbs: ["*"], groups: ["*"], resources: ["*"]), PolicyRule(verbs: ["*"], urls: ["*"])])
    static let deny = ConstantAuthorizer(decision: .pass("Everything is forbidden."), granted: [])

    func authorize(_ attributes: Attributes) -> Decision { decision }
    func rules(for user: UserInfo, namespace: String) -> [PolicyRule] { granted }
}
