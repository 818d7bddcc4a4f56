internal import PluginKit

/// The error of a refused CRI call.
typealias CRIError = RuntimeError

extension CRIError {
    /// From gRPC's number of a status.
    init(status: Int, message: String) { self.init(Code(rawValue: Int32(clamping: status)), message) }

    /// Whether the same call may do better a moment later.
    var isTransient: Bool { [.unavailable, .deadlineExceeded, .unknown].contains(code) }
}
