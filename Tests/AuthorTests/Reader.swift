import Foundation
import Testing

/// Somebody who does what a guide says: in a directory of their own, with a real cluster, and nothing but what the guide names on the PATH.
final class Reader {
    private let directory: URL
    private let executable: URL
    /// What was in the plugin directory, which `make install` adds to.
    private let libraries: Set<String>
    /// Where the next command is typed: `cd` lasts.
    private var place: URL

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// Starts a cluster. Ports and data are apart from those of a user's; the bridge and the packet-filter tables are the machine's, so one
    /// cluster runs at a time.
    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "apus-guide-\(UUID())")
        place = directory.appending(path: "home")
        // The tests lie beside the executable they test.
        executable = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "apus")
        libraries = Set(try FileManager.default.contentsOfDirectory(atPath: executable.deletingLastPathComponent().path))
        try #require(
            FileManager.default.isExecutableFile(atPath: executable.path),
            "\(executable.path) is not built: run `scripts/build debug` first")
        try #require(getuid() == 0, "these tests start a cluster: run them as root")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        try #require((try? type("(\(Self.findsCluster))")) == nil, "a cluster runs already on this machine: stop it with `make down` first")
        do {
            try type(
                "apus up --detach --data-dir \"$APUS_DATA_DIR\" --secure-port 17443 --kubelet-port 17444 --merge-kubeconfig false --node-name vm"
            )
        } catch {
            leave()
            throw error
        }
    }

    /// A bridge alone may have been left behind; a process alone may live in another network.
    private static let findsCluster = #"test -e /sys/class/net/apus0 && grep -qsP '(^|/)apus\x00up' /proc/[0-9]*/cmdline"#

    /// Ends the cluster and removes the data, and the libraries that were installed. A cluster that leaves something behind is an issue of
    /// the test.
    func leave() {
        place = directory
        do {
            try type("apus down --data-dir \"$APUS_DATA_DIR\"\nif ip link show apus0; then exit 1; fi")
        } catch {
            Issue.record(error)
        }
        let plugins = executable.deletingLastPathComponent()
        let installed = (try? FileManager.default.contentsOfDirectory(atPath: plugins.path)) ?? []
        for name in installed where name.hasSuffix(".so") && !libraries.contains(name) {
            try? FileManager.default.removeItem(at: plugins.appending(path: name))
        }
        try? FileManager.default.removeItem(at: directory)
    }

    /// Does every step, in order.
    /// - Throws: at the first that fails or prints what the guide does not say.
    func follow(_ guide: Guide) throws {
        for step in guide.steps {
            switch step {
            case .write(let path, let text):
                // Paths are from where the guide began.
                let file = directory.appending(path: "home/\(path)")
                try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try text.write(to: file, atomically: true, encoding: .utf8)
            case .type(let command, let prints):
                let output = try type(command)
                if let difference = prints.flatMap({ Expectation(text: $0).difference(from: output) }) {
                    throw Failure(description: "$ \(command)\(difference)")
                }
            }
        }
    }

    /// What the command printed, to both streams.
    @discardableResult
    private func type(_ command: String) throws -> String {
        let shell = Process()
        shell.executableURL = URL(filePath: "/usr/bin/timeout")
        let marker = directory.appending(path: "place")
        shell.arguments = ["-k", "5", "300", "bash", "-euo", "pipefail", "-c", "\(command)\npwd >'\(marker.path)'"]
        shell.currentDirectoryURL = place
        let data = directory.appending(path: "data").path
        shell.environment = ProcessInfo.processInfo.environment.merging([
            "PATH": executable.deletingLastPathComponent().path + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? ""),
            "HOME": directory.path, "KUBECONFIG": data + "/admin.kubeconfig", "APUS_DATA_DIR": data,
        ]) { $1 }
        shell.standardInput = FileHandle.nullDevice
        // A file and not a pipe: what the command leaves behind must not keep us waiting.
        let log = directory.appending(path: "output")
        try Data().write(to: log)
        let output = try FileHandle(forWritingTo: log)
        (shell.standardOutput, shell.standardError) = (output, output)
        try shell.run()
        shell.waitUntilExit()
        try output.close()
        let text = try String(contentsOf: log, encoding: .utf8)
        guard shell.terminationStatus == 0 else {
            throw Failure(description: "$ \(command)ended with \(shell.terminationStatus):\n\(text)")
        }
        place = URL(filePath: try String(contentsOf: marker, encoding: .utf8).trimmingCharacters(in: .newlines))
        return text
    }
}
