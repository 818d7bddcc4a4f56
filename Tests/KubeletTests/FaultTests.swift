import APIModel
import FileSystem
import Synchronization
import TestSupport
import Testing

@testable import Kubelet

/// A kubelet that ends while the runtime is in the middle of something, and the one that comes after it: nothing runs twice, and nothing is
/// left of a pod that is gone.
@Suite struct FaultTests {
    private static let pod: Value = [
        "initContainers": [["name": "init", "image": "pulled:1"]], "containers": [["name": "web", "image": "pulled:1"]],
    ]

    private static func isGone(_ bench: Bench) async throws {
        try await bench.eventually("gone") {
            bench.client.object(.pods, "default", "web") == nil
                && bench.runtime.state.withLock { $0.sandboxes.isEmpty && $0.containers.isEmpty }
        }
        let directory = bench.context.configuration.podDirectory("uid-web")
        try await bench.eventually("no files") { !Files.isDirectory(directory) }
    }

    /// - Parameter method: the call that does not end any more; the runtime does not carry it out either.
    @Test(arguments: [
        "ImageStatus", "PullImage", "RunPodSandbox", "PodSandboxStatus", "CreateContainer", "StartContainer", "ContainerStatus",
    ])
    func endsWhileAPodStarts(_ method: String) async throws {
        let bench = Bench()
        bench.runtime.hang(method)
        try await bench.run(isFollowed: true) {
            bench.client.put(.pods, makePod(spec: Self.pod))
            try await bench.eventually("under way") { bench.runtime.count(method) > 0 }
        }
        bench.runtime.spare(method)
        let second = Bench(after: bench)
        try await second.run {
            try await second.eventually("begun") { !second.runtime.running().isEmpty }
            if second.runtime.running() == ["init"] { second.runtime.exit("init", code: 0) }
            try await second.wait("running") { $0["phase"].string == "Running" }
            #expect(second.runtime.running() == ["web"])
            #expect(second.runtime.state.withLock { $0.sandboxes.count } == 1)
            second.client.markDeleted("web", grace: 1)
            try await Self.isGone(second)
        }
    }

    @Test(arguments: ["StopContainer", "StopPodSandbox", "RemoveContainer", "RemovePodSandbox"])
    func endsWhileAPodEnds(_ method: String) async throws {
        let bench = Bench()
        bench.runtime.hang(method)
        try await bench.run(isFollowed: true) {
            bench.client.put(.pods, makePod())
            try await bench.wait("running") { $0["phase"].string == "Running" }
            bench.client.markDeleted("web", grace: 1)
            try await bench.eventually("under way") { bench.runtime.count(method) > 0 }
        }
        bench.runtime.spare(method)
        let second = Bench(after: bench)
        try await second.run {
            try await Self.isGone(second)
            #expect(second.runtime.count("StartContainer") == 1)
        }
    }

    /// A runtime that answers every call of a kind with an error is no reason to forget a pod.
    @Test(arguments: ["StopContainer", "StopPodSandbox", "RemovePodSandbox", "ListPodSandbox", "ListContainers"])
    func aRuntimeThatFailsForAWhile(_ method: String) async throws {
        let bench = Bench()
        try await bench.run {
            bench.client.put(.pods, makePod())
            try await bench.wait("running") { $0["phase"].string == "Running" }
            let before = bench.runtime.count(method)
            bench.runtime.fail(method, RuntimeFailure(code: "Unavailable", message: "the runtime is away"))
            bench.client.markDeleted("web", grace: 1)
            try await bench.eventually("tried") { bench.runtime.count(method) > before }
            bench.runtime.fail(method, nil)
            try await Self.isGone(bench)
        }
    }
}
