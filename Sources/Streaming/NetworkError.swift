/// Why a server could not start or a dial did not succeed: one sentence for the operator.
public struct NetworkError: Error, CustomStringConvertible {
    public var message: String
    public var cause: (any Error)?
    public init(_ message: String, cause: (any Error)? = nil) {
        self.message = message
        self.cause = cause
    }
    public var description: String { message }
}
