import APIModel
import CEL
import Synchronization

/// What expressions of webhooks and policies may name.
enum AdmissionEnvironment {
    private static let base = Environment.kubernetes.with([
        Variable("object", .dyn), Variable("oldObject", .dyn), Variable("namespaceObject", namespace), Variable("request", request),
    ])
    private static let params = [Variable("params", .dyn)]
    private static let authorizer = [
        Variable("authorizer", .opaque(.authorizer)), Variable("authorizer.requestResource", .opaque(.resourceCheck)),
    ]

    /// - Parameter variables: the composed ones, by name; `nil` where there is no `variables` at all.
    static func with(
        params hasParams: Bool, authorizer hasAuthorizer: Bool = true, variables: [String: DeclaredType]? = nil, patches: Bool = false
    ) -> Environment {
        var environment = base
        if hasParams { environment = environment.with(params) }
        if hasAuthorizer { environment = environment.with(authorizer) }
        if let variables { environment = environment.with([Variable("variables", .object("kubernetes.variables", variables))]) }
        return patches ? environment.withPatches : environment
    }

    /// The same for an object of which the type is known.
    static func typed(object: DeclaredType, params: DeclaredType?, variables: [String: DeclaredType]) -> Environment {
        var all = [
            Variable("object", object), Variable("oldObject", object), Variable("namespaceObject", namespace), Variable("request", request),
            Variable("variables", .object("kubernetes.variables", variables)),
        ]
        if let params { all.append(Variable("params", params)) }
        return Environment.kubernetes.with(all + authorizer)
    }

    private static let strings = DeclaredType.list(of: .string)

    private static let request: DeclaredType = {
        let kind = DeclaredType.object("kubernetes.GroupVersionKind", ["group": .string, "version": .string, "kind": .string])
        let resource = DeclaredType.object("kubernetes.GroupVersionResource", ["group": .string, "version": .string, "resource": .string])
        return .object(
            "kubernetes.AdmissionRequest",
            [
                "kind": kind, "resource": resource, "subResource": .string, "requestKind": kind, "requestResource": resource,
                "requestSubResource": .string, "name": .string, "namespace": .string, "operation": .string, "userInfo": UserInfo.declared,
                "dryRun": .bool, "options": .dyn,
            ])
    }()

    private static let namespace: DeclaredType = {
        let condition = DeclaredType.object(
            "kubernetes.NamespaceCondition",
            ["status": .string, "type": .string, "lastTransitionTime": .timestamp, "message": .string, "reason": .string])
        let metadata = DeclaredType.object(
            "kubernetes.NamespaceMetadata",
            [
                "name": .string, "generateName": .string, "namespace": .string, "labels": .map(of: .string),
                "annotations": .map(of: .string), "UID": .string, "creationTimestamp": .timestamp, "deletionGracePeriodSeconds": .int,
                "deletionTimestamp": .timestamp, "generation": .int, "resourceVersion": .string, "finalizers": strings,
            ])
        return .object(
            "kubernetes.Namespace",
            [
                "metadata": metadata, "spec": .object("kubernetes.NamespaceSpec", ["finalizers": strings]),
                "status": .object("kubernetes.NamespaceStatus", ["conditions": .list(of: condition), "phase": .string]),
            ])
    }()
}

/// One compiled expression, or why it is none.
struct AdmissionExpression: Sendable {
    let text: String
    private let compiled: Result<Program, CompilationError>

    init(_ text: String, in environment: Environment) {
        self.text = text
        do throws(CompilationError) {
            compiled = .success(try ExpressionMetrics.shared.compiling { () throws(CompilationError) in try environment.compile(text) })
        } catch {
            compiled = .failure(error)
        }
    }

    /// What it evaluates to, as the checker knows it.
    var type: CELType? { try? compiled.get().type }

    /// What is wrong with it, as the API reports it: it does not compile, or does not come to one of `types`.
    func problem(_ types: [CELType]) -> String? {
        switch compiled {
        case .failure(let error): return error.description
        case .success(let program):
            if types.contains(program.type) || types.contains(.any) { return nil }
            return types.count == 1
                ? "must evaluate to \(types[0]) but got \(program.type)"
                : "must evaluate to one of [\(types.map(\.description).joined(separator: " "))] but got \(program.type)"
        }
    }

