import APIModel
import FileSystem
import Synchronization
import TestSupport
import Testing

@testable import Kubelet

/// Hooks, probes and calls to the runtime that do not end, and what is not to wait for them.
@Suite struct WaitingTests {
    private static let hook: Value = ["exec": ["command": ["sleep", "99999"]]]

    private static func spec(_ lifecycle: Value) -> Value {
        ["containers": [["name": "web", "image": "web:1", "lifecycle": lifecycle]], "terminationGracePeriodSeconds": 60]
    }

    private static func isGone(_ bench: Bench) async throws {
        try await bench.eventually("gone") {
            bench.client.object(.pods, "default", "web") == nil
                && bench.runtime.state.withLock { $0.sandboxes.isEmpty && $0.containers.isEmpty }
        }
    }

    // MARK: Before a container stops

    @Test func preStopIsOverWithTheGracePeriod() async throws {
        let bench = Bench()
        try await bench.run {
            bench.runtime.hang("ExecSync")
            bench.client.put(.pods, makePod(spec: Self.spec(["preStop": Self.hook])))
            try await bench.wait("running") { $0["phase"].string == "Running" }
            let began = ContinuousClock.now
            bench.client.markDeleted("web", grace: 1)
            try await Self.isGone(bench)
            #expect(began.duration(to: .now) > .seconds(1))
            #expect(bench.runtime.count("StopContainer") == 1)
        }
    }

    @Test func aShorterGraceTakesEffectAtOnce() async throws {
        let bench = Bench()
        try await bench.run {
            bench.runtime.hang("ExecSync")
            bench.client.put(.pods, makePod(spec: Self.spec(["preStop": Self.hook])))
            try await bench.wait("running") { $0["phase"].string == "Running" }
            bench.client.markDeleted("web", grace: 60)
            try await bench.eventually("hook runs") { bench.runtime.count("ExecSync") == 1 }
            bench.client.markDeleted("web", grace: 1)
            try await Self.isGone(bench)
            // Waited for again, not run again.
            #expect(bench.runtime.count("ExecSync") == 1)
        }
    }

    /// Also while the runtime waits for the container: the call under way is given up, and one with less patience made.
    @Test(arguments: ["ExecSync", "StopContainer"]) func forceEndsTheContainer(_ hanging: String) async throws {
        let bench = Bench()
        try await bench.run {
            bench.runtime.hang(hanging)
            bench.client.put(.pods, makePod(spec: Self.spec(hanging == "ExecSync" ? ["preStop": Self.hook] : .null)))
            try await bench.wait("running") { $0["phase"].string == "Running" }
            bench.client.markDeleted("web", grace: 60)
            try await bench.eventually("ends") { bench.runtime.count(hanging) == 1 }
            if hanging == "StopContainer" { bench.runtime.spare(hanging) }
            _ = try await bench.client.delete(.pods, namespace: "default", name: "web", options: .null)
            try await Self.isGone(bench)
        }
    }

    // MARK: After a container started

    @Test func postStartHoldsUpNeitherExecNorDeletion() async throws {
        let bench = Bench()
        let pods = Pods(context: bench.context)
        try await bench.run(pods) {
            bench.runtime.hang("ExecSync")
            bench.client.put(.pods, makePod(spec: Self.spec(["postStart": Self.hook])))
            try await bench.eventually("hook runs") { bench.runtime.count("ExecSync") == 1 }
            let worker = try #require(pods.worker("uid-web"))
            #expect(try await worker.runningContainer("web")?.isEmpty == false)
            bench.client.markDeleted("web", grace: 1)
            try await Self.isGone(bench)
            #expect(!bench.events.reasons.contains("FailedPostStartHook"))
        }
    }

    @Test func postStartThatWasCutOffIsRunAgain() async throws {
        let bench = Bench()
        bench.runtime.hang("ExecSync")
        try await bench.run(isFollowed: true) {
            bench.client.put(.pods, makePod(spec: Self.spec(["postStart": Self.hook])))
            try await bench.eventually("hook runs") { bench.runtime.count("ExecSync") == 1 }
        }
        #expect(bench.runtime.running() == ["web"])
        bench.runtime.release("ExecSync")
        let second = Bench(after: bench)
        try await second.run(isFollowed: true) {
            try await second.wait("running") { $0.condition("Ready") == "True" }
            #expect(second.runtime.count("ExecSync") == 2)
        }
        // It has ended now.
        let third = Bench(after: bench)
        try await third.run {
            let reads = third.runtime.count("ContainerStatus")
            try await third.eventually("seen") { third.runtime.count("ContainerStatus") > reads }
            third.client.markDeleted("web", grace: 1)
            try await Self.isGone(third)
        }
        #expect(bench.runtime.count("ExecSync") == 2 && bench.runtime.count("StartContainer") == 1)
    }

    // MARK: Probes

