import Synchronization

@testable import Store

/// A log in memory that several stores write to, as several API servers write to one etcd: one revision for each transaction, and changes
/// that arrive by themselves, as late as a test wants them to.
final class SharedLog: Sendable {
    private struct State {
        var revision: UInt64 = 1
        var records: [RecordKey: Record] = [:]
        var followers: [AsyncStream<Transaction>.Continuation] = []
        /// What is held back, while it is.
        var held: [Transaction]?

        func tell(_ transaction: Transaction) { for follower in followers { follower.yield(transaction) } }
    }

    struct Transaction: Sendable {
        var revision: UInt64
        var changes: [Change]
    }

    private let state = Mutex(State())

    var revision: UInt64 { state.withLock(\.revision) }

    /// An engine for one more store.
    func engine() -> LogEngine { LogEngine(self) }

    /// Nothing arrives anywhere until `deliver`.
    func hold() { state.withLock { $0.held = [] } }

    func deliver() {
        state.withLock { state in
            for transaction in state.held ?? [] { state.tell(transaction) }
            state.held = nil
        }
    }

    /// Commits those that are accepted, all at one revision.
    @discardableResult
    func commit(_ mutations: [Mutation]) -> [Mutation.Outcome] {
        state.withLock { state in
            var changes: [Change] = []
            let outcomes = mutations.map { mutation -> Mutation.Outcome in
                let current = state.records[mutation.key]
                guard mutation.accepts(current) else { return .refused(state.revision) }
                let change = mutation.applied(to: current, at: state.revision + 1)
                state.records[mutation.key] = change.isDeletion ? nil : change.record
                changes.append(change)
                return .committed(change.record)
            }
            guard !changes.isEmpty else { return outcomes }
            state.revision += 1
            let transaction = Transaction(revision: state.revision, changes: changes)
            if state.held == nil { state.tell(transaction) } else { state.held?.append(transaction) }
            return outcomes
        }
    }

    fileprivate func follow() -> (Snapshot, AsyncStream<Transaction>) {
        let (stream, continuation) = AsyncStream<Transaction>.makeStream()
        return state.withLock { state in
            state.followers.append(continuation)
            var records: [String: [Record]] = [:]
            for record in state.records.values.sorted(by: { $0.key < $1.key }) {
                records[record.key.collection, default: []].append(record)
            }
            return (Snapshot(revision: state.revision, records: records), stream)
        }
    }
}

/// The engine of one of the stores that share a log.
final class LogEngine: Engine {
    private let log: SharedLog
    private var stream: AsyncStream<SharedLog.Transaction>?
    private var telling: Task<Void, Never>?

    init(_ log: SharedLog) { self.log = log }

    func load() throws(StoreError) -> Snapshot {
        let (snapshot, stream) = log.follow()
        self.stream = stream
        return snapshot
    }

    func follow(_ tell: @escaping @Sendable ([Change], UInt64) -> Void) {
        guard let stream else { return }
        telling = Task {
            // Read anew from the bytes: what came over a network brings no more along.
            for await transaction in stream {
                tell(transaction.changes.map { Change(record: $0.record.fromBytes, isDeletion: $0.isDeletion) }, transaction.revision)
            }
        }
    }

    func commit(_ mutations: [Mutation]) throws(StoreError) -> [Mutation.Outcome] { log.commit(mutations) }
    func tend(_ occasion: Occasion) {}
    func close() { telling?.cancel() }
}

extension Record {
    fileprivate var fromBytes: Record {
        Record(key: key, bytes: bytes, revision: revision, createRevision: createRevision, revisionOffset: revisionOffset)
    }
}
