import APIModel
import Synchronization
import TestSupport
import Testing

@testable import Kubelet

/// Resources that change while a pod runs.
@Suite struct ResizeTests {
    private static func resources(_ cpu: String, _ memory: String = "100Mi") -> Value {
        ["requests": ["cpu": .string(cpu), "memory": .string(memory)], "limits": ["cpu": .string(cpu), "memory": .string(memory)]]
    }

    private static func spec(_ cpu: String, _ memory: String = "100Mi", policy: Value = .null) -> Value {
        ["containers": [["name": "web", "image": "web:1", "resources": resources(cpu, memory), "resizePolicy": policy]]]
    }

    private static func resize(_ bench: Bench, _ cpu: String, _ memory: String = "100Mi") throws {
        var value = try #require(bench.client.object(.pods, "default", "web"))
        value["spec"]["containers"][0]["resources"] = resources(cpu, memory)
        value["metadata"]["generation"] = .int((value["metadata"]["generation"].int ?? 0) + 1)
        bench.client.put(.pods, value)
    }

    private static let restart: Value = [["resourceName": "memory", "restartPolicy": "RestartContainer"]]

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var spec: Value
        var has: [String: Value]
        var expected: ResizePlan
    }

    static let cases = [
        Case(testDescription: "as it is", spec: spec("1"), has: ["id-web": resources("1000m")], expected: ResizePlan()),
        Case(testDescription: "not known", spec: spec("1"), has: [:], expected: ResizePlan()),
        Case(
            testDescription: "more", spec: spec("2"), has: ["id-web": resources("1")],
            expected: ResizePlan(updates: [.init(id: "id-web", name: "web")])),
        Case(
            testDescription: "by starting again", spec: spec("1", "200Mi", policy: restart), has: ["id-web": resources("1")],
            expected: ResizePlan(restarts: ["id-web"])),
        Case(
            testDescription: "the other resource", spec: spec("2", policy: restart), has: ["id-web": resources("1")],
            expected: ResizePlan(updates: [.init(id: "id-web", name: "web")])),
    ]

    @Test(arguments: cases) func plans(_ test: Case) {
        let runtime = PodRuntime(sandboxes: [sandbox()], containers: [container("web", .running)])
        #expect(ResizePlan.compute(for: pod(test.spec), runtime: runtime, actual: test.has) == test.expected)
    }

    @Test func whoGetsLessComesFirst() {
        let containers: Value = ["a", "b", "c"].enumerated().map { index, name -> Value in
            ["name": .string(name), "image": "web:1", "resources": Self.resources(["3", "1", "2"][index])]
        }.reduce(into: Value.array([])) { list, container in list = .array(list.elements + [container]) }
        let runtime = PodRuntime(sandboxes: [sandbox()], containers: ["a", "b", "c"].map { container($0, .running) })
        let plan = ResizePlan.compute(
            for: pod(["containers": containers]), runtime: runtime,
            actual: Dictionary(uniqueKeysWithValues: ["id-a", "id-b", "id-c"].map { ($0, Self.resources("1500m")) }))
        #expect(plan.updates.map(\.name) == ["b", "c", "a"])
    }

    @Test func changesWhatRunsAndTellsWhatIsTrue() async throws {
        let bench = Bench()
        try await bench.run {
            bench.client.put(.pods, makePod(spec: Self.spec("200m")))
            try await bench.wait("running") { $0["phase"].string == "Running" }
            // While the runtime refuses, the status says what the container has.
            bench.runtime.fail("UpdateContainerResources", RuntimeFailure(code: "Unknown", message: "busy"))
            try Self.resize(bench, "300m")
            let refused = try await bench.wait("refused") {
                $0.condition("PodResizeInProgress") == "True" && $0.reason("PodResizeInProgress") == "Error"
            }
            let web = refused["containerStatuses"][0]
            #expect(web[path: "resources", "limits", "cpu"].string == "200m" && web[path: "allocatedResources", "cpu"].string == "300m")
            bench.runtime.fail("UpdateContainerResources", nil)
            // A change wakes it before its pause is over.
            try Self.resize(bench, "400m")
            let done = try await bench.wait("done") {
                $0["containerStatuses"][0][path: "resources", "limits", "cpu"].string == "400m"
                    && $0.condition("PodResizeInProgress") == nil && $0.condition("PodResizePending") == nil
            }
            #expect(done["containerStatuses"][0]["restartCount"].int == 0)
            let told = bench.runtime.state.withLock { $0.containers.values.first?["updated"] ?? .null }
            #expect(told["cpu_quota"].int == 40_000 && told["oom_score_adj"].isNull)
            #expect(bench.events.message("ResizeCompleted")?.hasPrefix(#"Pod resize completed: {"containers":[{"name":"web""#) == true)
        }
    }

    @Test func whatTheNodeHasNotIsSaid() async throws {
        let bench = Bench()
        try await bench.run {
            bench.client.put(.pods, makePod("other", spec: Self.spec("1500m")))
            bench.client.put(.pods, makePod(spec: Self.spec("200m")))
            try await bench.wait("running") { $0["phase"].string == "Running" }
            try await bench.wait("running", of: "other") { $0["phase"].string == "Running" }
            try Self.resize(bench, "100")
            try await bench.wait("infeasible") { $0.reason("PodResizePending") == "Infeasible" }
            #expect(
                bench.events.message("ResizeInfeasible")?.contains(
                    "Node didn't have enough capacity: cpu, requested: 100000, capacity: 2000") == true)
            try Self.resize(bench, "1")
            let deferred = try await bench.wait("deferred") { $0.reason("PodResizePending") == "Deferred" }
            #expect(deferred["containerStatuses"][0][path: "allocatedResources", "cpu"].string == "200m")
            #expect(bench.runtime.count("UpdateContainerResources") == 0)
            try Self.resize(bench, "200m")
            try await bench.wait("as before") { $0.condition("PodResizePending") == nil }
        }
    }

    @Test func startsAgainWhereThePolicySaysSo() async throws {
        let bench = Bench()
        try await bench.run {
            bench.client.put(.pods, makePod(spec: Self.spec("200m", policy: Self.restart)))
            try await bench.wait("running") { $0["phase"].string == "Running" }
            try Self.resize(bench, "200m", "200Mi")
            try await bench.wait("again, and done with it") {
                $0["containerStatuses"][0]["restartCount"].int == 1
                    && $0["containerStatuses"][0][path: "resources", "limits", "memory"].string == "200Mi"
                    && $0.condition("PodResizeInProgress") == nil
            }
            #expect(bench.events.message("Killing") == "Container web resize requires restart")
            #expect(bench.runtime.count("UpdateContainerResources") == 0)
        }
    }

    /// What was asked for while no kubelet ran is not taken for what the container has.
    @Test func goesOnOverARestart() async throws {
        let bench = Bench()
        try await bench.run(isFollowed: true) {
            bench.client.put(.pods, makePod(spec: Self.spec("200m")))
            try await bench.wait("running") { $0["phase"].string == "Running" }
        }
        try Self.resize(bench, "300m")
        let second = Bench(after: bench)
        try await second.run(isFollowed: true) {
            try await second.wait("done") { $0["containerStatuses"][0][path: "resources", "limits", "cpu"].string == "300m" }
            #expect(second.runtime.count("UpdateContainerResources") == 1)
        }
        let third = Bench(after: bench)
        try await third.run {
            let reads = third.runtime.count("ContainerStatus")
            try await third.eventually("seen") { third.runtime.count("ContainerStatus") > reads }
            third.client.markDeleted("web", grace: 1)
            try await third.eventually("gone") { third.client.object(.pods, "default", "web") == nil }
            #expect(third.runtime.count("UpdateContainerResources") == 1)
        }
    }

    /// A container without a limit of its own has its pod's.
    @Test func thePodAsAWholeIsResized() async throws {
        func spec(_ cpu: String) -> Value {
            [
                "resources": ["requests": ["cpu": .string(cpu)], "limits": ["cpu": .string(cpu), "memory": "1Gi"]],
                "containers": [["name": "web", "image": "web:1"]],
            ]
        }
        let bench = Bench()
        let (first, second) = (spec("200m"), spec("300m"))
        try await bench.run {
            bench.client.put(.pods, makePod(spec: first))
            let status = try await bench.wait("running") { $0["phase"].string == "Running" }
            let made = bench.runtime.config("web")[path: "linux", "resources"]
            #expect(made["cpu_quota"].int == 20_000 && made["memory_limit_in_bytes"].int == 1 << 30)
            #expect(status[path: "allocatedResources", "cpu"].string == "200m" && status["qosClass"].string == "Burstable")
            #expect(status[path: "resources", "limits"] == ["cpu": "200m", "memory": "1Gi"])
            var value = try #require(bench.client.object(.pods, "default", "web"))
            value["spec"]["resources"] = second["resources"]
            value["metadata"]["generation"] = 2
            bench.client.put(.pods, value)
            let done = try await bench.wait("done") {
                $0[path: "resources", "limits", "cpu"].string == "300m" && $0.condition("PodResizeInProgress") == nil
            }
            #expect(done[path: "allocatedResources", "cpu"].string == "300m")
            #expect(bench.runtime.state.withLock { $0.containers.values.first?[path: "updated", "cpu_quota"].int } == 30_000)
        }
    }

    /// The less a container asks for, the sooner it goes when memory runs out; a part of what the pod asks for counts as its own.
    @Test(
        arguments: [
            (["resources": ["requests": ["memory": "500"]]], 500), (["resources": .null], 999),
            (["resources": ["requests": ["memory": "990"]]], 10), (["resources": ["requests": ["memory": "999"]]], 3),
        ] as [(Value, Whole)]) func whoGoesFirst(container: Value, score: Whole)
    {
        var web: Value = ["name": "web", "image": "web:1"]
        web["resources"] = container["resources"]
        let side: Value = ["name": "side", "image": "web:1", "restartPolicy": "Always", "resources": ["requests": ["cpu": "1"]]]
        let pod = pod(["containers": [web], "initContainers": [side]])
        func oom(_ container: Value, _ pod: Pod) -> Whole {
            ContainerResources.oomScore(of: container, in: pod, class: .burstable, memoryCapacity: 1000)
        }
        #expect(oom(web, pod) == score)
        // The sidecar does not go before what it serves.
        #expect(oom(side, pod) <= score)
        let whole = Pod(Object(makePod(spec: ["containers": [web], "resources": ["requests": ["memory": "999"]]])))
        #expect(oom(web, whole) == 3)
    }

    @Test func totalsAreTold() {
        let containers: Value = [
            ["name": "a", "resources": ["requests": ["cpu": "1", "ephemeral-storage": "1Gi"], "limits": ["cpu": "2"]]],
            ["name": "b", "resources": ["requests": ["cpu": "500m"]]],
        ]
        let inits: Value = [["name": "first", "resources": ["requests": ["cpu": "2"]]]]
        let all = PodTotals(spec: ["containers": containers, "initContainers": inits, "overhead": ["cpu": "100m", "memory": "1Mi"]])
        #expect(all.requests == ["cpu": "2100m", "ephemeral-storage": "1Gi", "memory": "1Mi"])
        #expect(all.limits == ["cpu": "2100m"])
        #expect(PodTotals(spec: pod().spec).resources == .emptyObject)
    }

    @Test func podsAddUp() {
        let containers: Value = [
            ["name": "a", "resources": Self.resources("1")], ["name": "b", "resources": Self.resources("500m", "1Gi")],
        ]
        let inits: Value = [
            ["name": "side", "restartPolicy": "Always", "resources": Self.resources("250m")],
            ["name": "first", "resources": Self.resources("3")],
        ]
        let all = PodResources(of: pod(["containers": containers, "initContainers": inits, "overhead": ["cpu": "100m"]]))
        // The init container runs beside the sidecar.
        #expect(all.cpuRequest == 3350 && all.cpuLimit == 3350 && all.memoryRequest == (1 << 30) + (200 << 20))
        let open = PodResources(of: pod(["containers": [["name": "a", "resources": Self.resources("1")], ["name": "b"]]]))
        #expect(open.cpuRequest == 1000 && open.cpuLimit == nil && open.memoryLimit == nil)
        let whole = PodResources(of: pod(["containers": containers, "resources": ["limits": ["cpu": "4"], "requests": ["cpu": "2"]]]))
        #expect(whole.cpuRequest == 2000 && whole.cpuLimit == 4000)
    }
}

extension Value {
    func reason(_ type: String) -> String? { self["conditions"].elements.first { $0["type"].string == type }?["reason"].string }
}
