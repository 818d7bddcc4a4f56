import CSQLite

/// A connection to SQLite. Used by one thread at a time.
final class Database {
    /// "Apus" in the file's header tells our databases from others'.
    static let applicationID: UInt32 = 0x4170_7573
    private static let format: Int64 = 2

    let path: String
    private let handle: OpaquePointer
    /// Pages in the write-ahead log. Written by SQLite's hook on the thread that commits.
    private let logSize: UnsafeMutablePointer<Int>

    init(path: String) throws(StoreError) {
        var handle: OpaquePointer?
        let code = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
        guard code == SQLITE_OK, let handle else {
            let reason = handle.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(code))
            sqlite3_close(handle)
            throw StoreError(code: .engine, message: "cannot open the store \(path): \(reason)")
        }
        self.path = path
        self.handle = handle
        logSize = .allocate(capacity: 1)
        logSize.initialize(to: 0)
    }

    deinit { logSize.deallocate() }

    /// Settings, checks and, for a new file, the tables.
    func prepareForUse(isNew: Bool, maximumSize: Int?) throws(StoreError) {
        // Until all is known to be well, closing must not write the log into the database.
        _ = apus_sqlite3_keep_log_on_close(handle, 1)
        try run("PRAGMA locking_mode = EXCLUSIVE")
        if isNew {
            try run("PRAGMA auto_vacuum = INCREMENTAL")
            try run("BEGIN IMMEDIATE")
            try run("PRAGMA application_id = \(Self.applicationID)")
            try run("PRAGMA user_version = \(Self.format)")
            try run("CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID")
            try run(Rows.table)
            try run("INSERT INTO meta VALUES('revision', 1)")
            try run("COMMIT")
        }
        let version = try integer("PRAGMA user_version")
        guard version == Self.format else {
            throw StoreError(
                code: .engine,
                message:
                    "the store \(path) has format \(version ?? 0), this version of Apus reads format \(Self.format): use the version that wrote it; it was left as it is"
            )
        }
        guard try text("PRAGMA journal_mode = WAL") == "wal" else {
            throw StoreError(code: .engine, message: "the store \(path) lies on a file system without write-ahead logs")
        }
        try run("PRAGMA synchronous = FULL")
        try run("PRAGMA secure_delete = FAST")
        try run("PRAGMA journal_size_limit = 67108864")
        if let maximumSize, let pageSize = try integer("PRAGMA page_size") {
            try run("PRAGMA max_page_count = \(max(Int64(maximumSize) / pageSize, 1))")
        }
        _ = sqlite3_wal_hook(
            handle,
            { context, _, _, pages in
                context?.assumingMemoryBound(to: Int.self).pointee = Int(pages)
                return SQLITE_OK
            }, logSize)
    }

    func statement(_ sql: String) throws(StoreError) -> Statement {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil) == SQLITE_OK, let statement else {
            throw failure()
        }
        return Statement(statement, self)
    }

    /// Runs one statement, over all its rows.
    func run(_ sql: String) throws(StoreError) {
        let statement = try statement(sql)
        while try statement.step() {}
    }

    /// The first column of the first row.
    func text(_ sql: String) throws(StoreError) -> String? {
        let statement = try statement(sql)
        return try statement.step() ? statement.text(0) : nil
    }

    func integer(_ sql: String) throws(StoreError) -> Int64? {
        let statement = try statement(sql)
        return try statement.step() ? statement.integer(0) : nil
    }

    /// What the last call failed with.
    func failure() -> StoreError {
        let code = sqlite3_extended_errcode(handle)
        let reason = String(cString: sqlite3_errmsg(handle))
        switch code & 0xff {
        case SQLITE_CORRUPT, SQLITE_NOTADB: return damaged(reason)
        case SQLITE_FULL:
            return StoreError(
                code: .engine,
                message:
                    "the store \(path) is full (\(reason)): the write was not kept, everything acknowledged before is; free space, or raise the limit"
            )
        case SQLITE_BUSY, SQLITE_LOCKED:
            return StoreError(code: .engine, message: "the store \(path) is in use by another process: stop that one first")
        default:
            return StoreError(
                code: .engine,
                message:
                    "the store \(path) failed (\(reason), SQLite code \(code)): the write was not kept, everything acknowledged before is")
        }
    }

    func damaged(_ reason: String) -> StoreError {
        StoreError(
            code: .engine,
            message:
                "the store \(path) is damaged (\(reason)): put a backup in its place, or move it away to start with an empty store; it was left as it is"
        )
    }

    func rollBack() {
        // Some failures have ended the transaction already.
        if sqlite3_get_autocommit(handle) == 0 { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
    }

    var logPages: Int { logSize.pointee }

    /// Moves the log into the database. What fails now is done by a later call.
    func checkpoint() {
        if sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil) == SQLITE_OK { logSize.pointee = 0 }
    }

    /// Gives up to `pages` unused pages back to the file system.
    func releaseFreePages(_ pages: Int) {
        guard let free = try? integer("PRAGMA freelist_count"), free > pages else { return }
        try? run("PRAGMA incremental_vacuum(\(pages))")
    }

    /// Closes, with the log moved into the database.
    func close() {
        _ = apus_sqlite3_keep_log_on_close(handle, 0)
        sqlite3_close_v2(handle)
    }

    /// Closes and writes nothing.
    func abandon() {
        _ = apus_sqlite3_keep_log_on_close(handle, 1)
        sqlite3_close_v2(handle)
    }
}
