internal import APIModel

/// Who decides whether the user of a request may do something, for expressions that ask.
///
/// Asked on the thread that evaluates, so it must not block.
public protocol ExpressionAuthorizer: Sendable {
    func authorize(_ request: AuthorizationQuery) -> AuthorizationAnswer
}

/// What an expression asks for.
public struct AuthorizationQuery: Sendable, Hashable {
    public enum Target: Sendable, Hashable {
        case path(String)
        case resource(AuthorizationResource)
    }

    /// Whose access it is about: `nil` for the user of the request.
    public var serviceAccount: ServiceAccountName?
    public var verb: String
    public var target: Target
}

public struct ServiceAccountName: Sendable, Hashable {
    public var namespace: String
    public var name: String
}

public struct AuthorizationResource: Sendable, Hashable {
    public var group: String
    public var resource: String
    public var subresource = ""
    public var namespace = ""
    public var name = ""
    /// As written; one that is no selector does not restrict the query.
    public var fieldSelector = ""
    public var labelSelector = ""

    public init(group: String, resource: String, subresource: String = "", namespace: String = "", name: String = "") {
        self.group = group
        self.resource = resource
        self.subresource = subresource
        self.namespace = namespace
        self.name = name
    }
}

public struct AuthorizationAnswer: Sendable, Hashable {
    public var isAllowed: Bool
    public var reason: String
    /// What went wrong, `nil` if nothing did.
    public var error: String?

    public init(isAllowed: Bool, reason: String = "", error: String? = nil) {
        self.isAllowed = isAllowed
        self.reason = reason
        self.error = error
    }
}

extension CELValue {
    /// The variable `authorizer`.
    public static func authorizer(_ authorizer: any ExpressionAuthorizer) -> CELValue { .object(AuthorizerValue(authorizer, nil)) }

    /// The variable `authorizer.requestResource`: the resource of the request itself.
    public static func resourceCheck(_ authorizer: any ExpressionAuthorizer, _ resource: AuthorizationResource) -> CELValue {
        .object(ResourceCheckValue(AuthorizerValue(authorizer, nil), resource))
    }
}

extension Library {
    private static let check = CallCost.fixed(350_000)

    /// Questions to the authorizer: `authorizer.group("apps").resource("deployments").check("create").allowed()`.
    static let authorizer = Library(
        "kubernetes.authz",
        [
            Function(
                "path",
                .method("authorizer_path", [.authorizer, .string], .pathCheck) { a, _ throws(EvaluationError) in
                    let authorizer = try a.object(0, as: AuthorizerValue.self)
                    return .object(PathCheckValue(authorizer, path: try notBlank(a.string(1), "path")))
                }),
            Function(
                "group",
                .method("authorizer_group", [.authorizer, .string], .groupCheck) { a, _ throws(EvaluationError) in
                    .object(GroupCheckValue(try a.object(0, as: AuthorizerValue.self), group: try a.string(1)))
                }),
            Function(
                "serviceAccount",
                .method("authorizer_serviceaccount", [.authorizer, .string, .string], .authorizer) { a, _ throws(EvaluationError) in
                    let authorizer = try a.object(0, as: AuthorizerValue.self)
                    let account = ServiceAccountName(namespace: try a.string(1), name: try a.string(2))
                    guard Names.dnsSubdomain(account.name).isEmpty else { throw EvaluationError("Invalid service account name") }
                    guard Names.dnsLabel(account.namespace).isEmpty else { throw EvaluationError("Invalid service account namespace") }
                    return .object(AuthorizerValue(authorizer.authorizer, account))
                }),
            Function(
                "resource",
                .method("groupcheck_resource", [.groupCheck, .string], .resourceCheck) { a, _ throws(EvaluationError) in
                    let check = try a.object(0, as: GroupCheckValue.self)
                    let resource = AuthorizationResource(group: check.group, resource: try notBlank(a.string(1), "resource"))
                    return .object(ResourceCheckValue(check.authorizer, resource))
                }),
            narrowing("subresource", "resourcecheck_subresource", \.subresource),
            narrowing("namespace", "resourcecheck_namespace", \.namespace), narrowing("name", "resourcecheck_name", \.name),
            Function(
                "check",
                .method("pathcheck_check", [.pathCheck, .string], .decision, cost: check) { a, _ throws(EvaluationError) in
                    let path = try a.object(0, as: PathCheckValue.self)
                    return path.authorizer.decide(.path(path.path), verb: try a.string(1))
                },
                .method("resourcecheck_check", [.resourceCheck, .string], .decision, cost: check) { a, _ throws(EvaluationError) in
                    let check = try a.object(0, as: ResourceCheckValue.self)
                    return check.authorizer.decide(.resource(check.resource), verb: try a.string(1))
                }),
            answer("errored", "decision_errored", .bool) { .bool($0.error != nil) },
            answer("error", "decision_error", .string) { .string($0.error ?? "") },
            answer("allowed", "decision_allowed", .bool) { .bool($0.isAllowed) },
            answer("reason", "decision_reason", .string) { .string($0.reason) },
        ])

