import APIModel

/// What somebody wants to do, as authorizers see it.
public struct Attributes: Sendable, Hashable {
    public var user: UserInfo
    public var verb: String
    public var isResource: Bool
    public var group = ""
    public var version = ""
    public var resource = ""
    public var subresource = ""
    public var namespace = ""
    public var name = ""
    public var path = ""

    public init(user: UserInfo, verb: String, path: String) {
        self.user = user
        self.verb = verb
        self.isResource = false
        self.path = path
    }

    public init(
        user: UserInfo, verb: String, group: String, resource: String, subresource: String = "", namespace: String = "", name: String = ""
    ) {
        self.user = user
        self.verb = verb
        self.isResource = true
        self.group = group
        self.resource = resource
        self.subresource = subresource
        self.namespace = namespace
        self.name = name
    }

    init(user: UserInfo, _ info: RequestInfo) {
        self.init(user: user, verb: info.verb, path: info.path)
        isResource = info.isResource
        group = info.group
        version = info.version
        resource = info.resource
        subresource = info.subresource
        namespace = info.namespace
        name = info.name
    }

    /// `pods/log`
    var qualifiedResource: String { subresource.isEmpty ? resource : "\(resource)/\(subresource)" }
}

/// What an authorizer says.
public enum Decision: Sendable {
    /// With the reason that a review shows.
    case allow(String)
    /// No opinion: another may allow it. Nobody allowing is a refusal.
    case pass
    case deny(String)
}

/// Decides who may do what. Safe from any task.
public protocol Authorizer: Sendable {
    func authorize(_ attributes: Attributes) -> Decision
    /// All rules that the user has in the namespace, for reviews and for the check against escalation.
    func rules(for user: UserInfo, namespace: String) -> [PolicyRule]
}

extension Authorizer {
    /// - Throws: 403 unless it is allowed.
    func require(_ attributes: Attributes) throws {
        switch authorize(attributes) {
        case .allow: return
        case .pass: throw Refusal.forbidden(attributes, reason: "")
        case .deny(let reason): throw Refusal.forbidden(attributes, reason: reason)
        }
    }
}

/// Asks one after another; the first that allows or denies decides.
public struct AuthorizerChain: Authorizer {
    public var members: [any Authorizer]

    public init(_ members: [any Authorizer]) { self.members = members }

    public func authorize(_ attributes: Attributes) -> Decision {
        for member in members {
            let decision = member.authorize(attributes)
            if case .pass = decision { continue }
            return decision
        }
        return .pass
    }

    public func rules(for user: UserInfo, namespace: String) -> [PolicyRule] {
        members.flatMap { $0.rules(for: user, namespace: namespace) }
    }
}

/// `system:masters` may do all.
struct MastersAuthorizer: Authorizer {
    static let group = "system:masters"
    func authorize(_ attributes: Attributes) -> Decision { attributes.user.groups.contains(Self.group) ? .allow("") : .pass }
    func rules(for user: UserInfo, namespace: String) -> [PolicyRule] {
        user.groups.contains(Self.group)
            ? [PolicyRule(verbs: ["*"], groups: ["*"], resources: ["*"]), PolicyRule(verbs: ["*"], urls: ["*"])] : []
    }
}

/// The refusal, in upstream's words.
enum Refusal {
    static func forbidden(_ attributes: Attributes, reason: String) -> APIError {
        let user = "User \"\(attributes.user.name)\""
        let suffix = reason.isEmpty ? "" : ": \(reason)"
        guard attributes.isResource else {
            let message = "forbidden: \(user) cannot \(attributes.verb) path \"\(attributes.path)\"\(suffix)"
            return APIError(code: 403, reason: .forbidden, message: message, details: .emptyObject)
        }
        let resource = attributes.group.isEmpty ? attributes.resource : "\(attributes.resource).\(attributes.group)"
        var why = "\(user) cannot \(attributes.verb) resource \"\(attributes.qualifiedResource)\" in API group \"\(attributes.group)\""
        if attributes.namespace.isEmpty || attributes.resource == "namespaces" {
            why += " at the cluster scope"
        } else {
            why += " in the namespace \"\(attributes.namespace)\""
        }
        return .forbidden(resource, attributes.name, why + suffix)
    }
}