    @Test func aProbeThatLeavesSomethingBehindDoesNotDelayTheNext() async throws {
        let bench = Bench()
        try await bench.run {
            bench.runtime.hang("ExecSync")
            let probe: Value = ["exec": ["command": ["check"]], "periodSeconds": 2, "timeoutSeconds": 1, "failureThreshold": 10]
            bench.client.put(.pods, makePod(spec: ["containers": [["name": "web", "image": "web:1", "livenessProbe": probe]]]))
            try await bench.eventually("first probe") { bench.runtime.count("ExecSync") == 1 }
            try await bench.eventually("second probe") { bench.runtime.count("ExecSync") == 2 }
            #expect(bench.events.message("Unhealthy") == "Liveness probe failed: command timed out: \"check\" timed out after 1s")
        }
    }

    @Test func aServerThatNeverAnswersIsGivenUp() async throws {
        let server = SilentServer()
        let handler = Handler(cri: CRI(runtime: FakeRuntime()))
        let action: Value = ["httpGet": ["port": .int(Int64(server.port)), "host": "127.0.0.1"]]
        let hook = Task { await handler.run(action, container: .null, id: "", host: "", timeout: 3600, userAgent: "test") }
        while !server.hasVisitor { try await Task.sleep(for: .milliseconds(5)) }
        let began = ContinuousClock.now
        hook.cancel()
        _ = await hook.value
        #expect(began.duration(to: .now) < .seconds(60))
    }

    // MARK: The runtime

    @Test(arguments: ["PullImage", "RunPodSandbox", "CreateContainer", "ListContainers"])
    func noCallHoldsUpTheEndOfAPodOrOfTheKubelet(_ method: String) async throws {
        let bench = Bench()
        let began = Mutex(ContinuousClock.now)
        try await bench.run {
            // Somebody else's pod goes on meanwhile.
            bench.client.put(.pods, makePod("other"))
            try await bench.wait("running", of: "other") { $0["phase"].string == "Running" }
            bench.runtime.hang(method)
            let before = bench.runtime.calls.count { $0 == method }
            bench.client.put(.pods, makePod(spec: ["containers": [["name": "web", "image": "absent:1"]]]))
            if method != "ListContainers" { try await bench.eventually("hangs") { bench.runtime.calls.last == method } }
            bench.client.markDeleted("web", grace: 1)
            if method == "ListContainers" {
                // Others look at the runtime at the same time.
                try await bench.eventually("hangs") { bench.runtime.calls.count { $0 == method } > before }
            } else {
                try await bench.eventually("gone") { bench.client.object(.pods, "default", "web") == nil }
            }
            began.withLock { $0 = .now }
        }
        #expect(began.withLock { $0 }.duration(to: .now) < .seconds(60))
    }

    // MARK: What is not wanted any more

    /// A pod that comes while the clean-up waits for the runtime loses nothing.
    @Test(arguments: ["ListPodSandbox", "ListContainers", "StopContainer", "StopPodSandbox"])
    func orphansAreAskedForAtTheMomentOfDeletion(_ method: String) async throws {
        let bench = Bench()
        defer { bench.directory.remove() }
        let configuration = bench.context.configuration
        let created = try await bench.context.cri.runSandbox(
            SandboxConfig.make(for: pod(), attempt: 0, dns: ResolvConf(), configuration: configuration, seen: ""), handler: "")
        let container: Value = ["metadata": ["name": "web"], "labels": Value([Label.podUID: "uid-web"])]
        let id = try await bench.context.cri.createContainer(sandbox: created, config: container, sandboxConfig: .null)
        try await bench.context.cri.startContainer(id)
        try configuration.makeDirectory(of: "uid-web").create("file", [], mode: 0o600)
        _ = try configuration.makeLogDirectory(for: pod())
        let isWanted = Atomic(false)
        bench.runtime.hang(method)
        let orphans = Orphans(context: bench.context) { _ in isWanted.load(ordering: .sequentiallyConsistent) }
        async let cleared: Void = orphans.clear()
        try await bench.eventually("waits") { bench.runtime.calls.last == method }
        let calls = bench.runtime.calls.count
        isWanted.store(true, ordering: .sequentiallyConsistent)
        bench.runtime.release(method)
        await cleared
        #expect(Set(bench.runtime.calls[calls...]).isDisjoint(with: ["StopContainer", "StopPodSandbox", "RemovePodSandbox"]))
        #expect(Files.status(configuration.podDirectory("uid-web") + "/file") != nil)
        #expect(Files.status(configuration.logDirectory(for: pod())) != nil)
        isWanted.store(false, ordering: .sequentiallyConsistent)
        await Orphans(context: bench.context) { _ in false }.clear()
        #expect(bench.runtime.state.withLock { $0.sandboxes.isEmpty })
        #expect(Files.status(configuration.podDirectory("uid-web")) == nil && Files.status(configuration.logDirectory(for: pod())) == nil)
    }
}
