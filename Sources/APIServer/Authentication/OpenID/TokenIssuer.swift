import APIModel
import CEL
import OrderedCollections
import PKI

/// Somebody else whose tokens are believed here.
struct TokenIssuer: Sendable {
    private let settings: IssuerSettings
    private let checks: TokenChecks
    let keys: IssuerKeys
    private let distributed: DistributedClaims?

    init(_ settings: IssuerSettings, _ algorithms: Set<SigningAlgorithm>, _ now: @escaping @Sendable () -> Whole) {
        self.settings = settings
        checks = TokenChecks(audiences: settings.audiences, algorithms: algorithms, now: now)
        let documents = RemoteDocument(authorities: settings.authorities)
        keys = IssuerKeys(issuer: settings.url, discoveryURL: settings.discoveryURL, documents)
        distributed =
            if case .claim(let claim, _)? = settings.mappings.groups { DistributedClaims(claim, checks, documents) } else { nil }
    }

    /// - Throws: when the issuer does not say where its keys are.
    func discover() async throws { try await keys.discover() }

    /// Whose token it is.
    /// - Throws: why it is not believed.
    func user(of token: JSONWebToken) async throws -> UserInfo {
        try await checks.check(token, keys)
        let claims = try await distributed?.complete(token.payload) ?? token.payload
        let user = try settings.mappings.user(claims)
        for (name, wanted) in settings.requiredClaims {
            guard let value = claims.fields[name] else { throw TokenProblem("required claim \(name) not present in ID token") }
            guard let text = value.string else { throw TokenProblem("parse claim \(name): not a string") }
            guard text == wanted else {
                throw TokenProblem("required claim \(name) value does not match. Got = \(text), want = \(wanted)")
            }
        }
        let variables = ClaimFields(claims).variables
        for rule in settings.claimRules where try rule.isBroken(variables) {
            throw TokenProblem("error evaluating claim validation expression: \(rule.complaint)")
        }
        let told = settings.userRules.isEmpty ? [:] : user.variables
        for rule in settings.userRules where try rule.isBroken(told) {
            throw TokenProblem("error evaluating user info validation rule: \(rule.complaint)")
        }
        return user
    }
}

extension IssuerSettings.Rule {
    fileprivate func isBroken(_ variables: Variables) throws -> Bool {
        if case .bool(true) = try expression.evaluate(variables) { false } else { true }
    }

    fileprivate var complaint: String { "validation expression '\(expression.text)' failed: \(message)" }
}
