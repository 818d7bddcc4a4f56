internal import APIModel
internal import Glibc

/// A hollow container's log, in the form that a container runtime writes.
enum LogFile {
    /// Creates the file, with the directories above it, and appends the lines. What cannot be written is left out: a hollow pod needs no
    /// disk.
    static func append(_ lines: [String], to path: String) {
        makeDirectory(above: path)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        for line in lines {
            let text = Array("\(Timestamp.nowMicro()) stdout F \(line)\n".utf8)
            _ = write(descriptor, text, text.count)
        }
    }

    private static func makeDirectory(above path: String) {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
        let directory = String(path[..<slash])
        if mkdir(directory, 0o755) != 0, errno == ENOENT {
            makeDirectory(above: directory)
            mkdir(directory, 0o755)
        }
    }
}
