import APIModel
import FileSystem
import GRPC
import Synchronization
import TestSupport
import Testing

@testable import Kubelet

/// Devices of plugins, from their socket into a container.
@Suite struct DeviceTests {
    private static func spec(_ count: Int64, initCount: Int64 = 0) -> Value {
        func resources(_ count: Int64) -> Value {
            let amount = Value.string(String(count))
            return ["limits": ["example.com/gpu": amount], "requests": ["example.com/gpu": amount]]
        }
        let first: Value = ["name": "first", "image": "init:1", "resources": resources(initCount)]
        return [
            "initContainers": initCount > 0 ? [first] : .null,
            "containers": [
                ["name": "web", "image": "web:1", "resources": resources(count), "env": [["name": "GPUS_WANTED", "value": "some"]]]
            ],
        ]
    }

    private func maker(_ bench: Bench, _ ids: [String] = ["a", "b", "c"]) -> DeviceMaker {
        DeviceMaker(ids, root: bench.context.configuration.rootDirectory)
    }

    private func socketIsThere(_ bench: Bench) async throws {
        let path = bench.context.configuration.rootDirectory + "/device-plugins/kubelet.sock"
        try await bench.eventually("the kubelet listens") { Files.exists(path) }
    }

    private func ask(_ bench: Bench, _ method: String, _ request: Value = .emptyObject, to messages: String? = nil) async throws -> Value {
        let socket = PluginSocket(bench.context.configuration.rootDirectory + "/pod-resources/kubelet.sock", .devices)
        let name = messages ?? "\(method)PodResources"
        return try await socket.call(
            "v1.PodResourcesLister/\(method)", request, ("\(name)Request", "\(name)Response"), within: .seconds(10))
    }

    private func has(_ bench: Bench, _ allocatable: Int, of capacity: Int) async throws {
        let figures = DeviceBook.Figures(capacity: ["example.com/gpu": capacity], allocatable: ["example.com/gpu": allocatable])
        try await bench.eventually("\(allocatable) of \(capacity); it has \(bench.context.devices.figures)") {
            bench.context.devices.figures == figures
        }
    }

