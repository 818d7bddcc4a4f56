internal import PluginKit

/// The error of a refused CRI call.
typealias CRIError = RuntimeError

extension CRIError {
    private static let names = [
        "OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists", "PermissionDenied",
        "ResourceExhausted", "FailedPrecondition",
        "Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated",
    ]

    /// From gRPC's number of a status.
    init(status: Int, message: String) {
        self.init(code: Self.names.indices.contains(status) ? Self.names[status] : "Unknown", message: message)
    }

    /// Whether the same call may do better a moment later.
    var isTransient: Bool { ["Unavailable", "DeadlineExceeded", "Unknown"].contains(code) }
}
