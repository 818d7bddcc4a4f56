import Containerd
import Foundation
import Logging
import Testing

/// The runtime for a CRI keeps its promises with a real containerd behind it.
@Suite(.serialized, .enabled(if: reasonAgainstContainerd == nil, "the real containerd"))
struct CRITests {
    @Test(arguments: ["None", "Process"]) func keepsEveryPromise(_ isolation: String) async throws {
        let workshop = try Workshop()
        let id = String(UUID().uuidString.prefix(6).lowercased())
        let log = Logger(label: "containerd") { _ in SwiftLogNoOpLogHandler() }
        let network = CNIConfiguration(bridge: "apc-" + id, network: "apus-conformance-" + id)
        let supervisor = ContainerdSupervisor(
            directory: workshop.path + "/containerd", configuration: ContainerdConfiguration(network: network), log: log)
        try network.write(podCIDRs: ["10.252.0.0/24"], to: supervisor.paths)
        let result: Result<Apus.Result, any Error>
        do {
            try await supervisor.start()
            let image = try await load(into: supervisor.paths, workshop)
            result = .success(
                try await Apus.test([
                    "\(Apus.products)/libruntime-cri.so", "--manifest", "\(Apus.root)/plugin-manifests/runtime-cri.yaml", "--endpoint",
                    supervisor.paths.endpoint, "--image", image,
                    "--isolation", isolation,
                ]))
        } catch {
            result = .failure(error)
        }
        try await supervisor.takeDown(grace: .zero)
        let answer = try result.get()
        #expect(answer.lines("FAIL") == [])
        #expect(answer.lines("ok").filter { $0.hasPrefix("container/") || $0.hasPrefix("stream/") }.count == 5, "\(answer.lines("--"))")
        #expect(answer.status == 0)
    }

    private func load(into paths: ContainerdPaths, _ workshop: Workshop) async throws -> String {
        var archive = try ImageArchive(name: "apus.local/busybox:conformance", process: .init(command: ["/bin/sh"]))
        try archive.add(file: "bin/busybox", Array(Data(contentsOf: URL(fileURLWithPath: "/bin/busybox"))), mode: 0o755)
        for tool in ["sh", "sleep", "cat"] { try archive.add(link: "bin/" + tool, to: "busybox") }
        try archive.write(to: workshop.path + "/busybox.tar")
        return try await ImageLoader(paths: paths).load(workshop.path + "/busybox.tar")[0]
    }
}

/// Why the test with a real containerd is left out, nil when it can run.
private let reasonAgainstContainerd: String? = {
    if geteuid() != 0 { return "needs root" }
    return ["/usr/bin/containerd", "/bin/busybox"].first { !FileManager.default.isExecutableFile(atPath: $0) }.map { "needs \($0)" }
}()
