import APIModel
import FileSystem
import Glibc
import Synchronization

/// A file that is put aside, under a name that tells when, before it grows past a size; files put aside go when they are too many or too
/// old. Written by one thread at a time.
final class RotatedFile: Sendable {
    private struct State {
        /// -1 when it is not open.
        var descriptor: Int32 = -1
        var size: Int64 = 0
        var rotations = 0
    }

    struct Problem: Error, CustomStringConvertible {
        var description: String
        init(_ path: String) { description = "\(path): \(String(cString: strerror(errno)))" }
    }

    private let configuration: AuditConfiguration.Log
    private let now: @Sendable () -> Int64
    private let state = Mutex(State())
    /// Who holds it compresses.
    private let compression = Mutex(())

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

    /// Makes the file and the directory that it is in, if there are none.
    /// - Throws: `Problem` for a file that cannot be written.
    func prepare() throws {
        guard !isStandardOutput else { return }
        try? Files.makeDirectory(parts.directory, mode: 0o700)
        try state.withLock { try open(&$0) }
    }

    /// Returns whether a file was put aside.
    /// - Throws: `Problem`.
    @discardableResult
    func write(_ lines: [[UInt8]]) throws -> Bool {
        try state.withLock { state in
            let before = state.rotations
            var pending: [UInt8] = []
            for line in lines {
                try open(&state)
                let size = state.size + Int64(pending.count)
                if !isStandardOutput, size > 0, let most = configuration.maxSize, size + Int64(line.count) > most {
                    try flush(&pending, &state)
                    try rotate(&state)
                }
                pending += line
            }
            try flush(&pending, &state)
            return state.rotations > before
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
        try Self.write(bytes, to: state.descriptor, configuration.path)
        state.size += Int64(bytes.count)
        bytes = []
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Problem(path) }
            written += count
        }
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
        state.rotations += 1
    }

    /// `2026-01-02T03-04-05.678`, in UTC.
    private static func name(_ milliseconds: Int64) -> String {
        let text = Timestamp.format(seconds: milliseconds / 1000).dropLast().replacing(":", with: "-")
        return "\(text).\(String(1000 + milliseconds % 1000).dropFirst())"
    }

    /// Those put aside, the newest first, without `.gz`.
    private var aside: [String] {
        let (directory, stem, suffix) = parts
        let names = Files.names(in: directory).map { $0.hasSuffix(Self.gzip) ? String($0.dropLast(Self.gzip.count)) : $0 }.filter { name in
            let middle = name.dropFirst(stem.utf8.count + 1).dropLast(suffix.utf8.count)
            return name.hasPrefix("\(stem)-") && name.hasSuffix(suffix) && middle.utf8.count == Self.name(0).utf8.count
        }
        // Names of one length are in the order of their times.
        return Set(names).sorted(by: >)
    }

    private func clearAway() {
        let (directory, stem, suffix) = parts
        let oldest = configuration.maxAge.map { "\(stem)-\(Self.name(now() - Int64($0) * 86_400_000))\(suffix)" }
        for (index, name) in aside.enumerated() {
            let isOneTooMany = configuration.maxBackups.map { index >= $0 } ?? false
            guard isOneTooMany || oldest.map({ name < $0 }) ?? false else { continue }
            for name in [name, name + Self.gzip] { unlink("\(directory)/\(name)") }
        }
    }

    // MARK: Compression

    private static let gzip = ".gz"

    /// Puts into gzip what lies aside as it was, also what an earlier process left. From any thread.
    func compress() throws {
        let directory = parts.directory
        try compression.withLock { _ in
            for name in aside where Files.exists("\(directory)/\(name)") { try compress("\(directory)/\(name)") }
        }
    }

    private func compress(_ path: String) throws {
        let source = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else { throw Problem(path) }
        defer { close(source) }
        let partial = path + Self.gzip + ".part"
        let target = Glibc.open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard target >= 0 else { throw Problem(partial) }
        defer { close(target) }
        let gzip = GzipWriter()
        var room = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = room.withUnsafeMutableBytes { read(source, $0.baseAddress, $0.count) }
            guard count >= 0 else { throw Problem(path) }
            if count > 0 { gzip.write(Array(room[..<count])) }
            for piece in count > 0 ? gzip.taken() : gzip.finished() { try Self.write(piece, to: target, partial) }
            if count == 0 { break }
        }
        guard rename(partial, path + Self.gzip) == 0 else { throw Problem(partial) }
        unlink(path)
    }
}
