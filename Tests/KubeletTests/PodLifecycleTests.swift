import APIModel
import Synchronization
import TestSupport
import Testing

@testable import Kubelet

/// A pod from its binding to its end, over a runtime and an API in memory.
@Suite struct PodLifecycleTests {
    @Test func runsAndIsDeleted() async throws {
        let bench = Bench()
        try await bench.run {
            bench.client.put(.pods, makePod())
            let status = try await bench.wait("running") { $0["phase"].string == "Running" && $0.condition("Ready") == "True" }
            #expect(status["podIP"].string?.hasPrefix("10.1.0.") == true)
            #expect(status["hostIP"].string == "192.0.2.1")
            #expect(status["qosClass"].string == "BestEffort")
            #expect(status["observedGeneration"].int == 1)
            let web = status["containerStatuses"][0]
            #expect(web["ready"].bool == true && web["started"].bool == true)
            #expect(web["restartCount"].int == 0)
            #expect(web["containerID"].string?.hasPrefix("containerd://c") == true)
            #expect(web["lastState"] == .emptyObject)
            for type in ["PodReadyToStartContainers", "Initialized", "ContainersReady", "PodScheduled"] {
                #expect(status.condition(type) == "True")
            }
            #expect(bench.events.reasons == ["Pulled", "Created", "Started"])

            bench.client.markDeleted("web", grace: 1)
            try await bench.eventually("deleted") { bench.client.object(.pods, "default", "web") == nil }
            try await bench.eventually("removed from the runtime") {
                bench.runtime.state.withLock { $0.sandboxes.isEmpty && $0.containers.isEmpty }
            }
            #expect(bench.events.message("Killing") == "Stopping container web")
            // The last the API heard of it: ended, not ready.
            let last = try #require(bench.client.statuses("web").last)
            #expect(last["containerStatuses"][0][path: "state", "terminated", "exitCode"].int == 0)
            #expect(last.condition("Ready") == "False")
            #expect(last["phase"].string == "Succeeded")
        }
    }

