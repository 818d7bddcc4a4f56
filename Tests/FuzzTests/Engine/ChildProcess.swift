import Foundation
import Synchronization

/// This program again, with a task, in namespaces of its own where that is allowed: what a loop does to the network or to mounts stays
/// there.
enum ChildProcess {
    /// How a child ended that did not return.
    struct End {
        /// What it had in hand; `nil` where it had nothing yet.
        var inHand: (subject: String, input: [UInt8])?
        /// What it said.
        var text: String
    }

    /// Returns when it has ended: `nil` where it did what it was told.
    static func run(_ task: ChildTask, withBacktrace: Bool = false, limit: Duration) async throws -> End? {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("fuzz-child-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        var task = task
        task.journal = directory.appendingPathComponent("journal").path
        let (taskFile, outputFile) = (directory.appendingPathComponent("task"), directory.appendingPathComponent("output"))
        try JSONEncoder().encode(task).write(to: taskFile)
        _ = FileManager.default.createFile(atPath: outputFile.path, contents: nil)
        let process = Process()
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let arguments = [program, "--testing-library", "swift-testing", "--no-parallel", "--filter", "FuzzTests.ChildTests"]
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            getuid() == 0
            ? ["unshare", "-n", "-m", "--propagation", "private", "sh", "-c", Self.seclusion, directory.path] + arguments : arguments
        var environment = ProcessInfo.processInfo.environment
        environment[ChildTask.variable] = taskFile.path
        environment["TMPDIR"] = directory.path
        environment["SWIFT_BACKTRACE"] = withBacktrace ? "enable=yes,color=no,threads=all,images=none,limit=40,cache=no" : "enable=no"
        process.environment = environment
        let output = try FileHandle(forWritingTo: outputFile)
        (process.standardOutput, process.standardError) = (output, output)
        process.standardInput = FileHandle.nullDevice
        try await end(of: process, limit: limit)
        try output.close()
        let text = String(decoding: FileManager.default.contents(atPath: outputFile.path) ?? Data(), as: UTF8.self)
        for line in text.split(separator: "\n") where line.hasPrefix("fuzzed ") { print(line) }
        guard process.terminationReason != .exit || process.terminationStatus != 0 else { return nil }
        return End(inHand: Journal.read(task.journal), text: text)
    }

    /// What a kubelet or a plugin is led to do by what it is fuzzed with, it does to nothing but the child's own directory, `$0`.
    private static let seclusion = """
        ip link set lo up
        mount --bind "$0" "$0" || exit 9
        while read -r _ place _; do
          case "$place" in "$0"|/proc*|/dev*) ;; *) mount -o remount,bind,ro "$place" 2>/dev/null ;; esac
        done </proc/mounts
        exec "$@"
        """

    private static func end(of process: Process, limit: Duration) async throws {
        let ended = AsyncStream<Void> { continuation in process.terminationHandler = { _ in continuation.finish() } }
        try process.run()
        let identifier = process.processIdentifier
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do { try await Task.sleep(for: limit) } catch { return }
                kill(identifier, SIGABRT)
            }
            for await _ in ended {}
            group.cancelAll()
        }
    }
}

extension ChildProcess.End {
    /// The sentence of the trap or of the watchdog.
    var reason: String {
        let lines = text.split(separator: "\n").map(String.init)
        let told =
            lines.last { $0.hasPrefix("FIND: ") }
            ?? lines.first { $0.contains("Fatal error") || $0.contains("Swift runtime failure") || $0.contains("recorded an issue") }
        return told ?? lines.last { $0.contains("rash") } ?? "ended without a word"
    }

    /// The first places of the project in a backtrace, innermost first.
    var place: String {
        let places = text.split(separator: "\n").compactMap { line -> Substring? in
            guard let start = line.range(of: "/Sources/") ?? line.range(of: "/Plugins/"), line.contains(" in ") || line.contains(" at ")
            else { return nil }
            return line[line.index(after: start.lowerBound)...].prefix { !$0.isWhitespace }
        }
        return places.prefix(2).joined(separator: " ")
    }
}
