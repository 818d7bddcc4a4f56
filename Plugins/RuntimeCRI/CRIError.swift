internal import GRPC
internal import PluginKit

/// The error of a refused CRI call.
typealias CRIError = GRPCFailure

extension RuntimeError {
    init(_ error: CRIError) { self.init(Code(rawValue: Int32(error.status)), error.message) }

    /// Whether the same call may do better a moment later.
    var isTransient: Bool { [.unavailable, .deadlineExceeded, .unknown].contains(code) }
}
