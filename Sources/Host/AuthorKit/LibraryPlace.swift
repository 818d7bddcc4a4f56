internal import Glibc

/// A plugin library's file in a plugin directory: it appears there whole or not at all, and what was there before can be put back.
struct LibraryPlace {
    let path: String
    private var old: String { path + ".before" }
    private var new: String { path + ".new" }
    private var hadOld = false

    init(directory: String, library: String) { path = "\(directory)/\(library)" }

    /// Copies `source` here. A host that has the old file loaded keeps it: the file is replaced, not written to.
    mutating func put(_ source: String) throws {
        let input = open(source, O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw failure(source) }
        defer { close(input) }
        unlink(new)
        let output = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o755)
        guard output >= 0 else { throw failure(path) }
        do {
            try copy(input, output, source)
            guard fsync(output) == 0 else { throw failure(path) }
            close(output)
        } catch {
            close(output)
            unlink(new)
            throw error
        }
        unlink(old)
        hadOld = link(path, old) == 0
        // One that could not be put back must not be replaced.
        guard hadOld || errno == ENOENT, rename(new, path) == 0 else {
            let failure = failure(path)
            unlink(new)
            if hadOld { unlink(old) }
            throw failure
        }
    }

    /// The new library stays.
    func keep() { unlink(old) }

    /// What was here before `put` comes back.
    func putBack() {
        if hadOld { rename(old, path) } else { unlink(path) }
    }

    private func copy(_ input: Int32, _ output: Int32, _ source: String) throws {
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = read(input, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(source) }
            if count == 0 { return }
            var done = 0
            while done < count {
                let written = buffer.withUnsafeBytes { write(output, $0.baseAddress! + done, count - done) }
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { throw failure(path) }
                done += written
            }
        }
    }

    private func failure(_ what: String) -> StartupFailure { StartupFailure("\(what): \(String(cString: strerror(errno)))") }
}
