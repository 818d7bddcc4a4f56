import APIModel
import CEL
import OrderedCollections

/// A ValidatingAdmissionPolicy or a MutatingAdmissionPolicy, compiled.
struct AdmissionPolicy: Sendable {
    struct Check: Sendable {
        let expression: AdmissionExpression
        /// `nil` where there is none.
        let messageExpression: AdmissionExpression?
        let message: String
        let reason: APIError.Reason
    }

    struct Mutation: Sendable {
        enum Kind: Sendable { case applyConfiguration, jsonPatch }
        let kind: Kind
        let expression: AdmissionExpression
    }

    let name: String
    let failsClosed: Bool
    let paramKind: GroupVersionKind?
    let matcher: Result<RequestMatcher, APIError>
    let conditions: MatchConditions
    let variables: [(name: String, expression: AdmissionExpression)]
    let checks: [Check]
    let annotations: [(key: String, expression: AdmissionExpression)]
    let mutations: [Mutation]
    let isReinvoked: Bool

    init(_ policy: Value) {
        let spec = policy["spec"]
        name = policy["metadata"]["name"].string ?? ""
        failsClosed = spec["failurePolicy"].string != "Ignore"
        isReinvoked = spec["reinvocationPolicy"].string == "IfNeeded"
        let hasParams = !spec["paramKind"].isNull
        paramKind = GroupVersionKind(of: spec["paramKind"])
        do throws(APIError) {
            matcher = .success(try RequestMatcher(spec["matchConstraints"], rules: "resourceRules"))
        } catch {
            matcher = .failure(error)
        }
        conditions = MatchConditions(
            spec["matchConditions"], in: AdmissionEnvironment.with(params: hasParams),
            of: .init(name: name, kind: "policy", type: "validate"))
        variables = Self.compose(spec["variables"]) { AdmissionEnvironment.with(params: hasParams, variables: $0) }
        let types = Self.types(of: variables)
        let environment = AdmissionEnvironment.with(params: hasParams, variables: types)
        let messages = AdmissionEnvironment.with(params: hasParams, authorizer: false, variables: types)
        checks = spec["validations"].elements.map { check in
            Check(
                expression: AdmissionExpression(check["expression"].string ?? "", in: environment),
                messageExpression: check["messageExpression"].string.flatMap { text in
                    text.isEmpty ? nil : AdmissionExpression(text, in: messages)
                },
                message: check["message"].string ?? "", reason: check["reason"].string.map(APIError.Reason.init(rawValue:)) ?? .invalid)
        }
        annotations = spec["auditAnnotations"].elements.map { annotation in
            (
                annotation["key"].string ?? "",
                AdmissionExpression((annotation["valueExpression"].string ?? "").trimmingWhitespace, in: environment)
            )
        }
        let patches = AdmissionEnvironment.with(params: hasParams, variables: types, patches: true)
        mutations = spec["mutations"].elements.map { mutation in
            let isPatch = mutation["patchType"].string == "JSONPatch"
            let text = mutation[isPatch ? "jsonPatch" : "applyConfiguration"]["expression"].string ?? ""
            return Mutation(
                kind: isPatch ? .jsonPatch : .applyConfiguration, expression: AdmissionExpression(text.trimmingWhitespace, in: patches))
        }
    }

    /// Compiles variables in their order: each may name those before it.
    static func compose(
        _ variables: Value, in environment: ([String: DeclaredType]) -> Environment
    ) -> [(name: String, expression: AdmissionExpression)] {
        var composed: [(name: String, expression: AdmissionExpression)] = []
        for variable in variables.elements {
            let expression = AdmissionExpression(variable["expression"].string ?? "", in: environment(types(of: composed)))
            composed.append((variable["name"].string ?? "", expression))
        }
        return composed
    }

    static func types(of variables: [(name: String, expression: AdmissionExpression)]) -> [String: DeclaredType] {
        Dictionary(variables.map { ($0.name, $0.expression.type.map { .opaque($0) } ?? .dyn) }, uniquingKeysWith: { $1 })
    }
}

/// What binds a policy to requests.
struct AdmissionPolicyBinding: Sendable {
    let name: String
    let policyName: String
    /// `.null` where there is none.
    let paramRef: Value
    let matcher: Result<RequestMatcher, APIError>
    let actions: [String]

    init(_ binding: Value) {
        let spec = binding["spec"]
        name = binding["metadata"]["name"].string ?? ""
        policyName = spec["policyName"].string ?? ""
        paramRef = spec["paramRef"]
        actions = spec["validationActions"].elements.compactMap(\.string)
        do throws(APIError) {
            matcher = .success(try RequestMatcher(spec["matchResources"], rules: "resourceRules", isOpen: true))
        } catch {
            matcher = .failure(error)
        }
    }
}

extension String {
    var trimmingWhitespace: String {
        var text = Substring(self)
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
