public import APIModel

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
    /// What a list, a watch or a deletion of many is narrowed to.
    public var fieldSelector = FieldSelector()
    /// The same by labels, as text, since few look at it.
    public var labelSelector = ""

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
        fieldSelector = info.fieldSelector
        labelSelector = info.labelSelector
    }

    /// `pods/log`
    var qualifiedResource: String { subresource.isEmpty ? resource : "\(resource)/\(subresource)" }
}

/// What an authorizer says.
public enum Decision: Sendable {
    /// With the reason that a review shows.
    case allow(String)
    /// No opinion: another may allow it. Nobody allowing is a refusal, with the reasons of all who were asked.
    case pass(String)
    case deny(String)
    /// Nobody allowed it, and somebody could not be asked, which may be reason enough to deny it.
    case fail(String, isDenied: Bool)

    /// No opinion, and nothing to say about it.
    public static let noOpinion = Decision.pass("")

    /// - Throws: 403 unless it is allowed.
    func require(_ attributes: Attributes) throws {
        switch self {
        case .allow: return
        case .pass(let reason), .deny(let reason): throw Refusal.forbidden(attributes, reason: reason)
        case .fail(let problem, isDenied: _): throw APIError.internalError(problem)
        }
    }

    /// As an audit log tells it.
    var auditAnnotations: [String: String] {
        let (decision, reason) = ("authorization.k8s.io/decision", "authorization.k8s.io/reason")
        return switch self {
        case .allow(let why): [decision: "allow", reason: why]
        case .pass(let why), .deny(let why): [decision: "forbid", reason: why]
        case .fail: [reason: "internal error"]
        }
    }
}

/// Decides who may do what by what this process knows. Safe from any task.
public protocol Authorizer: Sendable {
    func authorize(_ attributes: Attributes) -> Decision
    /// All rules that the user has in the namespace, for reviews and for the check against escalation.
    func rules(for user: UserInfo, namespace: String) -> [PolicyRule]
    /// Why `rules` does not tell all that the user may, `nil` when it does.
    func unresolvedRules(for user: UserInfo) -> String?
}

extension Authorizer {
    public func unresolvedRules(for user: UserInfo) -> String? { nil }
}

/// `system:masters` may do all.
struct MastersAuthorizer: Authorizer {
    static let group = "system:masters"
    func authorize(_ attributes: Attributes) -> Decision { attributes.user.groups.contains(Self.group) ? .allow("") : .noOpinion }
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
        if attributes.namespace.isEmpty {
            why += " at the cluster scope"
        } else {
            why += " in the namespace \"\(attributes.namespace)\""
        }
        return .forbidden(resource, attributes.name, why + suffix)
    }
}
