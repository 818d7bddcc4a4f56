import Glibc

/// Reads one container's log file, from where the options say to its end, or on and on. Upstream: `kuberuntime/logs`.
struct LogReader: Sendable {
    let path: String
    let options: LogOptions

    struct Missing: Error, CustomStringConvertible {
        let path: String
        var description: String { "failed to try resolving symlinks in path \"\(path)\": lstat \(path): no such file or directory" }
    }

    private static let piece = 32 << 10

    /// Hands on what is to be shown, as it was written. Following ends once `isRunning` says no and all was read; also when `write` throws,
    /// or on cancellation.
    func read(isRunning: @Sendable () async -> Bool, write: @Sendable ([UInt8]) async throws -> Void) async throws {
        var file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Missing(path: path) }
        defer { close(file) }
        var status = stat()
        fstat(file, &status)
        var offset = options.tailLines.map { LogTail.offset($0, in: file, size: Int64(status.st_size)) } ?? 0
        var formatter = LogFormatter(options)
        let watch = options.follow ? FileWatch.shared.watch(Files.parent(of: path)) : nil
        defer { watch?.cancel() }
        var wasRunning = true
        while !Task.isCancelled {
            let isAtEnd = try await drain(file, &offset, &formatter, write)
            if formatter.isFull { return }
            guard isAtEnd, let watch else { return }
            // The log was rotated: what comes now is in a new file of the same name.
            if let new = Files.status(path), new.st_ino != status.st_ino {
                let next = open(path, O_RDONLY | O_CLOEXEC)
                if next >= 0 {
                    // Between the last look and the rotation more may have been written to the old file.
                    _ = try await drain(file, &offset, &formatter, write)
                    close(file)
                    file = next
                    fstat(file, &status)
                    offset = 0
                    continue
                }
            }
            if !wasRunning { return }
            wasRunning = await isRunning()
            // The last words may have come between reading and asking.
            if !wasRunning { continue }
            await watch.wakeup.wait(until: .now + .seconds(1))
        }
    }

    /// Reads to the present end of the file. Returns false when it stopped because enough was shown.
    private func drain(
        _ file: Int32, _ offset: inout Int64, _ formatter: inout LogFormatter, _ write: @Sendable ([UInt8]) async throws -> Void
    ) async throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: Self.piece)
        while true {
            let count = pread(file, &buffer, buffer.count, Int(offset))
            guard count > 0 else { return true }
            offset += Int64(count)
            let shown = formatter.add(buffer[..<count])
            if !shown.isEmpty { try await write(shown) }
            if formatter.isFull { return false }
        }
    }
}

/// Turns the lines of a log file into what is shown of them.
struct LogFormatter {
    private let options: LogOptions
    /// A line whose end has not come yet.
    private var rest: [UInt8] = []
    private var left: Int
    /// The piece before was not the end of its line, so the next needs no time before it.
    private var isContinued = false

    init(_ options: LogOptions) {
        self.options = options
        left = options.limitBytes ?? .max
    }

    /// As many bytes were shown as were asked for.
    var isFull: Bool { left == 0 }

    mutating func add(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var shown: [UInt8] = []
        var input = rest[...] + bytes
        while let end = input.firstIndex(of: UInt8(ascii: "\n")) {
            show(input[...end], &shown)
            input = input[(end + 1)...]
            if isFull { break }
        }
        rest = Array(input)
        return shown
    }

    private mutating func show(_ text: ArraySlice<UInt8>, _ shown: inout [UInt8]) {
        guard let line = LogLine(text) else { return }
        let isContinuation = isContinued
        isContinued = line.isPartial
        if let stream = options.stream, stream != line.stream { return }
        if let since = options.since, line.nanoseconds < since { return }
        var piece = line.message
        if options.timestamps && !isContinuation { piece = line.timestamp + [UInt8(ascii: " ")] + piece }
        let part = piece.prefix(left)
        left -= part.count
        shown += part
    }
}
