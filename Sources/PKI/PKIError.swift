/// What is wrong with a key, a certificate or its file, and what the operator can do.
public struct PKIError: Error, CustomStringConvertible {
    public var message: String
    public var cause: (any Error)?
    public init(_ message: String, cause: (any Error)? = nil) {
        self.message = message
        self.cause = cause
    }
    public var description: String { cause.map { "\(message): \($0)" } ?? message }
}
