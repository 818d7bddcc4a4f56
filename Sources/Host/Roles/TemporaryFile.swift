internal import Glibc

/// A file that everybody may read, for a plugin that wants a path: until `remove`, or the end of the process's temporary directory.
final class TemporaryFile: Sendable {
    let path: String

    /// - Throws: `StartupFailure` naming the directory and the reason.
    init(_ text: String) throws {
        let directory = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(directory)/apus-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw StartupFailure("no temporary file can be made in \(directory): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let bytes = Array(text.utf8)
        // A plugin in a process of its own is nobody.
        guard fchmod(descriptor, 0o644) == 0, write(descriptor, bytes, bytes.count) == bytes.count else {
            throw StartupFailure("\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
    }

    func remove() { unlink(path) }
}
