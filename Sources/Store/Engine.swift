import CSQLite
import Glibc

/// The SQLite database behind a store: one row per object and one for the revision. Used by one thread at a time.
///
/// An object's row has the revision that created it as its id: unique, in order of age, and known to whoever holds the record, so that no
/// index is kept on disk.
final class Engine {
    /// "Apus" in the file's header tells our databases from others'.
    static let applicationID: UInt32 = 0x4170_7573
    private static let schemaVersion: Int64 = 1

    private let database: Database
    private let lock: LockFile
    private let options: Options
    private let begin: Statement
    private let end: Statement
    private let put: Statement
    private let delete: Statement
    private let setRevision: Statement

    /// What was read from the file.
    struct Content {
        var revision: UInt64
        var records: [String: [Record]]
    }

    /// Opens or makes the database at `path` and keeps it for itself until `close`. Leaves a file that is damaged or not ours as it is.
    static func open(path: String, options: Options) throws(StoreError) -> (engine: Engine, content: Content) {
        let lock = try LockFile(path + ".lock", of: path)
        let isNew = try FileHeader.check(path)
        let database = try Database(path: path)
        do throws(StoreError) {
            try database.prepareForUse(
                isNew: isNew, applicationID: applicationID, schemaVersion: schemaVersion, maximumSize: options.maximumSize)
            let content = try load(database)
            return (try Engine(database, lock, options), content)
        } catch {
            database.abandon()
            throw error
        }
    }

    private init(_ database: Database, _ lock: LockFile, _ options: Options) throws(StoreError) {
        self.database = database
        self.lock = lock
        self.options = options
        begin = try database.statement("BEGIN IMMEDIATE")
        end = try database.statement("COMMIT")
        put = try database.statement(
            "INSERT OR REPLACE INTO records(id, collection, name, revision, revision_offset, body) VALUES(?1, ?2, ?3, ?4, ?5, ?6)")
        delete = try database.statement("DELETE FROM records WHERE id = ?1")
        setRevision = try database.statement("UPDATE meta SET value = ?1 WHERE name = 'revision'")
    }

    private static func load(_ database: Database) throws(StoreError) -> Content {
        if let defect = try database.text("PRAGMA quick_check(1)"), defect != "ok" { throw database.damaged(defect) }
        guard let revision = try database.integer("SELECT value FROM meta WHERE name = 'revision'") else {
            throw database.damaged("it has no revision")
        }
        var content = Content(revision: UInt64(revision), records: [:])
        let rows = try database.statement("SELECT collection, name, revision, id, revision_offset, body FROM records")
        while try rows.step() {
            let key = Key(collection: rows.text(0), name: rows.text(1))
            let record = Record(
                key: key, bytes: rows.blob(5), revision: UInt64(rows.integer(2)), createRevision: UInt64(rows.integer(3)),
                revisionOffset: Int(rows.integer(4)))
            guard record.isSound, record.revision <= content.revision else { throw database.damaged("\(key) is not as it was written") }
            content.records[key.collection, default: []].append(record)
        }
        for name in Array(content.records.keys) {
            content.records[name]?.sort { $0.key.name < $1.key.name }
            guard let records = content.records[name], zip(records, records.dropFirst()).allSatisfy({ $0.key.name != $1.key.name }) else {
                throw database.damaged("an object is there twice in \(name)")
            }
        }
        return content
    }

    /// Writes all or nothing. When this returns, the writes survive a loss of power.
    func commit(_ writes: [Write]) throws(StoreError) {
        guard let last = writes.last else { return }
        do throws(StoreError) {
            try begin.run()
            for write in writes {
                let record = write.record
                if write.isDeletion {
                    try delete.run(.integer(record.createRevision))
                } else {
                    try put.run(
                        .integer(record.createRevision), .text(record.key.collection), .text(record.key.name), .integer(record.revision),
                        .integer(UInt64(record.revisionOffset)), .blob(record.bytes))
                }
            }
            try setRevision.run(.integer(last.record.revision))
            try end.run()
        } catch {
            database.rollBack()
            throw error
        }
    }

    /// Moves the log into the database when it has grown enough, so that neither it nor the time to open the store grows without bound.
    func checkpointIfDue() { if database.logPages >= options.checkpointPages { database.checkpoint() } }

    /// For a quiet moment: moves the whole log into the database.
    func emptyLog() { if database.logPages > 0 { database.checkpoint() } }

    /// Gives pages that deletions have freed back to the file system, some at a time.
    func shrink() { database.releaseFreePages(4_096) }

    func close() {
        for statement in [begin, end, put, delete, setRevision] { statement.finalize() }
        database.close()
        lock.release()
    }
}

extension Record {
    /// Whether the digits of the revision stand where they should.
    fileprivate var isSound: Bool {
        let digits = String(revision).utf8
        return bytes.count >= revisionOffset + digits.count && bytes[revisionOffset...].starts(with: digits) && key.name.utf8.count > 0
    }
}