    /// Why evaluation ended without a value.
    enum Failure: Error {
        /// Of this expression, and why, without naming it.
        case expression(String, cause: String)
        /// It is none.
        case compilation(String)
        /// No other is evaluated either.
        case budget(String)

        var message: String {
            switch self {
            case .expression(let message, _), .compilation(let message), .budget(let message): message
            }
        }

        var reason: String {
            switch self {
            case .expression(_, let cause): cause
            case .compilation(let message), .budget(let message): message
            }
        }
    }

    static let outOfBudget = "validation failed due to running out of cost budget, no further validation rules will be run"

    /// Evaluates again when it turned out that somebody has to be asked whether the user may do something.
    ///
    /// - Parameter remaining: what all evaluations for one request may still cost.
    func evaluate(_ input: ExpressionInput, remaining: inout UInt64) async throws(Failure) -> CELValue {
        while true {
            var left = remaining
            let result: Result<CELValue, Failure>
            do throws(Failure) { result = .success(try evaluateNow(input, remaining: &left)) } catch { result = .failure(error) }
            if await input.authorizer.askOpen() {
                input.composed?.forget()
                continue
            }
            remaining = left
            return try result.get()
        }
    }

    fileprivate func evaluateNow(_ input: ExpressionInput, remaining: inout UInt64) throws(Failure) -> CELValue {
        let program: Program
        switch compiled {
        case .success(let found): program = found
        case .failure(let error): throw .compilation("compilation error: \(error)")
        }
        var budget = Budget(limit: min(CostLimit.perCall, max(remaining, 1)))
        let result: Result<CELValue, EvaluationError>
        do throws(EvaluationError) {
            result = .success(
                try ExpressionMetrics.shared.evaluating { () throws(EvaluationError) in
                    try program.evaluate(input.variables, budget: &budget)
                })
        } catch {
            result = .failure(error)
        }
        let cost = budget.spent.addingReportingOverflow(input.composed?.takeCost() ?? 0)
        guard !cost.overflow, cost.partialValue <= remaining else {
            remaining = 0
            throw .budget(Self.outOfBudget)
        }
        remaining -= cost.partialValue
        switch result {
        case .success(let value): return value
        case .failure(let error): throw .expression("expression '\(text)' resulted in error: \(error.message)", cause: error.message)
        }
    }
}

/// The values that expressions name, for one request as one version shows it.
struct ExpressionInput: Sendable {
    private(set) var variables: Variables
    private(set) var composed: ComposedVariables?
    fileprivate let authorizer: RequestAuthorizer

    /// - Parameters:
    ///   - object: in `storage`'s version already.
    ///   - review: what `ReviewRequest` says of the request.
    init(object: Value, old: Value, review: Value, _ request: AdmissionRequest) {
        authorizer = RequestAuthorizer(request)
        let target = request.target
        variables = [
            "object": CELValue(object), "oldObject": CELValue(old), "request": CELValue(review),
            "namespaceObject": CELValue(Self.namespace(request)), "authorizer": .authorizer(authorizer),
            "authorizer.requestResource": .resourceCheck(
                authorizer,
                AuthorizationResource(
                    group: target.type.group, resource: target.type.name, subresource: target.subresource,
                    namespace: request.namespaceName, name: target.name)),
        ]
    }

    /// The same with parameters, `.null` for none, and with variables of its own.
    func with(params: Value, _ definitions: [(name: String, expression: AdmissionExpression)]) -> ExpressionInput {
        var input = self
        input.variables["params"] = CELValue(params)
        let composed = ComposedVariables(definitions, input)
        input.composed = composed
        input.variables["variables"] = .map(MapValue(composed))
        return input
    }

    fileprivate func with(_ composed: ComposedVariables) -> ExpressionInput {
        var input = self
        input.variables["variables"] = .map(MapValue(composed))
        return input
    }

