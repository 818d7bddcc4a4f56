import Foundation
import TestSupport
import Testing

/// A real all-in-one in a data directory of its own, driven by the real `kubectl`.
///
/// Ports and data are apart from those of a user's cluster; the bridge and the packet-filter tables of one without a name are the first's
/// of the machine, so one of those runs at a time.
final class Cluster {
    let directory: String
    let port: Int
    /// `nil` for the one without a name.
    let name: String?
    /// What `up` is told beside the usual.
    var options: [String] = []
    private let executable: String

    init(port: Int = 16443, name: String? = nil) throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("apus-e2e-\(getpid())\(name.map { "-\($0)" } ?? "")").path
        self.port = port
        self.name = name
        // The tests lie beside the executable they test.
        executable =
            URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent().appendingPathComponent("apus")
            .path
        try #require(FileManager.default.isExecutableFile(atPath: executable), "\(executable) is not built: run `swift build` first")
        try #require(getuid() == 0, "these tests start pods: run them as root")
        try #require(
            (try? run("bash", "-c", Self.findsCluster)) == nil,
            "a cluster runs already on this machine: stop it with `make down` first")
    }

    /// A bridge alone may have been left behind; a process alone may live in another network.
    private static let findsCluster = #"test -e /sys/class/net/apus0 && grep -qsP '(^|/)apus\x00up' /proc/[0-9]*/cmdline"#

    /// Whatever else fills the disk of the tests does not keep their pods away.
    private static let kubeletConfiguration = """
        apiVersion: kubelet.config.k8s.io/v1beta1
        kind: KubeletConfiguration
        maxPods: 99
        evictionHard: {memory.available: 100Mi}
        """

    @discardableResult
    func up() throws -> String {
        let kubelet = "\(directory)-kubelet.yaml"
        try Self.kubeletConfiguration.write(toFile: kubelet, atomically: true, encoding: .utf8)
        return try run(
            [
                executable, "up", "--detach", "--data-dir", directory, "--merge-kubeconfig", "false", "--node-name", "e2e", "--v", "4",
                "--kubelet-config", kubelet,
            ] + (name.map { ["--name", $0] } ?? ["--secure-port", "\(port)", "--kubelet-port", "\(port + 1)"]) + options)
    }

    /// Ends the process by a signal, and returns when another serves in its place.
    func crash(_ signal: Int32 = SIGKILL) throws {
        let before = try processID()
        kill(before, signal)
        try waitForAnother(than: before)
    }

    /// Returns when another process than that one serves.
    func waitForAnother(than process: pid_t) throws {
        _ = try eventually {
            guard try processID() != process else { throw Failure(description: "process \(process) is the newest") }
            try kubectl("get", "--raw", "/readyz")
        }
    }

    @discardableResult
    func down() throws -> String { try run(executable, "down", "--data-dir", directory) }

    func apus(_ arguments: String...) throws -> String { try run([executable] + arguments + ["--data-dir", directory]) }

    /// What the command said, however it ended.
    func outcome(_ arguments: String...) throws -> (output: String, code: Int32) {
        let process = Process()
        process.executableURL = URL(filePath: executable)
        process.arguments = arguments + ["--data-dir", directory]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (text, process.terminationStatus)
    }

    @discardableResult
    func kubectl(_ arguments: String..., input: String? = nil) throws -> String {
        try run(["kubectl", "--kubeconfig", "\(directory)/admin.kubeconfig"] + arguments, input: input)
    }

    /// The process, from its pid file.
    func processID() throws -> pid_t {
        let text = try String(contentsOfFile: "\(directory)/apus.pid", encoding: .utf8)
        // Empty for a moment while another process takes it over: whoever waits for that one asks again.
        guard let process = pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw Failure(description: "the pid file has no process: \"\(text)\"")
        }
        return process
    }

    /// Runs a client that finds the cluster by itself.
    @discardableResult
    func client(_ arguments: String...) throws -> String { try run([setting] + arguments) }

    /// Starts a client that goes on until it is ended; what it says goes to a file.
    func start(_ arguments: String..., saying file: String) throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [setting] + arguments
        _ = FileManager.default.createFile(atPath: file, contents: nil)
        let output = try FileHandle(forWritingTo: URL(filePath: file))
        process.standardOutput = output
        process.standardError = output
        try process.run()
        return process
    }

    private var setting: String { "KUBECONFIG=\(directory)/admin.kubeconfig" }

    func pack(_ script: String, to file: String) throws { try run(script, executable, file) }
    func load(image: String) throws { _ = try apus("image", "load", image) }

    /// Where the executable and the libraries of the plugins lie.
    var products: String { URL(filePath: executable).deletingLastPathComponent().path }

    /// What the program said to refuse; a failure when it did not refuse.
    func refusal(_ arguments: String..., input: String? = nil) throws -> String {
        do {
            try run(["kubectl", "--kubeconfig", "\(directory)/admin.kubeconfig"] + arguments, input: input)
        } catch let failure as Failure {
            return failure.description
        }
        throw Failure(description: "`kubectl \(arguments.joined(separator: " "))` was accepted")
    }

    /// Removes the data, too. A cluster that cannot be taken down is an issue of the test.
    func remove() {
        do { try down() } catch { Issue.record(error) }
        for path in [directory, "\(directory)-kubelet.yaml"] { try? FileManager.default.removeItem(atPath: path) }
    }

    // MARK: Programs

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    @discardableResult
    func run(_ arguments: String...) throws -> String { try run(arguments) }

    /// What the program wrote to its standard output. Throws with everything it said when it failed.
    @discardableResult
    func run(_ arguments: [String], input: String? = nil) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        let source = Pipe()
        process.standardInput = source
        try process.run()
        if let input { source.fileHandleForWriting.write(Data(input.utf8)) }
        try source.fileHandleForWriting.close()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaints = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(
                description: "`\(arguments.joined(separator: " "))` ended with \(process.terminationStatus): \(text)\(complaints)")
        }
        return text
    }
}
