import APIModel
import Logging
import NIOPosix
import Synchronization

/// Writes events to a file, a line each, on a thread that may wait for the disk: what comes while a write is under way is written together
/// by the next one. Safe from any task.
final class AuditLog: AuditSink {
    /// An event that is being written.
    struct Ticket: Sendable {
        fileprivate let log: AuditLog
        fileprivate let number: Int

        /// Returns when it is written, or could not be.
        func wait() async { await log.wait(for: number) }
    }

    private struct State {
        var pending: [[UInt8]] = []
        var begun = 0
        var done = 0
        var isWriting = false
        var waiters: [(number: Int, continuation: CheckedContinuation<(any Error)?, Never>)] = []
    }

    private let file: RotatedFile
    private let format: AuditConfiguration.Format
    private let isCompressed: Bool
    private let metrics: AuditMetrics
    private let log: Logger
    private let state = Mutex(State())

    /// - Throws: `RotatedFile.Problem` for a file that cannot be written.
    init(_ configuration: AuditConfiguration.Log, _ metrics: AuditMetrics, _ log: Logger) throws {
        file = RotatedFile(configuration)
        format = configuration.format
        isCompressed = configuration.isCompressed
        self.metrics = metrics
        self.log = log
        try file.prepare()
        compress()
    }

    func encode(_ event: AuditEvent) -> [UInt8] {
        var line = format == .json ? event.json : Array(event.legacy.utf8)
        line.append(UInt8(ascii: "\n"))
        return line
    }

    func begin(_ event: [UInt8]) -> Ticket? { Ticket(log: self, number: append([event])) }

    func write(_ events: [[UInt8]]) async throws {
        guard !events.isEmpty else { return }
        // Who waits is there before the write is, and so hears how that ended.
        let problem = await withCheckedContinuation { (continuation: CheckedContinuation<(any Error)?, Never>) in
            _ = append(events, waiter: continuation)
        }
        if let problem { throw problem }
    }

    func settle() async { await wait(for: state.withLock(\.begun)) }

    /// The number of the last one.
    private func append(_ events: [[UInt8]], waiter: CheckedContinuation<(any Error)?, Never>? = nil) -> Int {
        let (number, isFirst) = state.withLock { state in
            state.pending += events
            state.begun += events.count
            if let waiter { state.waiters.append((state.begun, waiter)) }
            defer { state.isWriting = true }
            return (state.begun, !state.isWriting)
        }
        if isFirst { NIOThreadPool.singleton.submit { _ in self.drain() } }
        return number
    }

    private func wait(for number: Int) async {
        _ = await withCheckedContinuation { (continuation: CheckedContinuation<(any Error)?, Never>) in
            let isDone = state.withLock { state in
                if state.done < number { state.waiters.append((number, continuation)) }
                return state.done >= number
            }
            if isDone { continuation.resume(returning: nil) }
        }
    }

    /// Takes its time, while lines are written.
    private func compress() {
        guard isCompressed else { return }
        NIOThreadPool.singleton.submit { _ in
            do { try self.file.compress() } catch { self.log.error("audit files stay as they are: \(error)") }
        }
    }

    /// Writes until nothing is left.
    private func drain() {
        while true {
            let lines = state.withLock { state in
                defer { state.pending = [] }
                if state.pending.isEmpty { state.isWriting = false }
                return state.pending
            }
            guard !lines.isEmpty else { return }
            var problem: (any Error)?
            do {
                if try file.write(lines) { compress() }
            } catch {
                problem = error
                metrics.lost(lines.count, by: "log")
                log.error("audit events are lost: \(error)", metadata: ["lost": "\(lines.count)"])
            }
            let waiters = state.withLock { state in
                state.done += lines.count
                let waiters = state.waiters.filter { $0.number <= state.done }
                state.waiters.removeAll { $0.number <= state.done }
                return waiters
            }
            for waiter in waiters { waiter.continuation.resume(returning: problem) }
        }
    }
}
