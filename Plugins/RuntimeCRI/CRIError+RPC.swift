internal import GRPCCore
internal import PluginKit

extension CRIError {
    private static let names = [
        "OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists", "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
        "Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated",
    ]

    /// What a call threw, in gRPC's words.
    init(_ error: any Error) {
        switch error {
        case let error as RPCError:
            let cause = error.cause.map { error.message.isEmpty ? "\($0)" : " (\($0))" } ?? ""
            self.init(code: Self.names.indices.contains(error.code.rawValue) ? Self.names[error.code.rawValue] : "Unknown", message: error.message + cause)
        case let error as CRIError: self = error
        case is CancellationError: self.init(code: "Canceled", message: "the runtime plugin is stopping")
        default: self.init(code: "Unavailable", message: String(describing: error))
        }
    }

    /// Whether the same call may do better a moment later.
    var isTransient: Bool { ["Unavailable", "DeadlineExceeded", "Unknown"].contains(code) }
}
