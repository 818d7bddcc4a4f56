import FileSystem

/// Reads one container's log file, from where the options say to its end, or on and on. Upstream: `kuberuntime/logs`.
struct LogReader: Sendable {
    let log: ContainerLogFile
    let options: LogOptions
    let disk: BlockingWork

    struct Missing: Error, CustomStringConvertible {
        let path: String
        var description: String { "failed to try resolving symlinks in path \"\(path)\": lstat \(path): no such file or directory" }
    }

    private static let piece = 32 << 10

    /// Hands on what is to be shown, as it was written. Following ends once `isRunning` says no and all was read; also when `write` throws,
    /// or on cancellation.
    func read(isRunning: @Sendable () async -> Bool, write: @Sendable ([UInt8]) async throws -> Void) async throws {
        var file = try await open()
        let first = file
        var offset = try await disk.run { options.tailLines.map { LogTail.offset($0, in: first) } ?? 0 }
        var formatter = LogFormatter(options)
        let watch = options.follow ? FileWatch.shared.watch(Files.parent(of: log.path)) : nil
        defer { watch?.cancel() }
        var wasRunning = true
        while !Task.isCancelled {
            let isAtEnd = try await drain(file, &offset, &formatter, write)
            if formatter.isFull { return }
            guard isAtEnd, let watch else { return }
            // The log was rotated: what comes now is in a new file of the same name.
            if let next = try? await open(), next.identity != file.identity {
                // Between the last look and the rotation more may have been written to the old file.
                _ = try await drain(file, &offset, &formatter, write)
                file = next
                offset = 0
                continue
            }
            if !wasRunning { return }
            wasRunning = await isRunning()
            // The last words may have come between reading and asking.
            if !wasRunning { continue }
            await watch.wakeup.wait(until: .now + .seconds(1))
        }
    }

    /// Opens the log as it is now. Throws `Missing` when there is none.
    func open() async throws -> OpenFile {
        do {
            return try await disk.run { try log.open() }
        } catch let failure as Files.Failure where failure.isMissing {
            throw Missing(path: log.path)
        }
    }

    /// Reads to the present end of the file. Returns false when it stopped because enough was shown.
    private func drain(
        _ file: OpenFile, _ offset: inout Int64, _ formatter: inout LogFormatter, _ write: @Sendable ([UInt8]) async throws -> Void
    ) async throws -> Bool {
        while true {
            let start = offset
            let bytes = try await disk.run { file.read(at: start, Self.piece) }
            guard !bytes.isEmpty else { return true }
            offset += Int64(bytes.count)
            let shown = formatter.add(bytes[...])
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
