import APIModel

/// One way to be allowed to act as somebody else: whom it is for, and what the real user must be allowed.
///
/// The constrained modes ask twice: whether the real user may act as that one (`impersonate:<mode>`), and whether it may do what is asked
/// in that way (`impersonate-on:<mode>:<verb>`). The older mode asks the first alone, with the verb `impersonate`.
enum ImpersonationMode: String, CaseIterable, Sendable {
    // In the order in which they are tried.
    case associatedNode = "associated-node"
    case arbitraryNode = "arbitrary-node"
    case serviceAccount = "serviceaccount"
    case userInfo = "user-info"
    case legacy

    enum Check {
        case may(Attributes)
        /// Each of the first, or at once all that the second stands for.
        case mayAll([Attributes], or: Attributes)
        case never(APIError)
    }

    private static let group = "authentication.k8s.io"
    /// From how many on it is asked first whether all of a sort are allowed.
    private static let many = 4

    private var verb: String { self == .legacy ? "impersonate" : "impersonate:\(rawValue)" }

    /// What an audit log names.
    var constraint: String? { self == .legacy ? nil : verb }

    func applies(to wanted: UserInfo, real: UserInfo) -> Bool {
        let isNameAlone = wanted.uid.isEmpty && wanted.groups.isEmpty && wanted.extra.isEmpty
        let (account, node) = (UserInfo.serviceAccount(of: wanted.name), UserInfo.node(of: wanted.name))
        return switch self {
        case .associatedNode:
            isNameAlone && node != nil && UserInfo.serviceAccount(of: real.name) != nil
                && real.extra["authentication.kubernetes.io/node-name"] == node.map { [$0] }
        case .arbitraryNode: isNameAlone && node != nil
        case .serviceAccount: isNameAlone && account != nil
        case .userInfo: account == nil && node == nil
        case .legacy: true
        }
    }

    /// Who is asked about: of a service account on the node that it wants to act as, the keys of its extra alone, so that what is decided
    /// holds on every node.
    private func asker(_ real: UserInfo) -> UserInfo {
        guard self == .associatedNode else { return real }
        var asker = real
        asker.extra = ["authentication.kubernetes.io/associated-node-keys": real.extra.keys.sorted()]
        return asker
    }

    /// Whether what is requested may be done in this way; `nil` where the mode leaves that to the user who is acted as.
    func check(ofRequest attributes: Attributes) -> Attributes? {
        guard self != .legacy else { return nil }
        var check = attributes
        check.user = asker(attributes.user)
        check.verb = "impersonate-on:\(rawValue):\(attributes.verb)"
        return check
    }

    /// Whether `real` may act as `wanted`.
    func checks(_ wanted: UserInfo, real: UserInfo) -> [Check] {
        [.may(nameQuestion(wanted, real))]
            + (wanted.uid.isEmpty ? [] : [.may(question(real, "uids", group: Self.group, name: wanted.uid))])
            + groupChecks(wanted.groups, real) + extraChecks(wanted.extra, real)
    }

    private func question(
        _ real: UserInfo, _ resource: String, group: String, subresource: String = "", namespace: String = "", name: String
    ) -> Attributes {
        Attributes(
            user: asker(real), verb: verb, group: group, resource: resource, subresource: subresource, namespace: namespace, name: name)
    }

    /// Of users, accounts and groups, which belonged to no group of the API in the older mode.
    private var nameGroup: String { self == .legacy ? "" : Self.group }

    private func nameQuestion(_ wanted: UserInfo, _ real: UserInfo) -> Attributes {
        if self != .legacy, let node = UserInfo.node(of: wanted.name) {
            return question(real, "nodes", group: nameGroup, name: self == .associatedNode ? "*" : node)
        }
        guard let account = UserInfo.serviceAccount(of: wanted.name) else {
            return question(real, "users", group: nameGroup, name: wanted.name)
        }
        return question(real, "serviceaccounts", group: nameGroup, namespace: account.namespace, name: account.name)
    }

    private func groupChecks(_ groups: [String], _ real: UserInfo) -> [Check] {
        func of(_ name: String) -> Attributes { question(real, "groups", group: nameGroup, name: name) }
        let each = groups.map(of)
        guard self != .legacy else { return each.map(Check.may) }
        if groups.contains("") {
            return [.never(Refusal.forbidden(of(""), reason: "impersonating the empty string group is not allowed"))]
        }
        if groups.contains(MastersAuthorizer.group) {
            let why = "impersonating the system:masters group is not allowed"
            return [.never(Refusal.forbidden(of(MastersAuthorizer.group), reason: why))]
        }
        return groups.count < Self.many ? each.map(Check.may) : [.mayAll(each, or: of("*"))]
    }

    private func extraChecks(_ extra: [String: [String]], _ real: UserInfo) -> [Check] {
        func of(_ key: String, _ value: String) -> Attributes {
            question(real, "userextras", group: Self.group, subresource: key, name: value)
        }
        let each = extra.sorted { $0.key < $1.key }.flatMap { key, values in values.map { of(key, $0) } }
        guard self != .legacy, !extra.isEmpty else { return each.map(Check.may) }
        if let problem = extra.sorted(by: { $0.key < $1.key }).lazy.compactMap(Self.problem).first {
            return [.never(Refusal.forbidden(of("", ""), reason: problem))]
        }
        return each.count < Self.many ? each.map(Check.may) : [.mayAll(each, or: of("*", "*"))]
    }

    private static func problem(ofExtra key: String, _ values: [String]) -> String? {
        if key.isEmpty { return "impersonating the empty string key in extra is not allowed" }
        let problems = Names.domainPrefixedPath(key, at: "extra.key").map(\.message)
        if let problems = Aggregate.text(problems) { return "impersonating an invalid key in extra is not allowed: \(problems)" }
        if key != key.lowercased() { return "impersonating a non-lowercase key in extra is not allowed: \(FieldError.quoted(key))" }
        return values.contains("") ? "impersonating the empty string value in extra is not allowed" : nil
    }

    /// With the groups that the user has by its kind.
    func completed(_ wanted: UserInfo) -> UserInfo {
        var user = wanted
        if user.groups.isEmpty, let account = UserInfo.serviceAccount(of: user.name) {
            user.groups = UserInfo.serviceAccount(namespace: account.namespace, name: account.name).groups
        }
        if self != .legacy, UserInfo.node(of: user.name) != nil { user.groups = ["system:nodes"] }
        guard user.name != UserInfo.anonymous.name, !user.groups.contains("system:unauthenticated") else {
            if !user.groups.contains("system:unauthenticated") { user.groups.append("system:unauthenticated") }
            return user
        }
        return user.authenticated
    }
}
