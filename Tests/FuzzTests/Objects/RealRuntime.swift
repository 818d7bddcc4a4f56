import Containerd
import Foundation
import Logging

/// containerd for pods that are real, with an image `busybox`. It belongs to the test: children see it by its socket alone, as they may
/// write nowhere but in their own directory, and go on with it when one of them ended in the middle.
struct RealRuntime: Sendable {
    /// The same for the test and its children, whose temporary directories differ.
    private static let directory = "/tmp/apus-fuzz"
    private let network = CNIConfiguration(bridge: "apf-fuzz", network: "apus-fuzz")
    private let supervisor: ContainerdSupervisor

    init() {
        supervisor = ContainerdSupervisor(
            directory: Self.directory + "/containerd", configuration: ContainerdConfiguration(network: network),
            log: Logger(label: "containerd") { _ in SwiftLogNoOpLogHandler() })
    }

    var endpoint: String { supervisor.paths.endpoint }

    func start() async throws {
        try await end()
        try network.write(podCIDRs: ["10.252.0.0/24"], to: supervisor.paths)
        try await supervisor.start()
        var archive = try ImageArchive(name: "busybox", process: .init(command: ["/bin/sh"]))
        try archive.add(file: "bin/busybox", Array(Data(contentsOf: URL(filePath: "/bin/busybox"))), mode: 0o755)
        for tool in ["sh", "sleep", "true", "false", "echo", "cat"] { try archive.add(link: "bin/" + tool, to: "busybox") }
        let file = Self.directory + "/busybox.tar"
        try archive.write(to: file)
        _ = try await ImageLoader(paths: supervisor.paths).load(file)
    }

    /// Ends all pods and containerd, whoever started it, and leaves nothing.
    func end() async throws {
        try await supervisor.takeDown(grace: .zero, cgroupParents: ["/kubepods"])
        try? FileManager.default.removeItem(atPath: Self.directory)
    }
}
