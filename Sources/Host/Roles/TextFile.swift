internal import FoundationEssentials
internal import Glibc

/// Files that flags name.
enum TextFile {
    /// - Throws: `StartupFailure` that names flag, file and reason.
    static func read(_ path: String, of flag: String) throws -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StartupFailure("\(flag): \(path): \(String(cString: strerror(errno)))") }
        close(descriptor)
        do { return try String(contentsOfFile: path, encoding: .utf8) } catch { throw StartupFailure("\(flag): \(path) is no text file") }
    }

    /// Calls `body` with the path of a file that holds `text` and is gone afterwards.
    static func withTemporary<T>(_ text: String, _ body: (_ path: String) throws -> T) throws -> T {
        let directory = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(directory)/apus-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard descriptor >= 0 else { throw StartupFailure("no temporary file can be made in \(directory): \(String(cString: strerror(errno)))") }
        defer {
            close(descriptor)
            unlink(path)
        }
        let bytes = Array(text.utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count else { throw StartupFailure("\(path) cannot be written: \(String(cString: strerror(errno)))") }
        return try body(path)
    }
}
