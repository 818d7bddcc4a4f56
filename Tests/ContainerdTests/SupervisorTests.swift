import FileSystem
import Glibc
import Testing

@testable import Containerd

/// On a real containerd, one at a time: each takes a good part of the machine.
@Suite(.serialized, .enabled(if: reasonAgainstContainerd == nil, "the real containerd"))
struct SupervisorTests {
    private func supervisor(_ scratch: Scratch) throws -> ContainerdSupervisor {
        let network = CNIConfiguration(bridge: "act-" + scratch.id, network: "apus-test-" + scratch.id)
        let supervisor = ContainerdSupervisor(
            directory: scratch.path + "/containerd", configuration: ContainerdConfiguration(network: network), log: quiet)
        try network.write(podCIDRs: ["10.250.0.0/24"], to: supervisor.paths)
        return supervisor
    }

    private func pid(_ supervisor: ContainerdSupervisor) -> String { Files.text(supervisor.paths.pidFile) ?? "" }

    @Test func startsIsFoundAgainAndLeavesNothing() async throws {
        let scratch = Scratch()
        let first = try supervisor(scratch)
        #expect(try await first.start() == .started)
        #expect(await first.isHealthy())
        #expect(await ImageLoader(paths: first.paths).has(PauseImage.name))
        let before = pid(first)
        let second = try supervisor(scratch)
        #expect(try await second.start() == .adopted)
        #expect(pid(second) == before)
        try await second.takeDown()
        #expect(await !first.isHealthy())
        #expect(!Files.exists(first.paths.state))
        #expect(!Files.exists(first.paths.socket))
        #expect(Files.text("/proc/self/mountinfo")?.contains(scratch.path) == false)
        // With nothing there it is no error.
        try await second.takeDown()
    }

    @Test func isStartedAgainWhenItDies() async throws {
        let scratch = Scratch()
        let supervisor = try supervisor(scratch)
        try await supervisor.start()
        let watch = Task { try await supervisor.run() }
        let before = pid(supervisor)
        supervisor.running()?.signal(SIGKILL)
        let deadline = ContinuousClock.now + .seconds(10)
        while pid(supervisor) == before, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(20)) }
        #expect(pid(supervisor) != before)
        watch.cancel()
        try await watch.value
        // Cancelling the watch leaves containerd alone.
        #expect(try await supervisor.start() == .adopted)
        try await supervisor.takeDown()
    }

    @Test func tellsWhyItDoesNotStart() async throws {
        let scratch = Scratch()
        let supervisor = try supervisor(scratch)
        // A file where containerd wants a directory.
        try Files.makeDirectory(supervisor.paths.root, mode: 0o711)
        _ = try scratch.write("containerd/root/io.containerd.metadata.v1.bolt", [])
        let error = await #expect(throws: ContainerdError.self) { try await supervisor.start(within: .seconds(5)) }
        #expect(error?.code == .failed)
        #expect(
            error?.message.contains("containerd started without CRI") == true && error?.message.contains(supervisor.paths.log) == true,
            "\(error?.message ?? "")")
        try await supervisor.takeDown()
    }

    @Test func refusesAPathThatNoSocketCanHave() async throws {
        let scratch = Scratch()
        let long = ContainerdSupervisor(directory: scratch.path + "/" + String(repeating: "x", count: 100), log: quiet)
        let error = await #expect(throws: ContainerdError.self) { try await long.start() }
        #expect(error?.message.contains("--data-dir") == true)
    }

    @Test func loadsImagesOnlyIntoARunningContainerd() async throws {
        let scratch = Scratch()
        var archive = try ImageArchive(name: "apus.local/none:1", process: .init())
        try archive.add(file: "file", [1])
        try archive.write(to: scratch.path + "/none.tar")
        let loader = try ImageLoader(endpoint: "unix://" + scratch.path + "/none.sock", workDirectory: scratch.path)
        let error = await #expect(throws: ContainerdError.self) { try await loader.load(scratch.path + "/none.tar") }
        #expect(error?.message.contains("no containerd answers") == true)
    }
}