    @Test func aContainerGetsItsDevices() async throws {
        let bench = Bench()
        bench.client.put(.nodes, makeNode())
        let maker = maker(bench)
        maker.state.withLock {
            $0.options = ["pre_start_required": true, "get_preferred_allocation_available": true]
            $0.preferred = ["b", "c"]
        }
        try await bench.run {
            try await socketIsThere(bench)
            try await maker.start()
            try await has(bench, 3, of: 3)
            bench.client.put(.pods, makePod(spec: Self.spec(2)))
            let status = try await bench.wait("running") { $0["phase"].string == "Running" }
            let asked = maker.requests("GetPreferredAllocation").first?["container_requests"].elements.first ?? .null
            #expect(asked["available_deviceIDs"].elements.compactMap(\.string) == ["a", "b", "c"] && asked["allocation_size"].int == 2)
            #expect(maker.requests("Allocate").count == 1)
            #expect(maker.requests("PreStartContainer").first?["devices_ids"].elements.compactMap(\.string) == ["b", "c"])
            let config = bench.runtime.config("web")
            #expect(config["envs"].elements.prefix(2).map { $0["value"].string } == ["b,c", "some"])
            #expect(config["mounts"].elements.first?["host_path"].string == "/usr/lib/driver")
            #expect(config["mounts"].elements.first?["readonly"].bool == true)
            #expect(config["devices"].elements.map { $0["container_path"].string } == ["/dev/b", "/dev/c"])
            #expect(config["devices"].elements.first?["permissions"].string == "rw")
            #expect(config["annotations"]["example.com/gpus"].string == "2")
            #expect(config["CDI_devices"].elements.map { $0["name"].string } == ["example.com/gpu=b", "example.com/gpu=c"])
            let told = status["containerStatuses"][0]["allocatedResourcesStatus"]
            #expect(
                told == [
                    [
                        "name": "example.com/gpu",
                        "resources": [["resourceID": "b", "health": "Healthy"], ["resourceID": "c", "health": "Healthy"]],
                    ]
                ])

            // Others on the node can ask who has what.
            let answer = try await ask(bench, "Get", ["pod_name": "web", "pod_namespace": "default"])
            let own = answer[path: "pod_resources", "containers"][0]["devices"]
            #expect(own.elements.map { $0["device_ids"][0].string } == ["b", "c"] && own[0]["resource_name"].string == "example.com/gpu")
            let list = try await ask(bench, "List")
            #expect(list["pod_resources"].elements.map(\.name) == ["web"])
            let allocatable = try await ask(bench, "GetAllocatableResources", to: "AllocatableResources")
            #expect(allocatable["devices"].elements.count == 3)

            // One that is not well is told of, and is no one's next.
            maker.change([DeviceMaker.device("a"), DeviceMaker.device("b", health: "Unhealthy"), DeviceMaker.device("c")])
            try await has(bench, 2, of: 3)
            try await bench.wait("told") {
                $0["containerStatuses"][0]["allocatedResourcesStatus"][0]["resources"][0]["health"].string == "Unhealthy"
            }
            bench.client.put(.pods, makePod("more", spec: Self.spec(2)))
            let refused = try await bench.wait("refused", of: "more") { $0["phase"].string == "Failed" }
            #expect(refused["reason"].string == "UnexpectedAdmissionError")
            #expect(
                refused["message"].string
                    == "Pod was rejected: Allocate failed due to requested number of devices unavailable for example.com/gpu. Requested: 2, Available: 1, which is unexpected"
            )
            // What a pod had that has ended is another's.
            bench.client.markDeleted("web", grace: 0)
            try await bench.eventually("gone") { bench.client.object(.pods, "default", "web")?["status"].condition("Ready") != "True" }
            try await bench.eventually("released") { bench.context.devices.health(of: "uid-web").isEmpty }
            bench.client.put(.pods, makePod("next", spec: Self.spec(2)))
            try await bench.wait("running", of: "next") { $0["phase"].string == "Running" }
            #expect(bench.runtime.config("web")["devices"].elements.map { $0["container_path"].string } == ["/dev/a", "/dev/c"])
        }
        await maker.stop()
    }

    @Test func whoHasWhatOutlivesTheKubelet() async throws {
        let bench = Bench()
        bench.client.put(.nodes, makeNode())
        let maker = maker(bench)
        try await bench.run(isFollowed: true) {
            try await socketIsThere(bench)
            try await maker.start()
            try await has(bench, 3, of: 3)
            bench.client.put(.pods, makePod(spec: Self.spec(2, initCount: 2)))
            try await bench.eventually("the init container runs") { bench.runtime.running() == ["first"] }
            // What an init container had, those after it have.
            #expect(maker.requests("Allocate").map { $0["container_requests"][0]["devices_ids"].elements.count } == [2, 2])
            bench.runtime.exit("first", code: 0)
            try await bench.wait("running") { $0["phase"].string == "Running" }
        }
        await maker.stop()
        let next = Bench(after: bench)
        try await next.run {
            // Until the plugin comes again there is nothing, and nobody loses what it has.
            try await has(next, 0, of: 0)
            #expect(next.context.devices.capacity == ["example.com/gpu": 2])
            next.runtime.exit("web", code: 1)
            try await next.eventually("it starts again") { next.runtime.running() == ["web"] && next.runtime.count("StartContainer") == 3 }
            #expect(next.runtime.config("web")["devices"].elements.map { $0["container_path"].string } == ["/dev/a", "/dev/b"])
            let again = DeviceMaker(["a", "b", "c"], root: next.context.configuration.rootDirectory)
            try await again.start("again.sock")
            try await has(next, 3, of: 3)
            next.client.put(.pods, makePod("more", spec: Self.spec(1)))
            try await next.wait("running", of: "more") { $0["phase"].string == "Running" }
            #expect(again.requests("Allocate").first?["container_requests"][0]["devices_ids"].elements.compactMap(\.string) == ["c"])
            // A plugin that goes has no devices that can be given away; one that comes in its place has.
            await again.stop()
            try await has(next, 0, of: 3)
            let third = DeviceMaker(["d"], root: next.context.configuration.rootDirectory)
            try await third.start("third.sock")
            try await has(next, 1, of: 1)
            await third.stop()
        }
    }

    static let refused: [(resource: String, version: String, String)] = [
        (
            "example.com/gpu", "v1alpha1",
            "requested API version \"v1alpha1\" is not supported by kubelet. Supported version is [\"v1beta1\"]"
        ),
        ("gpu", "v1beta1", "the ResourceName \"gpu\" is invalid"),
        ("kubernetes.io/gpu", "v1beta1", "the ResourceName \"kubernetes.io/gpu\" is invalid"),
    ]

    @Test func refusesPlugins() async throws {
        let bench = Bench()
        try await bench.run {
            try await socketIsThere(bench)
            for (resource, version, message) in Self.refused {
                let maker = DeviceMaker(["a"], resource: resource, root: bench.context.configuration.rootDirectory)
                let failure = await #expect(throws: GRPCFailure.self) { try await maker.start(version: version) }
                #expect(failure?.message == message)
                await maker.stop()
            }
        }
    }

    @Test func aPluginThatFails() async throws {
        let bench = Bench()
        bench.client.put(.nodes, makeNode())
        let maker = maker(bench)
        try await bench.run {
            try await socketIsThere(bench)
            maker.state.withLock { $0.failures["Allocate"] = "out of order" }
            try await maker.start()
            try await has(bench, 3, of: 3)
            bench.client.put(.pods, makePod(spec: Self.spec(1)))
            let status = try await bench.wait("refused") { $0["phase"].string == "Failed" }
            #expect(
                status["message"].string
                    == "Pod was rejected: Allocate failed due to rpc error: code = Unknown desc = out of order, which is unexpected")
            // Nothing of it is held.
            #expect(bench.context.devices.health(of: "uid-web").isEmpty)
        }
        await maker.stop()
    }

    // MARK: The plan

    private func book(_ devices: [Device], taken: [String] = [], prefers: Bool = false) -> DeviceBook {
        var book = DeviceBook()
        let plugin = DevicePlugin(resource: "r/d", options: ["get_preferred_allocation_available": .bool(prefers)])
        _ = book.connect(plugin)
        _ = book.update(plugin, devices)
        if !taken.isEmpty { book[.init(pod: "other", container: "c", resource: "r/d")] = .init(ids: Set(taken), response: .emptyObject) }
        return book
    }

    private let owner = DeviceBook.Owner(pod: "p", container: "c", resource: "r/d")

    @Test func chooses() throws {
        let four = (0..<4).map { Device(id: "d\($0)", nodes: [$0 / 2]) }
        #expect(try book(four).choose(owner, 2, reusable: []) == .devices(["d0", "d1"]))
        #expect(try book(four, taken: ["d0"]).choose(owner, 2, reusable: []) == .devices(["d1", "d2"]))
        // What is the pod's already comes first.
        #expect(try book(four, taken: ["d3"]).choose(owner, 2, reusable: ["d3"]) == .devices(["d3", "d0"]))
        // Near what the pod has else, then anything.
        #expect(try book(four).choose(owner, 2, reusable: [], affinity: [1]) == .devices(["d2", "d3"]))
        #expect(try book(four).choose(owner, 3, reusable: [], affinity: [1]) == .devices(["d2", "d3", "d0"]))
        // The plugin is asked for what is left to choose, and need not be listened to.
        let asking = book(four, prefers: true)
        #expect(
            try asking.choose(owner, 3, reusable: [], affinity: [1])
                == .ask(available: ["d0", "d1", "d2", "d3"], including: ["d2", "d3"], count: 3))
        #expect(try asking.choose(owner, 3, reusable: [], affinity: [1], preferred: ["d1"]) == .devices(["d1", "d2", "d3"]))
        #expect(try asking.choose(owner, 3, reusable: [], affinity: [1], preferred: ["x"]) == .devices(["d0", "d2", "d3"]))
    }

    @Test func refuses() {
        func refusal(_ book: DeviceBook, _ count: Int, _ owner: DeviceBook.Owner? = nil) -> String? {
            do { _ = try book.choose(owner ?? self.owner, count, reusable: []) } catch { return error.description }
            return nil
        }
        let one = book([Device(id: "a")])
        #expect(refusal(one, 2) == "requested number of devices unavailable for r/d. Requested: 2, Available: 1")
        #expect(
            refusal(one, 1, .init(pod: "p", container: "c", resource: "r/other")) == "cannot allocate unregistered device r/other")
        #expect(
            refusal(book([Device(id: "a", isHealthy: false)]), 1)
                == "no healthy devices present; cannot allocate unhealthy devices r/d")
        let others = DeviceBook.Owner(pod: "other", container: "c", resource: "r/d")
        #expect(
            refusal(book([Device(id: "a"), Device(id: "b", isHealthy: false)], taken: ["b"]), 1, others)
                == "previously allocated devices are no longer healthy; cannot allocate unhealthy devices r/d")
        #expect(
            refusal(book([Device(id: "a")], taken: ["a"]), 2, others)
                == "pod \"other\" container \"c\" changed request for resource \"r/d\" from 1 to 2")
    }

    @Test func whatIsGoneIsToldOfForAWhile() {
        var book = book([Device(id: "a")])
        let plugin = book.resources["r/d"]!.plugin!
        let wasThere = book.disconnect(plugin, now: 0)
        #expect(wasThere)
        #expect(book.figures(now: DeviceBook.grace) == .init(capacity: ["r/d": 1], allocatable: ["r/d": 0]))
        #expect(book.figures(now: DeviceBook.grace + 1) == .init(removed: ["r/d"]))
        // One that was replaced has nothing to say.
        let (isThere, pods) = (book.disconnect(plugin, now: 0), book.update(plugin, []))
        #expect(!isThere && pods == nil)
    }

    @Test func checkpoints() {
        var book = book([Device(id: "a", nodes: [0, 1]), Device(id: "b")])
        let response: Value = ["envs": ["A": "1"], "devices": [["container_path": "/dev/a", "host_path": "/dev/a", "permissions": "r"]]]
        book[owner] = .init(ids: ["a", "b"], response: response, nodes: ["a": [0, 1]])
        // What the plugin has not agreed to yet is nobody's.
        book[.init(pod: "q", container: "c", resource: "r/d")] = .init(ids: ["b"])
        let read = DeviceCheckpoint.decode(DeviceCheckpoint.encode(book), now: 7)
        #expect(read?.grants == ["p": ["c": ["r/d": .init(ids: ["a", "b"], response: response, nodes: ["a": [0, 1]])]]])
        #expect(read?.resources["r/d"]?.stoppedAt == 7 && read?.figures(now: 7).capacity == ["r/d": 0])
        for text in ["", "[]", "{\"Data\":[]}", "{\"Data\":{\"PodDeviceEntries\":[{}]}}"] {
            #expect(DeviceCheckpoint.decode(Array(text.utf8), now: 0) == nil)
        }
    }
}