    private static func namespace(_ request: AdmissionRequest) -> Value {
        guard !request.target.namespace.isEmpty, request.target.storage.collection != "/namespaces",
            let found = request.registry.latest("/namespaces", name: request.target.namespace)?.value
        else { return .null }
        var namespace = found
        for field in ["managedFields", "ownerReferences", "selfLink"] { namespace["metadata"][field] = .null }
        return namespace
    }
}

/// The variables of a policy: each is evaluated when an expression first names it, and may name those before it.
final class ComposedVariables: LazyFields {
    private struct State {
        var values: [String: Result<CELValue, EvaluationError>] = [:]
        var cost: UInt64 = 0
    }

    let names: [String]
    private let definitions: [String: AdmissionExpression]
    private let input: ExpressionInput
    private let state = Mutex(State())

    init(_ definitions: [(name: String, expression: AdmissionExpression)], _ input: ExpressionInput) {
        names = definitions.map(\.name)
        self.definitions = Dictionary(definitions.map { ($0.name, $0.expression) }, uniquingKeysWith: { $1 })
        self.input = input
    }

    func field(_ name: String) throws(EvaluationError) -> CELValue? {
        guard let definition = definitions[name] else { return nil }
        if let known = state.withLock({ $0.values[name] }) { return try known.get() }
        var remaining = CostLimit.perCall
        let result: Result<CELValue, EvaluationError>
        do throws(AdmissionExpression.Failure) {
            result = .success(try definition.evaluateNow(input.with(self), remaining: &remaining))
        } catch {
            result = .failure(EvaluationError("composited variable \"\(name)\" fails to evaluate: \(error.reason)"))
        }
        state.withLock { state in
            state.values[name] = result
            state.cost = state.cost.addingReportingOverflow(CostLimit.perCall - remaining).partialValue
        }
        return try result.get()
    }

    /// Evaluates all anew when they are next named.
    func forget() { state.withLock { $0 = State() } }

    /// What was spent since this was last asked.
    func takeCost() -> UInt64 {
        state.withLock { state in
            defer { state.cost = 0 }
            return state.cost
        }
    }
}

/// Answers expressions that ask what the user of the request may do. An expression is evaluated without waiting for anybody: what only
/// somebody else knows stays open, is asked afterwards, and is known when the expression is evaluated again.
private final class RequestAuthorizer: ExpressionAuthorizer {
    private struct State {
        var known: [Attributes: Decision] = [:]
        var open: Set<Attributes> = []
    }

    private let chain: AuthorizerChain
    private let user: UserInfo
    private let state = Mutex(State())

    init(_ request: AdmissionRequest) {
        chain = request.registry.authorizer
        user = request.user
    }

    func authorize(_ query: AuthorizationQuery) -> AuthorizationAnswer {
        let asked = query.serviceAccount.map { UserInfo.serviceAccount(namespace: $0.namespace, name: $0.name).authenticated } ?? user
        let attributes =
            switch query.target {
            case .path(let path): Attributes(user: asked, verb: query.verb, path: path)
            case .resource(let resource):
                Attributes(
                    user: asked, verb: query.verb, group: resource.group, resource: resource.resource, subresource: resource.subresource,
                    namespace: resource.namespace, name: resource.name)
            }
        let decision = state.withLock { state -> Decision? in
            if let known = state.known[attributes] ?? chain.decide(attributes) { return known }
            state.open.insert(attributes)
            return nil
        }
        return switch decision {
        case .allow(let reason): AuthorizationAnswer(isAllowed: true, reason: reason)
        case .pass(let reason), .deny(let reason): AuthorizationAnswer(isAllowed: false, reason: reason)
        case .fail(let problem, isDenied: _): AuthorizationAnswer(isAllowed: false, reason: "", error: problem)
        case nil: AuthorizationAnswer(isAllowed: false, reason: "")
        }
    }

    /// Asks what is open. Whether there was anything.
    func askOpen() async -> Bool {
        let open = state.withLock { state in
            defer { state.open = [] }
            return state.open
        }
        for attributes in open {
            let decision = await chain.authorize(attributes)
            state.withLock { $0.known[attributes] = decision }
        }
        return !open.isEmpty
    }
}
