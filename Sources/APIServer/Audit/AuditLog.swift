import APIModel
import Logging
import NIOPosix

/// Writes events to a file, a line each, on a thread of its own. No event is lost while the process lives: when the disk is slower than the
/// requests, they wait.
struct AuditLog: AuditBackend {
    /// How many events may wait.
    private static let limit = 10_000
    private static let batch = 1_000

    let queue = AuditQueue(limit: Self.limit, overflow: .wait)
    private let file: RotatedFile
    private let format: AuditConfiguration.Format

    init(_ configuration: AuditConfiguration.Log) {
        file = RotatedFile(configuration)
        format = configuration.format
    }

    func run(_ log: Logger) async {
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        // A task that is cancelled writes what is there, and ends.
        await withTaskCancellationHandler {
            while let events = await queue.take(upTo: Self.batch) {
                if let problem = await write(events, on: pool) { log.error("audit events are lost: \(problem)") }
            }
        } onCancel: {
            queue.close()
        }
        try? await pool.shutdownGracefully()
    }

    /// What went wrong.
    private func write(_ events: [AuditEvent], on pool: NIOThreadPool) async -> (any Error)? {
        await withCheckedContinuation { done in
            pool.submit { _ in
                do {
                    try file.write(events.map(line))
                    done.resume(returning: nil)
                } catch {
                    done.resume(returning: error)
                }
            }
        }
    }

    private func line(_ event: AuditEvent) -> [UInt8] {
        var line = format == .json ? JSON.encode(event.value) : Array(event.legacy.utf8)
        line.append(UInt8(ascii: "\n"))
        return line
    }
}
