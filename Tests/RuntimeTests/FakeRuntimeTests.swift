import APIModel
import PluginHost
import Testing

@Suite struct FakeRuntimeTests {
    private func pod(_ name: String, in scratch: Scratch) -> PodMessages {
        PodMessages(name: name, logs: scratch.path + "/logs/" + name, cgroupParent: "")
    }

    private func runtime(_ config: Value = [:], in scratch: Scratch) async throws -> RuntimeHost {
        let runtime = try await RuntimeHost("fake", config: config, in: scratch)
        try await runtime.call("ImageService/PullImage", ["image": ["image": "web:1"]])
        return runtime
    }

    @Test func runsHollowPods() async throws {
        let scratch = Scratch()
        let runtime = try await runtime(["podCIDR": "10.9.0.0/30"], in: scratch)
        let (sandbox, container) = try await runtime.run(
            pod("a", in: scratch), image: "web:1", ["sh", "-c", "echo hello; exec sleep infinity"])
        let status = try await runtime.call("PodSandboxStatus", ["pod_sandbox_id": .string(sandbox)])["status"]
        #expect(status[path: "network", "ip"] == "10.9.0.1")
        #expect(try await runtime.call("ContainerStatus", ["container_id": .string(container)])[path: "status", "state"] == 1)
        #expect(Scratch.read(scratch.path + "/logs/a/main.log").hasSuffix(" stdout F hello\n"))
        #expect(try await runtime.exec(container, ["echo", "x"]).output == "x\n")
        #expect(try await runtime.exec(container, ["false"]).code == 1)

        // Two addresses in all: the third pod gets none until one is given back.
        _ = try await runtime.run(pod("b", in: scratch), image: "web:1", ["x"])
        let full = await #expect(throws: RuntimeError.self) { try await runtime.run(pod("c", in: scratch), image: "web:1", ["x"]) }
        #expect(full?.code == "ResourceExhausted")
        try await runtime.remove(sandbox)
        _ = try await runtime.run(pod("c", in: scratch), image: "web:1", ["x"])

        let listed = try await runtime.call("ListPodSandbox", ["filter": ["label_selector": ["io.kubernetes.pod.name": "c"]]])["items"]
            .elements
        #expect(listed.map { $0["metadata"]["name"] } == ["c"])
        await runtime.stop()
    }

    @Test func containersEndAsTheirCommandSays() async throws {
        let scratch = Scratch()
        let runtime = try await runtime(in: scratch)
        let changed = Changed()
        #expect(await runtime.plugin.subscribe { changed.note($0, $1) })
        let cases: [(command: [String], annotations: Value, code: Value)] = [
            (["sleep", "0.05"], [:], 0), (["/bin/sh", "-c", "sleep 0.02 && exit 4"], [:], 4), (["false"], [:], 1),
            (["serve"], ["fake.apus.dev/exit-after": "30ms", "fake.apus.dev/exit-code": "9"], 9),
        ]
        for (index, item) in cases.enumerated() {
            let (_, container) = try await runtime.run(
                pod("p\(index)", in: scratch), image: "web:1", item.command, annotations: item.annotations)
            #expect(await changed.tells(container))
            let status = try await runtime.call("ContainerStatus", ["container_id": .string(container)])["status"]
            #expect(status["state"] == 2)
            #expect(status["exit_code"].int ?? 0 == item.code.int)
        }
        await runtime.stop()
    }

    @Test func refusesByName() async throws {
        let scratch = Scratch()
        let runtime = try await runtime(["missingImages": ["absent.example/"]], in: scratch)
        let checkpoint = await #expect(throws: RuntimeError.self) {
            _ = try await runtime.plugin.call("RuntimeService/CheckpointContainer", [])
        }
        #expect(checkpoint?.code == "Unimplemented")
        #expect(checkpoint?.message.contains("RuntimeService/CheckpointContainer") == true)
        let image = await #expect(throws: RuntimeError.self) {
            try await runtime.call("ImageService/PullImage", ["image": ["image": "absent.example/x:1"]])
        }
        #expect(image?.code == "NotFound")
        let container = await #expect(throws: RuntimeError.self) { try await runtime.call("ContainerStatus", ["container_id": "x"]) }
        #expect(container?.code == "NotFound")
        await runtime.stop()
    }

    static let mistakes: [(config: Value, reason: String)] = [
        (["podCIDR": "x"], "config.podCIDR"), (["speed": 1], "config.speed: unknown field"),
        (["startMilliseconds": -1], "config.startMilliseconds"),
    ]

    @Test(arguments: mistakes)
    func badConfigurationIsRefusedByField(_ config: Value, _ reason: String) async throws {
        let error = await #expect(throws: (any Error).self) { try await RuntimeHost("fake", config: config, in: Scratch()) }
        #expect(String(describing: error).contains(reason))
    }

    @Test func startsThousandsQuickly() async throws {
        let scratch = Scratch()
        let runtime = try await runtime(in: scratch)
        let began = ContinuousClock.now
        try await withThrowingDiscardingTaskGroup { group in
            for index in 0..<2000 {
                group.addTask {
                    _ = try await runtime.run(PodMessages(name: "p\(index)", logs: "", cgroupParent: ""), image: "web:1", ["serve"])
                }
            }
        }
        #expect(try await runtime.call("ListContainers")["containers"].elements.count == 2000)
        #expect(began.duration(to: .now) < .seconds(60))
        await runtime.stop()
    }
}
