import APIModel
import Testing

@testable import Kubelet

/// Rules by which the exit of one container lets all of a pod begin anew.
@Suite struct RestartAllTests {
    private static let rules: Value = [["action": "RestartAllContainers", "exitCodes": ["operator": "In", "values": [42]]]]
    private static let spec: Value = [
        "restartPolicy": "Never",
        "initContainers": [["name": "first", "image": "init:1"]],
        "containers": [
            ["name": "web", "image": "web:1"],
            ["name": "judge", "image": "web:1", "restartPolicy": "Never", "restartPolicyRules": rules],
        ],
    ]

    @Test func theCauseGoesLast() {
        let runtime = PodRuntime(
            sandboxes: [sandbox()],
            containers: [container("judge", .exited, exit: 42), container("web", .running), container("first", .exited)]
        )
        let actions = PodActions.compute(for: pod(Self.spec), runtime: runtime, restartsAll: true)
        #expect(actions.resets.map(\.id) == ["id-web", "id-first", "id-judge"])
        #expect(actions.resets.map(\.isRunning) == [true, false, false])
        #expect(actions.containers.isEmpty && actions.kills.isEmpty && !actions.killPod)
    }

    @Test func beginsAnew() async throws {
        let bench = Bench()
        try await bench.run {
            bench.client.put(.pods, makePod(spec: Self.spec))
            try await bench.wait("first runs") { !$0["initContainerStatuses"][0][path: "state", "running"].isNull }
            bench.runtime.exit("first", code: 0)
            try await bench.wait("running") { $0.condition("Ready") == "True" }

            bench.runtime.exit("judge", code: 42)
            let anew = try await bench.wait("initialized anew") {
                $0["initContainerStatuses"][0]["restartCount"].int == 1 && !$0["initContainerStatuses"][0][path: "state", "running"].isNull
            }
            #expect(anew["containerStatuses"].elements.allSatisfy { $0["restartCount"].int == 1 })
            let last = anew["containerStatuses"][1][path: "lastState", "terminated"]
            #expect(last["reason"].string == "RestartingAllContainers" && last["exitCode"].int == 137)
            // Once initialized, a pod stays so.
            #expect(anew.condition("Initialized") == "True")
            #expect(bench.events.message("Killing") == "killing")
            #expect(bench.runtime.count("RunPodSandbox") == 1)

            bench.runtime.exit("first", code: 0)
            let done = try await bench.wait("running again") { $0["phase"].string == "Running" && $0.condition("Ready") == "True" }
            #expect(done.condition("AllContainersRestarting") == "False")
            // Any other code ends this container for good.
            bench.runtime.exit("judge", code: 1)
            bench.runtime.exit("web", code: 0)
            try await bench.wait("failed") { $0["phase"].string == "Failed" }
        }
    }
}
