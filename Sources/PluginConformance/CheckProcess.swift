internal import APIModel
internal import Glibc
internal import PluginHost

/// Runs one check in a process of its own: this executable again, with more arguments. A plugin that crashes, hangs or leaks does so there.
public struct CheckProcess: Sendable {
    /// The executable and the arguments that have it try the plugin; the ones below are added.
    private let command: [String]
    /// A check that takes longer has hung.
    private let seconds: Int

    /// What is added to the command: `--check NAME --report-to DESCRIPTOR`.
    public static let checkOption = "check"
    public static let reportOption = "report-to"
    private static let reportDescriptor: Int32 = 3

    public init(command: [String], seconds: Int = 180) {
        self.command = command
        self.seconds = seconds
    }

    /// In the child: says how the check went.
    public static func write(_ outcome: Report.Outcome, to descriptor: Int32) {
        let message: Value =
            switch outcome {
            case .passed: ["outcome": "passed"]
            case .failed(let message): ["outcome": "failed", "message": .string(message)]
            case .notOffered(let message): ["outcome": "notOffered", "message": .string(message)]
            }
        var rest = JSON.encode(message)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBufferPointer { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Starts the process and waits for its end.
    public func run(_ check: Check) async -> Report.Outcome {
        do {
            return try await onOwnThread { try wait(check) }
        } catch {
            return .failed("\(error)")
        }
    }

    private func wait(_ check: Check) throws -> Report.Outcome {
        // What the check writes is removed here, however its process ends.
        let scratch = try Scratch()
        defer { withExtendedLifetime(scratch) {} }
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw ConformanceError("no pipe: \(String(cString: strerror(errno)))") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let process: pid_t
        do {
            process = try spawn(
                command + ["--\(Self.checkOption)", check.name, "--\(Self.reportOption)", String(Self.reportDescriptor)], report: ends[1],
                scratch: scratch.path)
            close(ends[1])
        } catch {
            for end in ends { close(end) }
            throw error
        }
        defer { close(ends[0]) }
        let said = read(ends[0])
        // Closed by the end of the process, or by the deadline.
        if said == nil { kill(process, SIGKILL) }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 && errno == EINTR {}
        guard let said else {
            return .failed("the check did not end within \(seconds) s, and its process was ended; a slot that was called does not return")
        }
        return outcome(said, status)
    }

    private func spawn(_ arguments: [String], report: Int32, scratch: String) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if report == Self.reportDescriptor {
            // A descriptor that is given its own number would keep its close-on-exec.
            _ = fcntl(report, F_SETFD, 0)
        } else {
            posix_spawn_file_actions_adddup2(&actions, report, Self.reportDescriptor)
        }
        // What a plugin prints is no part of the report.
        posix_spawn_file_actions_adddup2(&actions, 2, 1)
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process = pid_t()
        // The Swift runtime would take seconds to write a backtrace of our own frames; under a debugger, in process, there is a better one.
        var settings: [UnsafeMutablePointer<CChar>?] =
            Self.environment.map { strdup($0) } + [strdup("SWIFT_BACKTRACE=enable=no"), strdup("TMPDIR=" + scratch), nil]
        defer { for setting in settings { free(setting) } }
        let failed = posix_spawn(&process, words[0]!, &actions, nil, &words, &settings)
        guard failed == 0 else { throw ConformanceError("\(arguments[0]) cannot be started: \(String(cString: strerror(failed)))") }
        return process
    }

    /// This process's, but for how crashes are shown and where files go.
    private static var environment: [String] {
        var all: [String] = []
        var next = environ
        while let setting = next.pointee {
            all.append(String(cString: setting))
            next += 1
        }
        return all.filter { !$0.hasPrefix("SWIFT_BACKTRACE=") && !$0.hasPrefix("TMPDIR=") }
    }

    /// Everything until the other end is closed; `nil` when that takes too long.
    private func read(_ descriptor: Int32) -> [UInt8]? {
        let deadline = ContinuousClock.now + .seconds(seconds)
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            let left = ContinuousClock.now.duration(to: deadline).components.seconds
            guard left >= 0 else { return nil }
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, Int32(left * 1000 + 500)) > 0 else { continue }
            let count = Glibc.read(descriptor, &piece, piece.count)
            if count > 0 { bytes += piece[0..<count] } else if count == 0 { return bytes }
        }
    }

    private func outcome(_ said: [UInt8], _ status: Int32) -> Report.Outcome {
        let signal = status & 0x7f
        let ending =
            signal != 0 ? "was ended by signal \(signal) (\(Self.signals[signal] ?? "SIG\(signal)"))" : "ended with \((status >> 8) & 0xff)"
        guard let message = try? JSON.decode(said), let outcome = message["outcome"].string else {
            if signal != 0 {
                return .failed("the plugin \(ending) in this check; --check with --in-process shows a debugger where")
            }
            return .failed("the process of this check \(ending) before it had an answer; a plugin must not call exit")
        }
        let text = message["message"].string ?? ""
        switch outcome {
        case "passed":
            return status == 0
                ? .passed : .failed("the check passed, but then its process \(ending): something of the plugin goes on after destroy")
        case "notOffered": return .notOffered(text)
        default: return .failed(text)
        }
    }

    private static let signals: [Int32: String] = [
        SIGSEGV: "SIGSEGV", SIGABRT: "SIGABRT", SIGILL: "SIGILL", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGTRAP: "SIGTRAP",
        SIGKILL: "SIGKILL", SIGTERM: "SIGTERM", SIGSYS: "SIGSYS",
    ]
}
