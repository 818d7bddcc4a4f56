import CSQLite
import Glibc

/// An SQLite database as the engine of a store, which is its only writer: one row per object and one for the revision.
///
/// An object's row has the revision that created it as its id: unique, in order of age, and known to whoever holds the record, so that no
/// index is kept on disk. Used by one thread at a time.
final class SQLiteEngine: Engine {
    private let database: Database
    private let lock: LockFile
    private let checkpointPages: Int
    private let rows: Rows
    private var statements: Statements?
    /// The newest that is committed.
    private var committed: UInt64 = 0
    /// The last that was given out. That of a transaction that failed is not given out again.
    private var revision: UInt64 = 0
    private var tell: @Sendable ([Change], UInt64) -> Void = { _, _ in }

    private struct Statements {
        let begin: Statement
        let commit: Statement
        let put: Statement
        let delete: Statement
        let setRevision: Statement
    }

    /// Opens or makes the database at `path` and keeps it for itself until `close`. Leaves a file that is damaged or not ours as it is.
    init(path: String, options: Options) throws(StoreError) {
        lock = try LockFile(path + ".lock", of: path)
        let isNew = try FileHeader.check(path)
        database = try Database(path: path)
        checkpointPages = options.checkpointPages
        rows = Rows(transformer: options.transformer)
        try leavingAlone { () throws(StoreError) in try database.prepareForUse(isNew: isNew, maximumSize: options.maximumSize) }
    }

    /// A file in which something is wrong is closed as it is.
    private func leavingAlone<T>(_ body: () throws(StoreError) -> T) throws(StoreError) -> T {
        do throws(StoreError) {
            return try body()
        } catch {
            database.abandon()
            throw error
        }
    }

    func load() throws(StoreError) -> Snapshot {
        let snapshot = try leavingAlone { () throws(StoreError) in
            let snapshot = try rows.load(database)
            statements = Statements(
                begin: try database.statement("BEGIN IMMEDIATE"), commit: try database.statement("COMMIT"),
                put: try database.statement(Rows.put), delete: try database.statement("DELETE FROM records WHERE id = ?1"),
                setRevision: try database.statement("UPDATE meta SET value = ?1 WHERE name = 'revision'"))
            return snapshot
        }
        committed = snapshot.revision
        revision = snapshot.revision
        return snapshot
    }

    func follow(_ tell: @escaping @Sendable ([Change], UInt64) -> Void) { self.tell = tell }

    /// As nobody else writes and all is told before this returns, what the store knows is what there is.
    func commit(_ mutations: [Mutation]) throws(StoreError) -> [Mutation.Outcome] {
        var changes: [Change] = []
        changes.reserveCapacity(mutations.count)
        var outcomes: [Mutation.Outcome] = []
        outcomes.reserveCapacity(mutations.count)
        for mutation in mutations {
            guard mutation.accepts(mutation.known) else {
                outcomes.append(.refused(committed))
                continue
            }
            revision += 1
            let change = mutation.applied(to: mutation.known, at: revision)
            changes.append(change)
            outcomes.append(.committed(change.record))
        }
        guard !changes.isEmpty else { return outcomes }
        try write(changes)
        committed = revision
        tell(changes, revision)
        return outcomes
    }

    /// Writes all or nothing. When this returns, the changes survive a loss of power.
    private func write(_ changes: [Change]) throws(StoreError) {
        guard let statements else { preconditionFailure("a commit before the engine was loaded") }
        do throws(StoreError) {
            try statements.begin.run()
            for change in changes {
                if change.isDeletion {
                    try statements.delete.run(.integer(change.record.createRevision))
                } else {
                    try rows.write(change.record, statements.put)
                }
            }
            try statements.setRevision.run(.integer(revision))
            try statements.commit.run()
        } catch {
            database.rollBack()
            throw error
        }
    }

    func tend(_ occasion: Occasion) {
        switch occasion {
        // Neither the log nor the time to open the store may grow without bound.
        case .committed: if database.logPages >= checkpointPages { database.checkpoint() }
        case .quiet: if database.logPages > 0 { database.checkpoint() }
        // Pages that deletions have freed go back to the file system, some at a time.
        case .regular: database.releaseFreePages(4_096)
        }
    }

    func close() {
        // A statement that is not finalized keeps the file open.
        statements = nil
        database.close()
        lock.release()
    }
}
