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

    // MARK: At every single call

    /// A pod with something to take away of every kind.
    private static let rich: Value = [
        "initContainers": [["name": "init", "image": "pulled:1", "volumeMounts": [["name": "empty", "mountPath": "/empty"]]]],
        "containers": [["name": "web", "image": "web:1"], ["name": "side", "image": "web:1"]],
        "volumes": [["name": "empty", "emptyDir": ["medium": "Memory"]]],
    ]

    /// Runs `body` for 0, 1, 2… until it answers `false`, a few at a time.
    private static func step(_ body: @Sendable @escaping (Int) async throws -> Bool) async throws {
        var goesOn = true
        for first in stride(from: 0, to: 96, by: 8) where goesOn {
            goesOn = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in first..<first + 8 { group.addTask { try await body(number) } }
                return try await group.reduce(true) { $0 && $1 }
            }
        }
        #expect(!goesOn, "there are more steps than were tried")
    }

    /// - Parameter isCarriedOut: whether the runtime does what it was last asked for, of which nobody hears.
    @Test(arguments: [false, true]) func endsAtAnyStepOfAStart(isCarriedOut: Bool) async throws {
        try await Self.step { number in
            let bench = Bench()
            bench.runtime.state.withLock { $0.shortLived = ["init"] }
            bench.runtime.loseCalls(after: number, isCarriedOut: isCarriedOut)
            try await bench.run(isFollowed: true) {
                bench.client.put(.pods, makePod(spec: Self.rich))
                try await bench.eventually("lost, or up") {
                    bench.runtime.isLost || bench.client.object(.pods, "default", "web")?["status"]["phase"].string == "Running"
                }
            }
            let wasLost = bench.runtime.isLost
            bench.runtime.find()
            let second = Bench(after: bench)
            try await second.run {
                try await second.wait("\(number): running") {
                    $0["phase"].string == "Running" && $0.condition("ContainersReady") == "True"
                }
                #expect(second.runtime.running() == ["side", "web"])
                #expect(second.runtime.state.withLock { $0.starts } == ["init": 1, "side": 1, "web": 1], "\(number)")
                #expect(second.runtime.state.withLock { $0.sandboxes.count } == 1)
                second.client.markDeleted("web", grace: 1)
                try await Self.isGone(second)
            }
            return wasLost
        }
    }

    @Test(arguments: [false, true]) func endsAtAnyStepOfAnEnd(isCarriedOut: Bool) async throws {
        try await Self.step { number in
            let bench = Bench()
            bench.runtime.state.withLock { $0.shortLived = ["init"] }
            try await bench.run(isFollowed: true) {
                bench.client.put(.pods, makePod(spec: Self.rich))
                try await bench.wait("running") { $0["phase"].string == "Running" }
                bench.runtime.loseCalls(after: number, isCarriedOut: isCarriedOut)
                bench.client.markDeleted("web", grace: 1)
                try await bench.eventually("lost, or gone") {
                    bench.runtime.isLost
                        || bench.client.object(.pods, "default", "web") == nil && bench.runtime.state.withLock { $0.sandboxes.isEmpty }
                }
            }
            let wasLost = bench.runtime.isLost
            bench.runtime.find()
            let second = Bench(after: bench)
            try await second.run {
                try await Self.isGone(second)
                #expect(second.runtime.state.withLock { $0.starts } == ["init": 1, "side": 1, "web": 1], "\(number)")
            }
            return wasLost
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
