import APIModel
import FileSystem
import Glibc
import Synchronization

/// A file that is put aside, under a name that tells when, before it grows past a size; files put aside go when they are too many or too
/// old. Used by one thread at a time.
final class RotatedFile: Sendable {
    private struct State {
        /// -1 when it is not open.
        var descriptor: Int32 = -1
        var size: Int64 = 0
    }

    struct Problem: Error, CustomStringConvertible {
        var description: String
        init(_ path: String) { description = "\(path): \(String(cString: strerror(errno)))" }
    }

    private let configuration: AuditConfiguration.Log
    private let now: @Sendable () -> Int64
    private let state = Mutex(State())

    /// - Parameter now: milliseconds since 1970.
    init(_ configuration: AuditConfiguration.Log, now: @escaping @Sendable () -> Int64 = RotatedFile.clock) {
        self.configuration = configuration
        self.now = now
    }

    deinit { state.withLock { if $0.descriptor > STDERR_FILENO { close($0.descriptor) } } }

    static func clock() -> Int64 {
        let now = Clock.parts
        return now.seconds * 1000 + Int64(now.microseconds) / 1000
    }

    /// - Throws: `Problem`.
    func write(_ lines: [[UInt8]]) throws {
        try state.withLock { state in
            var pending: [UInt8] = []
            for line in lines {
                try open(&state)
                let size = state.size + Int64(pending.count)
                if !isStandardOutput, size > 0, size + Int64(line.count) > configuration.maxSize {
                    try flush(&pending, &state)
                    try rotate(&state)
                }
                pending += line
            }
            try flush(&pending, &state)
        }
    }

    private var isStandardOutput: Bool { configuration.path == "-" }

    private func open(_ state: inout State) throws {
        guard state.descriptor < 0 else { return }
        if isStandardOutput {
            state.descriptor = STDOUT_FILENO
            return
        }
        let descriptor = Glibc.open(configuration.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Problem(configuration.path) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            close(descriptor)
            throw Problem(configuration.path)
        }
        (state.descriptor, state.size) = (descriptor, Int64(status.st_size))
    }

    private func flush(_ bytes: inout [UInt8], _ state: inout State) throws {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(state.descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Problem(configuration.path) }
            written += count
        }
        state.size += Int64(written)
        bytes = []
    }

    // MARK: Rotation

    /// `audit.log` is `audit` and `.log`.
    private var parts: (directory: String, stem: String, suffix: String) {
        let path = configuration.path
        let slash = path.lastIndex(of: "/")
        let directory = slash.map { String(path[..<$0]) } ?? "."
        let name = slash.map { path[path.index(after: $0)...] } ?? path[...]
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return (directory, String(name), "") }
        return (directory, String(name[..<dot]), String(name[dot...]))
    }

    private func rotate(_ state: inout State) throws {
        close(state.descriptor)
        (state.descriptor, state.size) = (-1, 0)
        let (directory, stem, suffix) = parts
        var moment = now()
        // Two in one millisecond have two names.
        while access("\(directory)/\(stem)-\(Self.name(moment))\(suffix)", F_OK) == 0 { moment += 1 }
        let aside = "\(directory)/\(stem)-\(Self.name(moment))\(suffix)"
        guard rename(configuration.path, aside) == 0 else { throw Problem(aside) }
        clearAway()
        try open(&state)
    }

    /// `2026-01-02T03-04-05.678`, in UTC.
    private static func name(_ milliseconds: Int64) -> String {
        let text = Timestamp.format(seconds: milliseconds / 1000).dropLast().replacing(":", with: "-")
        return "\(text).\(String(1000 + milliseconds % 1000).dropFirst())"
    }

    private func clearAway() {
        let (directory, stem, suffix) = parts
        // Names of one length in the order of their times.
        let aside = Files.names(in: directory).reversed().filter { name in
            let middle = name.dropFirst(stem.utf8.count + 1).dropLast(suffix.utf8.count)
            return name.hasPrefix("\(stem)-") && name.hasSuffix(suffix) && middle.utf8.count == Self.name(0).utf8.count
        }
        let oldest = configuration.maxAge.map { "\(stem)-\(Self.name(now() - Int64($0) * 86_400_000))\(suffix)" }
        for (index, name) in aside.enumerated() {
            let isOneTooMany = configuration.maxBackups.map { index >= $0 } ?? false
            if isOneTooMany || oldest.map({ name < $0 }) ?? false { unlink("\(directory)/\(name)") }
        }
    }
}
