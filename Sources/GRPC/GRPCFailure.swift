/// What a gRPC server, or the way to it, answered instead of a result.
public struct GRPCFailure: Error, Sendable, CustomStringConvertible {
    /// The name of gRPC's code: `NotFound`, `Unavailable` …
    public var code: String
    public var message: String

    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "\(code): \(message)" }

    private static let names = [
        "OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists", "PermissionDenied",
        "ResourceExhausted", "FailedPrecondition",
        "Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated",
    ]

    /// gRPC's number of the code.
    public var status: Int { Self.names.firstIndex(of: code) ?? 2 }

    /// From that number; one that gRPC does not have is `Unknown`.
    public init(status: Int, message: String) {
        self.init(code: Self.names.indices.contains(status) ? Self.names[status] : "Unknown", message: message)
    }
}
