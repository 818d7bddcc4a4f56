import APIModel
import Containerd
import Glibc

/// containerd of our own in a directory of its own, with the plugin on it and an image of busybox.
final class CRINode: Sendable {
    let supervisor: ContainerdSupervisor
    let runtime: RuntimeHost
    let scratch: Scratch
    let image: String
    var cgroupParent: String { "/apus-test-" + scratch.id }

    init() async throws {
        scratch = Scratch()
        let network = CNIConfiguration(bridge: "apt-" + scratch.id, network: "apus-test-" + scratch.id)
        supervisor = ContainerdSupervisor(
            directory: scratch.path + "/containerd", configuration: ContainerdConfiguration(network: network), log: quiet)
        try network.write(podCIDRs: ["10.251.0.0/24"], to: supervisor.paths)
        do {
            try await supervisor.start()
            image = try await Self.load(into: supervisor.paths, scratch)
            runtime = try await RuntimeHost("cri", config: ["endpoint": .string(supervisor.paths.endpoint)], in: scratch)
        } catch {
            try? await supervisor.takeDown(grace: .zero)
            throw error
        }
    }

    private static func load(into paths: ContainerdPaths, _ scratch: Scratch) async throws -> String {
        var archive = try ImageArchive(name: "apus.local/busybox:test", process: .init(command: ["/bin/sh"]))
        try archive.add(file: "bin/busybox", try busybox(), mode: 0o755)
        for tool in ["sh", "sleep", "echo", "hostname", "cat", "stty", "nc"] { try archive.add(link: "bin/" + tool, to: "busybox") }
        let file = scratch.path + "/busybox.tar"
        try archive.write(to: file)
        return try await ImageLoader(paths: paths).load(file)[0]
    }

    private static func busybox() throws -> [UInt8] {
        struct Missing: Error { let what = "busybox-static is not installed" }
        guard let file = fopen("/bin/busybox", "r") else { throw Missing() }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 8 << 20)
        return Array(bytes[..<fread(&bytes, 1, bytes.count, file)])
    }

    func pod(_ name: String) -> PodMessages { PodMessages(name: name, logs: scratch.path + "/logs/" + name, cgroupParent: cgroupParent) }

    /// Ends everything; to be awaited at the end of each test.
    func tearDown() async throws {
        await runtime.stop()
        try await supervisor.takeDown(grace: .zero, cgroupParents: [cgroupParent])
    }
}
