internal import CLinux
internal import Glibc
internal import Logging

/// What a child process prints, line by line in the host's log: standard output as information, standard error as a warning.
enum ChildOutput {
    /// The ends of two pipes.
    struct Pipes {
        /// What the child writes to.
        var output: Int32
        var errors: Int32
        fileprivate var read: [Int32]

        /// `nil`, with `errno`, when the system gives none.
        init?() {
            var (first, second): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
            guard apus_pipe(&first) == 0 else { return nil }
            guard apus_pipe(&second) == 0 else {
                for end in first { close(end) }
                return nil
            }
            (output, errors, read) = (first[1], second[1], [first[0], second[0]])
        }

        /// This process's copies of the ends that the child writes to: without them the pipes end with the child.
        func closeWritten() {
            close(output)
            close(errors)
        }

        func closeRead() { for end in read { close(end) } }
    }

    /// Logs what comes, on a thread of its own, until all who could write are gone.
    static func follow(_ pipes: Pipes, plugin: String, log: Logger) {
        var log = log
        log[metadataKey: "plugin"] = .string(plugin)
        startThread(name: "\(plugin)-output", stack: 256 << 10) { [log] in
            run(pipes.read, log)
            pipes.closeRead()
        }
    }

    private static func run(_ descriptors: [Int32], _ log: Logger) {
        let levels: [Logger.Level] = [.info, .warning]
        var lines = descriptors.map { _ in LineSplitter() }
        var isOpen = descriptors.map { _ in true }
        var allowance = LineAllowance()
        var piece = [UInt8](repeating: 0, count: 16 << 10)
        func say(_ text: String, _ level: Logger.Level) {
            let (isAllowed, omitted) = allowance.take(at: .now)
            if omitted > 0 { log.warning("\(omitted) lines of its output were left out") }
            if isAllowed { log.log(level: level, "\(text)") }
        }
        while isOpen.contains(true) {
            // A negative descriptor is passed over.
            var waits = zip(descriptors, isOpen).map { pollfd(fd: $1 ? $0 : -1, events: Int16(POLLIN), revents: 0) }
            guard poll(&waits, nfds_t(waits.count), -1) > 0 else { continue }
            for index in waits.indices where waits[index].revents != 0 {
                let count = read(descriptors[index], &piece, piece.count)
                if count < 0, errno == EINTR { continue }
                for line in count > 0 ? lines[index].add(piece[..<count]) : lines[index].end() { say(line, levels[index]) }
                if count <= 0 { isOpen[index] = false }
            }
            // Whoever prints without end waits for room in its pipe.
            if allowance.isUsedUp { usleep(10_000) }
        }
        if allowance.omitted > 0 { log.warning("\(allowance.omitted) lines of its output were left out") }
    }
}

/// Cuts what a process prints into lines for a log.
struct LineSplitter {
    /// Bytes; what a line has beyond is left out.
    static let longest = 2048
    private var line: [UInt8] = []
    private var isCut = false

    /// The lines that are now whole, without empty ones.
    mutating func add(_ bytes: some Sequence<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                lines += end()
            } else if line.count < Self.longest {
                line.append(byte)
            } else {
                isCut = true
            }
        }
        return lines
    }

    /// What was begun, as if a line ended here.
    mutating func end() -> [String] {
        defer { (line, isCut) = ([], false) }
        let text = LogText.printable(line) + (isCut ? "…" : "")
        return text.isEmpty ? [] : [text]
    }
}

/// How many lines a plugin may print: many at once, few all the time.
struct LineAllowance {
    static let burst = 200
    static let perSecond = 20
    private var left = Double(burst)
    private var last: ContinuousClock.Instant?
    /// Not said since the last line that was allowed.
    private(set) var omitted = 0
    var isUsedUp: Bool { omitted > 0 }

    /// Whether a line may be printed now, and how many before it were not.
    mutating func take(at now: ContinuousClock.Instant) -> (isAllowed: Bool, omitted: Int) {
        if let last { left = min(Double(Self.burst), left + (now - last) / .seconds(1) * Double(Self.perSecond)) }
        last = now
        guard left >= 1 else {
            omitted += 1
            return (false, 0)
        }
        left -= 1
        defer { omitted = 0 }
        return (true, omitted)
    }
}
