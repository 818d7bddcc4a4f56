import APIModel
import CEL
import OrderedCollections
import PKI

/// `claimMappings`: who the owner of a token is here.
struct ClaimMappings: Sendable {
    /// Where a name, or names, come from.
    enum Source: Sendable {
        case claim(String, prefix: String)
        case expression(ClaimExpression)
    }

    var username: Source
    var groups: Source?
    var uid: Source?
    var extra: [(key: String, value: ClaimExpression)]

    /// - Throws: `TokenProblem` when the claims do not tell who it is.
    func user(_ claims: Value) throws -> UserInfo {
        let variables = ClaimFields(claims).variables
        var user = UserInfo(name: try name(claims, variables))
        user.groups = try groups(claims, variables)
        user.uid = try uid(claims, variables)
        if let id = claims["jti"].string, !id.isEmpty { user.extra["authentication.kubernetes.io/credential-id"] = ["JTI=\(id)"] }
        for (key, expression) in extra {
            let values = try Self.named("extra") { try expression.strings(variables) }
            if !values.isEmpty { user.extra[key] = values }
        }
        return user
    }

    private static func named<T>(_ what: String, _ body: () throws -> T) throws -> T {
        do { return try body() } catch { throw TokenProblem("error evaluating \(what) claim expression: \(error)") }
    }

    private func name(_ claims: Value, _ variables: Variables) throws -> String {
        switch username {
        case .expression(let expression):
            let name = try Self.named("username") {
                guard case .string(let name) = try expression.evaluate(variables) else {
                    throw TokenProblem("username claim expression must return a string")
                }
                return name
            }
            guard !name.isEmpty else { throw TokenProblem("empty username via CEL expression is not allowed") }
            return name
        case .claim(let claim, let prefix):
            let name = try Self.text(claim, claims, "username")
            guard !name.isEmpty else { throw TokenProblem("parse username claims \(FieldError.quoted(claim)): it is empty") }
            if claim == "email", let isVerified = claims.fields["email_verified"] {
                guard let isVerified = isVerified.bool else { throw TokenProblem("parse 'email_verified' claim: neither true nor false") }
                guard isVerified else { throw TokenProblem("email not verified") }
            }
            return prefix + name
        }
    }

    private func groups(_ claims: Value, _ variables: Variables) throws -> [String] {
        switch groups {
        case nil: return []
        case .expression(let expression): return try Self.named("group") { try expression.strings(variables) }
        case .claim(let claim, let prefix):
            switch claims[claim] {
            case .null: return []
            case .string(let name): return [prefix + name]
            case .array(let names):
                return try names.map { name in
                    guard let name = name.string else { throw Self.notText("groups", claim, "neither a string nor a list of strings") }
                    return prefix + name
                }
            default: throw Self.notText("groups", claim, "neither a string nor a list of strings")
            }
        }
    }

    private func uid(_ claims: Value, _ variables: Variables) throws -> String {
        switch uid {
        case nil: return ""
        case .claim(let claim, _): return try Self.text(claim, claims, "uid")
        case .expression(let expression):
            return try Self.named("uid") {
                guard case .string(let uid) = try expression.evaluate(variables) else {
                    throw TokenProblem("uid claim expression must return a string")
                }
                return uid
            }
        }
    }

    private static func text(_ claim: String, _ claims: Value, _ what: String) throws -> String {
        guard let value = claims.fields[claim] else { throw notText(what, claim, "claim not present") }
        guard let text = value.string else { throw notText(what, claim, "not a string") }
        return text
    }

    private static func notText(_ what: String, _ claim: String, _ why: String) -> TokenProblem {
        TokenProblem("parse \(what == "username" ? "username claims" : "\(what) claim") \(FieldError.quoted(claim)): \(why)")
    }
}
