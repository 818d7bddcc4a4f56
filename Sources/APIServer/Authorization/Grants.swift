import Synchronization

/// Rules that the process itself gives to users, beside those in the store: what plugins declare in their manifests.
///
/// Safe from any thread; a change holds for the next request.
public final class Grants: Authorizer {
    private let users = Mutex<[String: [PolicyRule]]>([:])

    public init() {}

    /// Replaces the rules of `user`. No rules takes all away.
    public func set(_ user: String, rules: [PolicyRule]) {
        users.withLock { $0[user] = rules.isEmpty ? nil : rules }
    }

    public func authorize(_ attributes: Attributes) -> Decision {
        let rules = users.withLock { $0[attributes.user.name] } ?? []
        return rules.contains { $0.allows(attributes) } ? .allow("granted to user \"\(attributes.user.name)\" by its manifest") : .noOpinion
    }

    public func rules(for user: UserInfo, namespace: String) -> [PolicyRule] { users.withLock { $0[user.name] } ?? [] }
}
