/// Why an expression has no value.
public struct EvaluationError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        /// Something in the expression went wrong; another term of `&&` or `||` may make up for it.
        case value
        /// The evaluation cost more than it may.
        case costLimit
        /// The task that evaluates was cancelled.
        case interrupted
    }

    public var kind: Kind
    /// As the API reports it: `no such key: x`.
    public var message: String
    public var description: String { message }

    public init(_ message: String) { self.init(.value, message) }

    private init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// Whether the evaluation ends here, whatever stands around it.
    var isFinal: Bool { kind != .value }

    static let costLimit = EvaluationError(.costLimit, "operation cancelled: actual cost limit exceeded")
    static let interrupted = EvaluationError(.interrupted, "operation interrupted")
    static let noSuchOverload = EvaluationError("no such overload")
    static let integerOverflow = EvaluationError("integer overflow")
    static let unsignedOverflow = EvaluationError("unsigned integer overflow")
    static let durationOverflow = EvaluationError("integer overflow")
    static let timestampOverflow = EvaluationError("timestamp overflow")

    static func noSuchOverload(_ function: String) -> EvaluationError { EvaluationError("no such overload: \(function)") }
    static func noSuchOverload(_ function: String, _ arguments: [CELValue]) -> EvaluationError {
        noSuchOverload("\(function)(\(arguments.map(\.typeName).joined(separator: ", ")))")
    }
    static func noSuchKey(_ key: CELValue) -> EvaluationError { EvaluationError("no such key: \(key.text)") }
    static func indexOutOfBounds(_ index: CELValue) -> EvaluationError { EvaluationError("index out of bounds: \(index.text)") }
    static func conversion(_ from: String, _ to: String) -> EvaluationError {
        EvaluationError("type conversion error from '\(from)' to '\(to)'")
    }
}
