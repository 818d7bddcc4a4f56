import CSQLite

/// A prepared statement. Used by one thread at a time.
final class Statement {
    enum Parameter {
        case integer(UInt64)
        case text(String)
        case blob([UInt8])
    }

    private let handle: OpaquePointer
    private let database: Database

    init(_ handle: OpaquePointer, _ database: Database) {
        self.handle = handle
        self.database = database
    }

    deinit { sqlite3_finalize(handle) }

    /// Runs it once, without rows.
    func run(_ parameters: Parameter...) throws(StoreError) {
        defer {
            sqlite3_reset(handle)
            sqlite3_clear_bindings(handle)
        }
        guard [SQLITE_DONE, SQLITE_ROW].contains(bindAndStep(parameters[...], at: 1)) else { throw database.failure() }
    }

    /// Returns whether there is a row.
    func step() throws(StoreError) -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw database.failure()
        }
    }

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    func text(_ column: Int32) -> String {
        String(decoding: bytes(column, sqlite3_column_text(handle, column).map { UnsafeRawPointer($0) }), as: UTF8.self)
    }

    func blob(_ column: Int32) -> [UInt8] { Array(bytes(column, sqlite3_column_blob(handle, column))) }

    private func bytes(_ column: Int32, _ start: UnsafeRawPointer?) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(sqlite3_column_bytes(handle, column)))
    }

    /// Binds what is left, then steps: SQLite reads strings and blobs where they are.
    private func bindAndStep(_ parameters: ArraySlice<Parameter>, at index: Int32) -> Int32 {
        switch parameters.first {
        case nil: return sqlite3_step(handle)
        case .integer(let integer):
            sqlite3_bind_int64(handle, index, Int64(bitPattern: integer))
            return bindAndStep(parameters.dropFirst(), at: index + 1)
        case .text(var text):
            return text.withUTF8 { text in
                text.withMemoryRebound(to: CChar.self) {
                    _ = sqlite3_bind_text64(handle, index, $0.baseAddress, UInt64($0.count), nil, UInt8(SQLITE_UTF8))
                }
                return bindAndStep(parameters.dropFirst(), at: index + 1)
            }
        case .blob(let bytes):
            return bytes.withUnsafeBytes { bytes in
                sqlite3_bind_blob64(handle, index, bytes.baseAddress, UInt64(bytes.count), nil)
                return bindAndStep(parameters.dropFirst(), at: index + 1)
            }
        }
    }
}