    @Test func restartsWithBackoff() async throws {
        let bench = Bench()
        try await bench.run {
            bench.client.put(.pods, makePod())
            try await bench.wait("running") { $0["phase"].string == "Running" }
            bench.runtime.exit("web", code: 3)
            // The first restart is at once.
            let again = try await bench.wait("restarted") {
                $0["containerStatuses"][0]["restartCount"].int == 1 && !$0["containerStatuses"][0][path: "state", "running"].isNull
            }
            #expect(again["containerStatuses"][0][path: "lastState", "terminated", "exitCode"].int == 3)
            bench.runtime.exit("web", code: 4)
            let waiting = try await bench.wait("backing off") {
                $0["containerStatuses"][0][path: "state", "waiting", "reason"].string == "CrashLoopBackOff"
            }
            #expect(
                waiting["containerStatuses"][0][path: "state", "waiting", "message"].string
                    == "back-off 10s restarting failed container=web pod=web_default(uid-web)")
            #expect(waiting["containerStatuses"][0][path: "lastState", "terminated", "exitCode"].int == 4)
            #expect(waiting["phase"].string == "Running")
            #expect(bench.events.message("BackOff") == "Back-off restarting failed container web in pod web_default(uid-web)")
        }
    }

    @Test func initContainersRunFirst() async throws {
        let bench = Bench()
        try await bench.run {
            bench.client.put(
                .pods,
                makePod(spec: [
                    "initContainers": [
                        ["name": "first", "image": "init:1"], ["name": "side", "image": "init:1", "restartPolicy": "Always"],
                    ]
                ]))
            let status = try await bench.wait("first runs") { !$0["initContainerStatuses"][0][path: "state", "running"].isNull }
            #expect(status["phase"].string == "Pending")
            #expect(status["containerStatuses"][0][path: "state", "waiting", "reason"].string == "PodInitializing")
            #expect(bench.runtime.running() == ["first"])
            bench.runtime.exit("first", code: 0)
            let done = try await bench.wait("running") { $0["phase"].string == "Running" && $0.condition("Ready") == "True" }
            #expect(done["initContainerStatuses"][0]["ready"].bool == true)
            #expect(bench.runtime.running() == ["side", "web"])
        }
    }

    @Test func endsForGood() async throws {
        let bench = Bench()
        try await bench.run {
            bench.client.put(.pods, makePod(spec: ["restartPolicy": "Never"]))
            try await bench.wait("running") { $0["phase"].string == "Running" }
            bench.runtime.exit("web", code: 0)
            let status = try await bench.wait("succeeded") { $0["phase"].string == "Succeeded" }
            #expect(status["conditions"].elements.first { $0["type"].string == "Ready" }?["reason"].string == "PodCompleted")
            #expect(status["podIP"].string != nil)
            try await bench.eventually("sandbox stopped") { bench.runtime.count("StopPodSandbox") > 0 }
        }
    }

    @Test func missingConfigMapAndImage() async throws {
        let bench = Bench()
        try await bench.run {
            let env: Value = ["name": "A", "valueFrom": ["configMapKeyRef": ["name": "settings", "key": "a"]]]
            bench.client.put(.pods, makePod(spec: ["containers": [["name": "web", "image": "web:1", "env": [env]]]]))
            let status = try await bench.wait("waiting") {
                $0["containerStatuses"][0][path: "state", "waiting", "reason"].string == "CreateContainerConfigError"
            }
            #expect(status["containerStatuses"][0][path: "state", "waiting", "message"].string == "configmap \"settings\" not found")

            bench.runtime.fail("PullImage", RuntimeFailure(code: "NotFound", message: "no such image"))
            bench.client.put(.pods, makePod("bad", spec: ["containers": [["name": "web", "image": "absent:1"]]]))
            // ErrImagePull at first, and soon ImagePullBackOff: a slow reader sees only the second.
            let bad = try await bench.wait("pull fails", of: "bad") {
                ["ErrImagePull", "ImagePullBackOff"].contains($0["containerStatuses"][0][path: "state", "waiting", "reason"].string)
            }
            #expect(
                bad["containerStatuses"][0][path: "state", "waiting", "message"].string?.hasSuffix(
                    "rpc error: code = NotFound desc = no such image") == true)
            #expect(bad["phase"].string == "Pending")
            #expect(bench.events.message("Pulling") == "Pulling image \"absent:1\"")
        }
    }

    @Test func livenessRestartsAndReadinessGates() async throws {
        let bench = Bench()
        try await bench.run {
            let probe: Value = ["exec": ["command": ["check"]], "periodSeconds": 1, "failureThreshold": 1]
            bench.client.put(
                .pods, makePod(spec: ["containers": [["name": "web", "image": "web:1", "livenessProbe": probe, "readinessProbe": probe]]]))
            try await bench.wait("ready") { $0.condition("Ready") == "True" }
            bench.runtime.state.withLock { $0.execExitCode = 1 }
            try await bench.wait("restarted") { $0["containerStatuses"][0]["restartCount"].int == 1 }
            // Killed again, it has to wait.
            try await bench.wait("backing off") {
                $0["containerStatuses"][0][path: "state", "waiting", "reason"].string == "CrashLoopBackOff"
            }
            #expect(bench.events.message("Killing") == "Container web failed liveness probe, will be restarted")
            #expect(bench.events.message("Unhealthy")?.hasSuffix("probe failed: said no") == true)
        }
    }

    @Test func takesOverWhatRuns() async throws {
        let bench = Bench()
        let probe: Value = ["exec": ["command": ["check"]], "periodSeconds": 1]
        try await bench.run(isFollowed: true) {
            bench.client.put(.pods, makePod(spec: ["containers": [["name": "web", "image": "web:1", "readinessProbe": probe]]]))
            try await bench.wait("ready") { $0.condition("Ready") == "True" }
        }
        // Another kubelet over the same runtime and API. Until its own probe has an answer, the pod is as ready as it was.
        let starts = bench.runtime.count("StartContainer")
        let told = bench.client.statuses("web").count
        bench.runtime.hang("ExecSync")
        let second = Bench(after: bench)
        try await second.run {
            let probes = second.runtime.count("ExecSync")
            try await second.eventually("probed") { second.runtime.count("ExecSync") > probes + 1 }
            #expect(second.runtime.count("StartContainer") == starts)
            #expect(second.runtime.count("RunPodSandbox") == 1)
            #expect(second.runtime.running() == ["web"])
            #expect(second.client.statuses("web")[told...].allSatisfy { $0.condition("Ready") == "True" })
            // It counts from there.
            second.runtime.state.withLock { $0.execExitCode = 1 }
            second.runtime.release("ExecSync")
            try await second.wait("unready") { $0.condition("Ready") == "False" }
        }
    }

    @Test func aFailedStartUsesItsNumberUp() async throws {
        let bench = Bench()
        try await bench.run {
            bench.runtime.fail("StartContainer", RuntimeFailure(code: "Unknown", message: "exec: \"/no/such\": no such file or directory"))
            bench.client.put(.pods, makePod())
            let status = try await bench.wait("backs off") {
                $0["containerStatuses"][0][path: "state", "waiting", "reason"].string == "CrashLoopBackOff"
            }
            #expect(status["containerStatuses"][0][path: "lastState", "terminated", "exitCode"].int == 128)
            #expect(bench.events.message("Failed") == "Error: exec: \"/no/such\": no such file or directory")
            let numbers = bench.runtime.state.withLock { state in
                state.containers.values.compactMap { $0[path: "metadata", "attempt"].int }.sorted()
            }
            #expect(numbers == [0, 1])
        }
    }

    @Test func replacesALostSandbox() async throws {
        let bench = Bench()
        try await bench.run {
            bench.client.put(.pods, makePod())
            let first = try await bench.wait("running") { $0.condition("Ready") == "True" }
            _ = try await bench.context.cri.runtime.call("RuntimeService/StopPodSandbox", ["pod_sandbox_id": "s1"], timeout: nil)
            try await bench.wait("new sandbox") { $0.condition("Ready") == "True" && $0["podIP"] != first["podIP"] }
            #expect(bench.events.reasons.contains("SandboxChanged"))
            #expect(bench.client.object(.pods, "default", "web")?[path: "status", "podIPs"].elements.count == 1)
        }
    }

    @Test func postStartAndHooks() async throws {
        let bench = Bench()
        try await bench.run {
            bench.runtime.state.withLock { $0.execExitCode = 2 }
            let lifecycle: Value = ["postStart": ["exec": ["command": ["hook"]]]]
            bench.client.put(.pods, makePod(spec: ["containers": [["name": "web", "image": "web:1", "lifecycle": lifecycle]]]))
            // It starts again at once the first time, and has to wait then.
            try await bench.wait("hook fails") {
                ["PostStartHookError", "CrashLoopBackOff"].contains($0["containerStatuses"][0][path: "state", "waiting", "reason"].string)
            }
            #expect(bench.events.message("FailedPostStartHook") == "PostStartHook failed")
        }
    }

    @Test func whomADebuggerSees() async throws {
        let bench = Bench()
        @Sendable func pod(_ name: String, target: String, _ more: Value = .emptyObject) -> Value {
            var spec = more
            spec["ephemeralContainers"] = [["name": .string("debug-" + name), "image": "web:1", "targetContainerName": .string(target)]]
            return makePod(name, spec: spec)
        }
        @Sendable func namespaces(_ name: String) -> Value {
            bench.runtime.config("debug-" + name)[path: "linux", "security_context", "namespace_options"]
        }
        try await bench.run {
            bench.client.put(.pods, pod("own", target: "web"))
            bench.client.put(.pods, pod("shared", target: "web", ["shareProcessNamespace": true]))
            bench.client.put(.pods, pod("lost", target: "other"))
            for name in ["own", "shared"] {
                try await bench.wait("debugs", of: name) { !$0["ephemeralContainerStatuses"][0][path: "state", "running"].isNull }
            }
            #expect(namespaces("own")["pid"].int == 3 && namespaces("own")["target_id"].string?.isEmpty == false)
            #expect(namespaces("shared")["pid"].int == 0 && namespaces("shared")["target_id"].isNull)
            let lost = try await bench.wait("waits", of: "lost") {
                $0["ephemeralContainerStatuses"][0][path: "state", "waiting", "reason"].string == "CreateContainerConfigError"
            }
            #expect(
                lost["ephemeralContainerStatuses"][0][path: "state", "waiting", "message"].string == "unable to find target container other"
            )
        }
    }

    @Test func whatHooksSayOfThemselves() async {
        let (bench, server) = (Bench(), SilentServer())
        defer { bench.directory.remove() }
        bench.runtime.state.withLock { $0.execExitCode = 2 }
        let hooks = Hooks(
            cri: bench.context.cri, events: bench.events, pod: pod(), container: ["name": "web"], id: "1", host: "127.0.0.1",
            userAgent: bench.context.userAgent("lifecycle"))
        let place = #"for Container "web" in Pod "web_default(uid-web)" failed - error: "#
        #expect(
            await hooks.run(["exec": ["command": ["stop", "it"]]])
                == "Exec lifecycle hook ([stop it]) \(place)command 'stop it' exited with 2: , message: \"said no\"")
        #expect(
            await hooks.run(["tcpSocket": ["port": 80]]) == "Cannot run handler: invalid handler: {\"tcpSocket\":{\"port\":80}}")
        #expect(
            await hooks.run(["httpGet": ["port": "none", "path": "x"]])
                == "HTTP lifecycle hook (x) \(place)invalid port number: none")
        // Any answer will do.
        async let answered = hooks.run(["httpGet": ["port": .int(Whole(server.port))]])
        while !server.hasVisitor { try? await Task.sleep(for: .milliseconds(5)) }
        server.answer("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
        #expect(await answered == nil)
    }

    /// Of the container's own variables those that say themselves what they are.
    @Test func probesKnowTheContainersVariables() async throws {
        let bench = Bench()
        try await bench.run {
            let probe: Value = ["exec": ["command": ["check", "$(PLACE)/$(OTHER)/$$(PLACE)"]], "periodSeconds": 1]
            let container: Value = ["name": "web", "image": "web:1", "env": [["name": "PLACE", "value": "here"]], "livenessProbe": probe]
            bench.client.put(.pods, makePod(spec: ["containers": [container]]))
            try await bench.eventually("asked") { bench.runtime.state.withLock { $0.commands.last } != nil }
            #expect(bench.runtime.state.withLock { $0.commands.last } == ["check", "here/$(OTHER)/$(PLACE)"])
        }
    }
}