    /// Selectors that restrict a question.
    static let authorizerSelectors = Library(
        "kubernetes.authzSelectors",
        [
            narrowing("fieldSelector", "authorizer_fieldselector", \.fieldSelector, cost: selecting),
            narrowing("labelSelector", "authorizer_labelselector", \.labelSelector, cost: selecting),
        ])

    /// Reading a selector, and a list and an object for each two of its characters.
    private static let selecting = CallCost {
        selecting(Estimate($0[1].costSize)).max
    } _: {
        CallEstimate(selecting($0.size(1)))
    }

    private static func selecting(_ size: Estimate) -> Estimate {
        CostUnit.list + size * CostUnit.traversal + (size * 0.5) * Double(CostUnit.list.max + CostUnit.structure.max)
    }

    private static func notBlank(_ text: String, _ what: String) throws(EvaluationError) -> String {
        if text.allSatisfy(\.isWhitespace) { throw EvaluationError("\(what) must not be empty") }
        return text
    }

    private static func narrowing(
        _ name: String, _ id: String, _ path: any WritableKeyPath<AuthorizationResource, String> & Sendable, cost: CallCost = .one
    ) -> Function {
        Function(
            name,
            .method(id, [.resourceCheck, .string], .resourceCheck, cost: cost) { a, _ throws(EvaluationError) in
                let check = try a.object(0, as: ResourceCheckValue.self)
                var resource = check.resource
                resource[keyPath: path] = try a.string(1)
                return .object(ResourceCheckValue(check.authorizer, resource))
            })
    }

    private static func answer(
        _ name: String, _ id: String, _ result: CELType, _ read: @escaping @Sendable (AuthorizationAnswer) -> CELValue
    ) -> Function {
        Function(
            name, .method(id, [.decision], result) { a, _ throws(EvaluationError) in read(try a.object(0, as: DecisionValue.self).answer) })
    }
}

/// Values that only have methods. They cannot be compared.
protocol MethodsOnlyValue: ObjectValue {}

extension MethodsOnlyValue {
    func isEqual(to other: CELValue, _ evaluation: Evaluation) throws(EvaluationError) -> Bool { throw .noSuchOverload }
    var description: String { typeName }
}

final class AuthorizerValue: MethodsOnlyValue {
    let authorizer: any ExpressionAuthorizer
    private let serviceAccount: ServiceAccountName?

    init(_ authorizer: any ExpressionAuthorizer, _ serviceAccount: ServiceAccountName?) {
        self.authorizer = authorizer
        self.serviceAccount = serviceAccount
    }

    var typeName: String { "kubernetes.authorization.Authorizer" }

    func decide(_ target: AuthorizationQuery.Target, verb: String) -> CELValue {
        .object(DecisionValue(authorizer.authorize(AuthorizationQuery(serviceAccount: serviceAccount, verb: verb, target: target))))
    }
}

final class PathCheckValue: MethodsOnlyValue {
    let authorizer: AuthorizerValue
    let path: String

    init(_ authorizer: AuthorizerValue, path: String) {
        self.authorizer = authorizer
        self.path = path
    }

    var typeName: String { "kubernetes.authorization.PathCheck" }
}

final class GroupCheckValue: MethodsOnlyValue {
    let authorizer: AuthorizerValue
    let group: String

    init(_ authorizer: AuthorizerValue, group: String) {
        self.authorizer = authorizer
        self.group = group
    }

    var typeName: String { "kubernetes.authorization.GroupCheck" }
}

final class ResourceCheckValue: MethodsOnlyValue {
    let authorizer: AuthorizerValue
    let resource: AuthorizationResource

    init(_ authorizer: AuthorizerValue, _ resource: AuthorizationResource) {
        self.authorizer = authorizer
        self.resource = resource
    }

    var typeName: String { "kubernetes.authorization.ResourceCheck" }
}

final class DecisionValue: MethodsOnlyValue {
    let answer: AuthorizationAnswer
    init(_ answer: AuthorizationAnswer) { self.answer = answer }

    var typeName: String { "kubernetes.authorization.Decision" }
}
