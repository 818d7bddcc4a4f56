internal import CLinux
internal import Glibc
internal import PluginHost

/// A network namespace for one test.
enum OwnNetwork {
    /// Runs `body`, which may block, on a thread that sees an empty network with loopback up, and so do the threads it starts. Nothing of the machine's is touched.
    /// - Throws: `NotOffered` where the system does not allow that.
    static func run<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        try await onOwnThread {
            guard apus_leave_network() == 0 else { throw NotOffered("a network namespace of its own needs root: \(String(cString: strerror(errno)))") }
            return try body()
        }
    }
}
