import Glibc

/// Keeps a second process, or a second store in this one, away from a database. The lock ends with the process, however it ends; the file
/// stays.
final class LockFile {
    private var descriptor: Int32

    init(_ path: String, of database: String) throws(StoreError) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StoreError(code: .engine, message: "cannot open the store's lock file \(path): \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            // deinit runs, and closes the file.
            throw StoreError(
                code: .engine,
                message:
                    "the store \(database) is in use by another process\(Self.holder(descriptor)): stop that one first, or use another directory"
            )
        }
        let process = Array("\(getpid())\n".utf8)
        ftruncate(descriptor, 0)
        pwrite(descriptor, process, process.count, 0)
    }

    deinit { release() }

    func release() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    private static func holder(_ descriptor: Int32) -> String {
        var digits = [UInt8](repeating: 0, count: 20)
        let count = pread(descriptor, &digits, digits.count, 0)
        guard count > 0, let process = Int(String(decoding: digits[..<count].prefix { $0 >= 48 && $0 <= 57 }, as: UTF8.self)) else {
            return ""
        }
        return " (process \(process))"
    }
}
