internal import CHash

/// How records lie in the database: each with a checksum of all that its row says.
struct Rows {
    let transformer: (any Transformer)?

    /// The table, as a new database has it.
    static let table = """
        CREATE TABLE records(id INTEGER PRIMARY KEY, collection TEXT NOT NULL, name TEXT NOT NULL, revision INTEGER NOT NULL,
                             revision_offset INTEGER NOT NULL, body BLOB NOT NULL, checksum INTEGER NOT NULL)
        """

    static let put = """
        INSERT OR REPLACE INTO records(id, collection, name, revision, revision_offset, body, checksum) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)
        """

    func write(_ record: Record, _ put: Statement) throws(StoreError) {
        let stored: [UInt8]
        do {
            stored = try transformer?.toStorage(record.bytes, of: record.key) ?? record.bytes
        } catch {
            throw StoreError(code: .engine, message: "\(record.key) cannot be written: \(error)")
        }
        try put.run(
            .integer(record.createRevision), .text(record.key.collection), .text(record.key.name), .integer(record.revision),
            .integer(UInt64(record.revisionOffset)), .blob(stored), .integer(Self.checksum(record, stored)))
    }

    /// Reads all rows and looks at each.
    func load(_ database: Database) throws(StoreError) -> Snapshot {
        if let defect = try database.text("PRAGMA quick_check(1)"), defect != "ok" { throw database.damaged(defect) }
        guard let revision = try database.integer("SELECT value FROM meta WHERE name = 'revision'") else {
            throw database.damaged("it has no revision")
        }
        guard revision >= 0 else { throw database.damaged("its revision is \(revision)") }
        var snapshot = Snapshot(revision: UInt64(revision), records: [:])
        let rows = try database.statement("SELECT collection, name, revision, id, revision_offset, body, checksum FROM records")
        while try rows.step() {
            let key = RecordKey(collection: rows.text(0), name: rows.text(1))
            let stored = rows.blob(5)
            let record = Record(
                key: key, bytes: try plain(stored, key), revision: UInt64(bitPattern: rows.integer(2)),
                createRevision: UInt64(bitPattern: rows.integer(3)), revisionOffset: Int(rows.integer(4)))
            guard UInt64(bitPattern: rows.integer(6)) == Self.checksum(record, stored), Self.isSound(record),
                record.revision <= snapshot.revision
            else {
                throw database.damaged("the record \(key) is not as it was written")
            }
            snapshot.records[key.collection, default: []].append(record)
        }
        for name in Array(snapshot.records.keys) {
            snapshot.records[name]?.sort { $0.key.name < $1.key.name }
            guard let records = snapshot.records[name], zip(records, records.dropFirst()).allSatisfy({ $0.key.name != $1.key.name }) else {
                throw database.damaged("an object is there twice in \(name)")
            }
        }
        return snapshot
    }

    private func plain(_ stored: [UInt8], _ key: RecordKey) throws(StoreError) -> [UInt8] {
        do {
            return try transformer?.fromStorage(stored, of: key) ?? stored
        } catch {
            throw StoreError(code: .engine, message: "the record \(key) cannot be read: \(error)")
        }
    }

    /// Whether the digits of the revision stand where they should.
    private static func isSound(_ record: Record) -> Bool {
        let digits = String(record.revision).utf8
        guard !record.key.name.isEmpty, record.revisionOffset >= 0, record.revisionOffset <= record.bytes.count else { return false }
        return record.bytes[record.revisionOffset...].starts(with: digits)
    }

    /// Of what is kept, which tells nothing of what that means.
    private static func checksum(_ record: Record, _ stored: [UInt8]) -> UInt64 {
        let numbers = (record.createRevision.littleEndian, record.revision.littleEndian, Int64(record.revisionOffset).littleEndian)
        var sum = withUnsafeBytes(of: numbers) { apus_hash($0.baseAddress, UInt64($0.count), 0) }
        for var text in [record.key.collection, record.key.name] {
            sum = text.withUTF8 { apus_hash($0.baseAddress, UInt64($0.count), sum) }
        }
        return stored.withUnsafeBytes { apus_hash($0.baseAddress, UInt64($0.count), sum) }
    }
}
