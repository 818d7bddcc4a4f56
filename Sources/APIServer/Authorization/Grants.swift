import Synchronization

/// Rules that the process itself gives to users, beside those in the store: what plugins declare in their manifests.
///
/// Safe from any thread; a change holds for the next request.
public final class Grants: Authorizer {
    private let users = Mutex<[String: [PolicyRule]]>([:])
    private let observers = Mutex<[String: @Sendable (UsedRight) -> Void]>([:])

    public init() {}

    /// Replaces the rules of `user`. No rules takes all away.
    public func set(_ user: String, rules: [PolicyRule]) {
        users.withLock { $0[user] = rules.isEmpty ? nil : rules }
    }

    /// Calls `note` from now on for everything that `user` asks and its rules allow, from the request's own task.
    public func observe(_ user: String, _ note: @escaping @Sendable (UsedRight) -> Void) { observers.withLock { $0[user] = note } }

    public func authorize(_ attributes: Attributes) -> Decision {
        let rules = users.withLock { $0[attributes.user.name] } ?? []
        guard rules.contains(where: { $0.allows(attributes) }) else { return .noOpinion }
        if attributes.isResource { observers.withLock { $0[attributes.user.name] }?(UsedRight(attributes)) }
        return .allow("granted to user \"\(attributes.user.name)\" by its manifest")
    }

    public func rules(for user: UserInfo, namespace: String) -> [PolicyRule] { users.withLock { $0[user.name] } ?? [] }
}
