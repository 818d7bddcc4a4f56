import Glibc

/// The first bytes of a database file, looked at before SQLite gets to touch it.
enum FileHeader {
    /// Returns whether there is no database yet. Makes the file, readable by its owner only, as it will hold Secrets.
    static func check(_ path: String) throws(StoreError) -> Bool {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StoreError(code: .engine, message: "cannot open the store \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var header = [UInt8](repeating: 0, count: 72)
        let count = pread(descriptor, &header, header.count, 0)
        guard count != 0 else { return true }
        let id = header[68..<72].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard count == header.count, header.starts(with: Array("SQLite format 3\0".utf8)), id == Database.applicationID else {
            throw StoreError(
                code: .engine,
                message: "\(path) is not a store of Apus and was left as it is: move it away, or choose another path for the store")
        }
        return false
    }
}
