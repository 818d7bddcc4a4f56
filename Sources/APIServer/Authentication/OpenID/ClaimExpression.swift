import APIModel
import CEL
import OrderedCollections

/// An expression about what a token says, or about the user that was made of it.
struct ClaimExpression: Sendable {
    let text: String
    private let program: Program

    static let claims = Environment.kubernetes.with([Variable("claims", .map(of: .any))])
    private static let user = Environment.kubernetes.with([Variable("user", UserInfo.declared)])

    /// - Throws: `ConfigurationProblem` that says what is wrong with it, unless it compiles and comes to a value of the type.
    private init(_ text: String, in environment: Environment, _ type: CELType?) throws {
        self.text = text
        do { program = try environment.compile(text) } catch { throw ConfigurationProblem("\(error)") }
        if let type, program.type != type { throw ConfigurationProblem("must evaluate to \(type)") }
    }

    /// What a claim is mapped to.
    static func mapping(_ text: String) throws -> ClaimExpression { try ClaimExpression(text, in: claims, nil) }
    /// What must be true of the claims.
    static func claimRule(_ text: String) throws -> ClaimExpression { try ClaimExpression(text, in: claims, .bool) }
    /// What must be true of the user.
    static func userRule(_ text: String) throws -> ClaimExpression { try ClaimExpression(text, in: user, .bool) }

    func evaluate(_ variables: Variables) throws -> CELValue {
        var budget = Budget()
        do {
            return try program.evaluate(variables, budget: &budget)
        } catch {
            throw TokenProblem("expression '\(text)' resulted in error: \(error.message)")
        }
    }

    /// The strings that a list, or a string, comes to; those that are empty are left out, and null is none.
    func strings(_ variables: Variables) throws -> [String] {
        let none = TokenProblem("expression must return a string or a list of strings")
        switch try evaluate(variables) {
        case .null: return []
        case .string(let text): return text.isEmpty ? [] : [text]
        case .list(let list):
            return try list.values().map { value in
                guard case .string(let text) = value else { throw none }
                return text
            }.filter { !$0.isEmpty }
        default: throw none
        }
    }
}

/// Why a token that is of an issuer here is not believed.
struct TokenProblem: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// The claims of a token as expressions see them.
final class ClaimFields: LazyFields {
    private let claims: Value.Fields

    init(_ claims: Value) { self.claims = claims.fields }

    var names: [String] { Array(claims.keys) }

    func field(_ name: String) -> CELValue? { claims[name].map { CELValue(Self.withoutWholeNumbers($0)) } }

    /// Every number is one with a fraction: that is how upstream reads claims, and expressions can tell.
    private static func withoutWholeNumbers(_ value: Value) -> Value {
        switch value {
        case .int(let number): .double(Double(number))
        case .array(let elements): .array(elements.map(withoutWholeNumbers))
        case .object(let fields): .object(fields.mapValues(withoutWholeNumbers))
        default: value
        }
    }

    var variables: Variables { ["claims": .map(MapValue(self))] }
}

extension UserInfo {
    /// What expressions know of a user.
    static let declared = DeclaredType.object(
        "kubernetes.UserInfo",
        ["username": .string, "uid": .string, "groups": .list(of: .string), "extra": .map(of: .list(of: .string))])

    /// The user as expressions see it: every field is there.
    var variables: Variables {
        let value: Value = [
            "username": .string(name), "uid": .string(uid), "groups": Value(groups),
            "extra": extraValue,
        ]
        return ["user": CELValue(value)]
    }
}
