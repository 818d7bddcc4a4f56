internal import CLinux
internal import Dispatch
internal import Glibc
internal import PluginHost
internal import Synchronization

/// A thread in a network namespace of its own, with loopback up (127.0.0.1 and 10.0.0.1) and nothing else. What it starts is there, too:
/// nothing of the machine's is touched.
final class OwnNetwork: Sendable {
    private let jobs = Mutex<[@Sendable () -> Void]>([])
    private let work = DispatchSemaphore(value: 0)

    /// - Throws: `NotOffered` where the system does not allow it. `end` must follow, once.
    init() async throws {
        startThread(name: "own-network") { [self] in
            while true {
                work.wait()
                guard let job = jobs.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else { return }
                job()
            }
        }
        do {
            try await run {
                guard apus_leave_network() == 0 else {
                    throw NotOffered("a network namespace of its own needs root: \(String(cString: strerror(errno)))")
                }
            }
        } catch {
            end()
            throw error
        }
    }

    /// Runs `body`, which may block, on the thread.
    func run<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            jobs.withLock { $0.append { continuation.resume(with: Result { try body() }) } }
            work.signal()
        }
    }

    /// Ends the thread after what was asked for.
    func end() { work.signal() }

    /// Runs `body` on such a thread.
    static func run<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        let network = try await OwnNetwork()
        defer { network.end() }
        return try await network.run(body)
    }

    /// The namespace of a thread or process, to compare.
    static func name(of task: String) -> String {
        var bytes = [CChar](repeating: 0, count: 256)
        let count = readlink("/proc/\(task)/ns/net", &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
