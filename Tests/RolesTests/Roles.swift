import Foundation
import TestSupport
import Testing

/// A cluster of six processes, one for each role, in a network namespace of its own: ports, packet filters and addresses are nobody
/// else's.
final class Roles {
    /// The tests lie beside the executable they test.
    private static let executable = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
        .appendingPathComponent("apus").path

    let directory: String
    let namespace: String
    private var processes: [String: Process] = [:]

    init() throws {
        try #require(
            FileManager.default.isExecutableFile(atPath: Self.executable), "\(Self.executable) is not built: run `swift build` first")
        try #require(getuid() == 0, "these tests need a network namespace: run them as root")
        namespace = "apus-roles-\(getpid())"
        directory = FileManager.default.temporaryDirectory.appendingPathComponent(namespace).path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try Self.run(["ip", "netns", "add", namespace])
        try inside("ip", "link", "set", "lo", "up")
        // With a default route, as a machine has.
        try inside("ip", "link", "add", "eth0", "type", "bridge")
        try inside("ip", "address", "add", "192.0.2.1/24", "dev", "eth0")
        try inside("ip", "link", "set", "eth0", "up")
        try inside("ip", "route", "add", "default", "dev", "eth0")
    }

    /// Ends what still runs and removes everything.
    func remove() {
        for process in processes.values where process.isRunning { kill(process.processIdentifier, SIGKILL) }
        for process in processes.values { process.waitUntilExit() }
        _ = try? Self.run(["ip", "netns", "delete", namespace])
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// - Parameter name: what the process is called here when another of the role runs.
    func start(_ role: String, as name: String? = nil, _ arguments: String...) throws {
        let name = name ?? role
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["ip", "netns", "exec", namespace, Self.executable, role] + arguments
        try Data().write(to: URL(filePath: log(name)))
        process.standardError = try FileHandle(forWritingTo: URL(filePath: log(name)))
        try process.run()
        processes[name] = process
    }

    func log(_ role: String) -> String { "\(directory)/\(role).log" }

    /// The end of what each process said.
    private var logs: String {
        processes.keys.sorted().map { role in
            let lines = ((try? String(contentsOfFile: log(role), encoding: .utf8)) ?? "").split(separator: "\n")
            return "== \(role)\n" + lines.suffix(10).joined(separator: "\n")
        }.joined(separator: "\n")
    }

    /// Asks the process to stop and waits for its end.
    /// - Returns: its exit status.
    func stop(_ role: String) throws -> Int32 {
        let process = try #require(processes[role], "\(role) does not run")
        processes[role] = nil
        // `ip netns exec` became the program.
        process.terminate()
        process.waitUntilExit()
        return process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
    }

    /// What a command line of `apus` that is wrong says.
    static func refusal(_ arguments: [String]) throws -> String {
        do {
            // One that is not refused goes on.
            _ = try run(["timeout", "-k", "5", "20", executable] + arguments)
        } catch let failure as Failure {
            return failure.description
        }
        throw Failure(description: "`apus \(arguments.joined(separator: " "))` was accepted")
    }

    @discardableResult
    func kubectl(_ arguments: String..., input: String? = nil) throws -> String {
        try Self.run(
            ["ip", "netns", "exec", namespace, "kubectl", "--kubeconfig", "\(directory)/api/admin.kubeconfig"] + arguments, input: input)
    }

    /// What `kubectl auth can-i` says, which for `no` fails.
    func canI(_ arguments: [String]) throws -> String {
        try inside("sh", "-c", "kubectl auth can-i \(arguments.joined(separator: " ")) 2>/dev/null || true").trimmingCharacters(
            in: .whitespacesAndNewlines)
    }

    @discardableResult
    func inside(_ arguments: String...) throws -> String { try Self.run(["ip", "netns", "exec", namespace] + arguments) }

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    @discardableResult
    private static func run(_ arguments: [String], input: String? = nil) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        let (output, source) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = output
        process.standardInput = source
        try process.run()
        if let input { source.fileHandleForWriting.write(Data(input.utf8)) }
        try source.fileHandleForWriting.close()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: "`\(arguments.joined(separator: " "))` ended with \(process.terminationStatus): \(text)")
        }
        return text
    }

    /// Tries `body` until it succeeds, and throws its last failure when the time is over: other processes announce nothing.
    @discardableResult
    func eventually<T>(within seconds: TimeInterval = 30, _ body: () throws -> T) throws -> T {
        do { return try TestSupport.eventually(within: seconds, body) } catch { throw Failure(description: "\(error)\n\(logs)") }
    }

    /// Throws unless `text` has all `parts`.
    func require(_ text: String, has parts: String...) throws {
        for part in parts where !text.contains(part) { throw Failure(description: "no \"\(part)\" in: \(text)") }
    }
}
