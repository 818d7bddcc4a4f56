import APIModel
import Synchronization
import TestSupport
import Testing

@testable import Kubelet

/// What is told of a pod that does not do as it should.
@Suite struct EventTests {
    private static let failure = RuntimeFailure(code: "Unknown", message: "no")

    @Test func aPodWaitsForTheNetwork() async throws {
        let bench = Bench()
        let problem = "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:no plugin"
        bench.runtime.state.withLock { $0.networkProblem = problem }
        try await bench.run {
            bench.client.put(.pods, makePod())
            try await bench.eventually("told") { bench.events.message("NetworkNotReady") == "network is not ready: \(problem)" }
            bench.client.put(.pods, makePod("host", spec: ["hostNetwork": true]))
            try await bench.wait("the node's own has its network", of: "host") { $0["phase"].string == "Running" }
            #expect(bench.runtime.count("RunPodSandbox") == 1)
            bench.runtime.state.withLock { $0.networkProblem = nil }
            try await bench.wait("running") { $0["phase"].string == "Running" }
        }
    }

    @Test(arguments: [
        ("NetworkReady", false), ("NetworkReady", true), ("RuntimeReady", false), ("ContainerdHasNoDeprecationWarnings", false),
    ])
    func whatTheRuntimeSaysOfItself(_ type: String, _ isWell: Bool) {
        let identity = RuntimeIdentity()
        identity.note(["status": ["conditions": [["type": .string(type), "status": .bool(isWell), "reason": "R", "message": "m"]]]])
        let problem = "container runtime network not ready: NetworkReady=false reason:R message:m"
        #expect(identity.networkProblem == (type == "NetworkReady" && !isWell ? problem : nil))
    }

    @Test(
        arguments: [
            ("StopContainer", #"failed to "KillContainer" for "web" with KillContainerError"#),
            ("StopPodSandbox", #"failed to "KillPodSandbox" for "uid-web" with KillPodSandboxError"#),
        ])
    func aPodThatCannotBeKilled(_ method: String, _ words: String) async throws {
        let bench = Bench()
        try await bench.run {
            bench.client.put(.pods, makePod())
            try await bench.wait("running") { $0["phase"].string == "Running" }
            bench.runtime.fail(method, Self.failure)
            bench.client.markDeleted("web", grace: 1)
            try await bench.eventually("told") {
                bench.events.message("FailedKillPod") == "error killing pod: \(words): \"rpc error: code = Unknown desc = no\""
            }
            bench.runtime.fail(method, nil)
            try await bench.eventually("gone") { bench.client.object(.pods, "default", "web") == nil }
        }
    }

    @Test func aPodThatLeavesTooSlowly() async throws {
        let bench = Bench()
        let pods = Pods(context: bench.context)
        try await bench.run(pods) {
            bench.client.put(.pods, makePod())
            try await bench.wait("running") { $0["phase"].string == "Running" }
            bench.runtime.hang("StopContainer")
            let why = PodFailure(reason: "Evicted", message: "no room")
            let worker = try #require(pods.worker("uid-web"))
            await worker.evict(Eviction(failure: why, grace: 1, shortestLimit: 0))
            let words = "Container runtime did not kill the pod within specified grace period."
            try await bench.eventually("told") { bench.events.message("ExceededGracePeriod") == words }
            bench.runtime.release("StopContainer")
            try await bench.wait("ended") { $0["phase"].string == "Failed" }
        }
    }

    @Test(arguments: [(1, 10), (7, 10), (8, 12), (30, 45)] as [(Whole, Whole)])
    func howLongItMayTakeToLeave(_ grace: Whole, _ limit: Whole) { #expect(Eviction.preemption.limit(grace) == limit) }

    @Test func aPodThatCannotBeLookedAt() async throws {
        let bench = Bench()
        try await bench.run {
            bench.client.put(.pods, makePod())
            try await bench.wait("running") { $0["phase"].string == "Running" }
            bench.runtime.fail("ListContainers", Self.failure)
            bench.runtime.exit("web", code: 1)
            try await bench.eventually("told") {
                bench.events.message("FailedSync") == "error determining status: rpc error: code = Unknown desc = no"
            }
            bench.runtime.fail("ListContainers", nil)
            try await bench.eventually("it starts again") { bench.runtime.count("StartContainer") == 2 }
        }
    }

    @Test func aSandboxThatCannotBeLookedAt() async throws {
        let bench = Bench()
        bench.runtime.fail("PodSandboxStatus", Self.failure)
        try await bench.run {
            bench.client.put(.pods, makePod())
            try await bench.eventually("told") {
                bench.events.message("FailedPodSandBoxStatus") == "Unable to get pod sandbox status: rpc error: code = Unknown desc = no"
            }
            bench.runtime.fail("PodSandboxStatus", nil)
            try await bench.wait("running") { $0["phase"].string == "Running" }
            // That one is used.
            #expect(bench.runtime.count("RunPodSandbox") == 1)
        }
    }

    @Test func aProbeThatIsSentElsewhere() async throws {
        let bench = Bench()
        let server = SilentServer()
        try await bench.run {
            let probe: Value = ["httpGet": ["host": "127.0.0.1", "port": .int(Whole(server.port))], "periodSeconds": 1]
            bench.client.put(.pods, makePod(spec: ["containers": [["name": "web", "image": "web:1", "readinessProbe": probe]]]))
            try await bench.eventually("asked") { server.hasVisitor }
            server.answer("HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\nContent-Length: 5\r\n\r\nthere")
            try await bench.wait("ready") { $0.condition("Ready") == "True" }
            #expect(bench.events.message("ProbeWarning") == "Readiness probe warning: Probe terminated redirects, Response body: there")
        }
    }
}
