import APIModel
import FileSystem
import OrderedCollections
import Testing

@testable import Kubelet

/// Memory of their own for containers, at NUMA nodes that go together.
@Suite struct MemoryManagerTests {
    private static let gigabyte = Whole(1 << 30)
    /// Two nodes of 10 GB each, one of which is set aside, and half a GB in huge pages.
    static let two = MemoryTopology(nodes: [
        0: ["memory": 10 * gigabyte, "hugepages-2Mi": gigabyte / 2], 1: ["memory": 10 * gigabyte, "hugepages-2Mi": gigabyte / 2],
    ])
    private static let reserved: [Int: [String: Whole]] = [0: ["memory": gigabyte], 1: ["memory": gigabyte]]
    private static func assignments() -> MemoryAssignments { MemoryAssignments(topology: two, reserved: reserved) }

    static func container(_ name: String, _ memory: String, pages: String? = nil) -> Value {
        var amounts: Value = ["cpu": "1", "memory": .string(memory)]
        if let pages { amounts["hugepages-2Mi"] = .string(pages) }
        return ["name": .string(name), "image": "web:1", "resources": ["requests": amounts, "limits": amounts]]
    }

    private static func alone(_ uid: String, _ memory: String, pages: String? = nil) -> Pod {
        var object = makePod(uid, spec: ["containers": [container("web", memory, pages: pages)]])
        object["metadata"]["uid"] = .string(uid)
        return Pod(Object(object))
    }

    private static func hint(_ nodes: [Int], _ isPreferred: Bool) -> TopologyHint {
        TopologyHint(nodes: NodeMask(nodes), isPreferred: isPreferred)
    }

    // MARK: What there is

    @Test func readsTheMachine() throws {
        let place = TemporaryDirectory()
        defer { place.remove() }
        let machine = Machine(rootDirectory: "/tmp", kubeletVersion: "")
        #expect(MemoryTopology.read(machine, place.path).nodes[0]?["memory"] == machine.memory)
        for (node, kilobytes, pages) in [(0, 2048, "3"), (2, 4096, "0")] {
            let directory = try place.directory.make("node\(node)")
            try directory.create(
                "meminfo", Array("Node \(node) MemTotal:    \(kilobytes) kB\nNode \(node) MemFree:  7 kB\n".utf8), mode: 0o644)
            try directory.make("hugepages/hugepages-2048kB").create("nr_hugepages", Array("\(pages)\n".utf8), mode: 0o644)
        }
        let read = MemoryTopology.read(machine, place.path).nodes
        #expect(read == [0: ["memory": 2 << 20, "hugepages-2Mi": 6 << 20], 2: ["memory": 4 << 20, "hugepages-2Mi": 0]])
    }

    // MARK: Who gets it, and where

    /// What a container gets when the pods before it have theirs, and what it cannot have.
    static let places: [(before: [String], memory: String, place: TopologyHint, [Int]?, String)] = [
        ([], "4Gi", .anywhere, [0], ""), (["6Gi"], "4Gi", .anywhere, [1], ""), ([], "4Gi", hint([1], true), [1], ""),
        // More than one node has; then nobody may have a part of one of the two alone, unless there is no other way.
        ([], "12Gi", .anywhere, [0, 1], ""),
        (["4Gi"], "12Gi", .anywhere, nil, "failed to get the default NUMA affinity, no NUMA nodes with enough memory is available"),
        (["12Gi"], "4Gi", .anywhere, [0, 1], ""), (["12Gi"], "4Gi", hint([0], false), [0, 1], ""),
        ([], "12Gi", hint([0], false), [0, 1], ""),
        ([], "4Gi", hint([0, 1], false), [0, 1], ""),
        (["4Gi"], "1Gi", hint([0, 1], false), nil, "preferred hint violates NUMA node allocation"),
        (["6Gi", "6Gi"], "4Gi", .anywhere, nil, "failed to get the default NUMA affinity, no NUMA nodes with enough memory is available"),
        (["12Gi"], "4Gi", TopologyHint(nodes: nil, isPreferred: true), nil, "failed to find the default preferred hint"),
        (["6Gi"], "4Gi", hint([0], true), nil, "failed to find NUMA nodes to extend the current topology hint"),
    ]

    @Test(arguments: places)
    func gives(_ before: [String], _ memory: String, _ place: TopologyHint, _ nodes: [Int]?, _ problem: String) throws {
        var assignments = Self.assignments()
        for (index, amount) in before.enumerated() {
            let pod = Self.alone("before-\(index)", amount)
            try assignments.assign(pod.containers[0], of: pod, at: .anywhere)
        }
        let untouched = assignments
        let pod = Self.alone("web", memory)
        do throws(MemoryAssignments.Failure) {
            try assignments.assign(pod.containers[0], of: pod, at: place)
            #expect(assignments.own["web"]?["web"]?.first?.nodes.nodes.sorted() == nodes)
            // A container that has its own keeps it, and leaves everything as it was.
            let given = assignments
            try assignments.assign(pod.containers[0], of: pod, at: .anywhere)
            #expect(assignments == given)
            let released = (assignments.release("web"), assignments.release("web"))
            #expect(released.0 && !released.1 && assignments.own == untouched.own)
            #expect(Self.taken(assignments) == Self.taken(untouched))
        } catch {
            #expect(nodes == nil && error.description == "[memorymanager] " + problem)
            #expect(assignments == untouched)
        }
    }

    private static func taken(_ assignments: MemoryAssignments) -> Whole {
        assignments.nodes.values.reduce(Whole(0)) { $0 + ($1.tables["memory"]?.taken ?? 0) }
    }

    @Test func hintsOfMemory() throws {
        var assignments = Self.assignments()
        func hints(_ memory: String, pages: String? = nil) -> [[TopologyHint]] {
            let pod = Self.alone("web", memory, pages: pages)
            #expect(assignments.hints(for: pod) == assignments.hints(for: pod.containers[0], of: pod))
            return assignments.hints(for: pod)
        }
        #expect(hints("4Gi") == [[Self.hint([0], true), Self.hint([1], true), Self.hint([0, 1], false)]])
        #expect(hints("4Gi", pages: "768Mi") == Array(repeating: [Self.hint([0, 1], true)], count: 2))
        #expect(hints("20Gi") == [])
        let first = Self.alone("first", "4Gi")
        try assignments.assign(first.containers[0], of: first, at: .anywhere)
        #expect(hints("4Gi") == [[Self.hint([0], true), Self.hint([1], true)]])
        // What it has is where it should be, unless it asks for something else.
        #expect(assignments.hints(for: first) == [[Self.hint([0], true)]])
        #expect(assignments.hints(for: Self.alone("first", "5Gi")) == [])
        // Nobody is promised anything.
        var unlimited = Self.container("web", "4Gi")
        unlimited["resources"]["limits"] = .null
        #expect(assignments.hints(for: Pod(Object(makePod("other", spec: ["containers": [unlimited]])))) == [])
    }

    @Test func initContainersLeaveTheirsToOthers() throws {
        var sidecar = Self.container("side", "1Gi")
        sidecar["restartPolicy"] = "Always"
        let web = pod([
            "initContainers": [Self.container("first", "6Gi"), sidecar],
            "containers": [Self.container("web", "4Gi"), Self.container("b", "1Gi")],
        ])
        var assignments = Self.assignments()
        for container in web.initContainers + web.containers { try assignments.assign(container, of: web, at: Self.hint([0], true)) }
        #expect(MemoryAssignments.wanted(by: web)["memory"] == 6 * Self.gigabyte)
        // Six in all, of which the first one has nothing to itself any more.
        #expect(assignments.nodes[0]?.tables["memory"]?.taken == 6 * Self.gigabyte)
        #expect(assignments.own[web.uid]?["first"]?.first?.size == 0)
        let released = assignments.release(web.uid)
        #expect(released && assignments == Self.assignments())
    }

    // MARK: Over a restart

    @Test func keepsItOverARestart() throws {
        var assignments = Self.assignments()
        for (uid, memory) in [("a", "4Gi"), ("b", "3Gi")] {
            let pod = Self.alone(uid, memory, pages: "64Mi")
            try assignments.assign(pod.containers[0], of: pod, at: .anywhere)
        }
        var next = Self.assignments()
        let file = try JSON.decode(assignments.checkpoint)
        try next.restore(file)
        #expect(next == assignments && file["policyName"].string == "Static")
        let node = file["machineState"]["0"]
        #expect(node["numberOfAssignments"].int == 4 && node["cells"].elements == [0])
        #expect(node["memoryMap"]["memory"]["reserved"].int == 7 * Self.gigabyte)
        #expect(file["entries"]["a"]["web"][1]["type"].string == "memory")
    }

    static let unfit: [(Value, String)] = [
        (["machineState": .emptyObject], "the expected machine state is different from the real one"),
        (
            ["entries": ["p": ["c": [["numaAffinity": [4], "type": "memory", "size": 5]]]]],
            "(pod: p, container: c) the memory assignment uses the NUMA that does not exist"
        ),
        (
            ["entries": ["p": ["c": [["numaAffinity": [1], "type": "hugepages-1Gi", "size": 5]]]]],
            "(pod: p, container: c) the memory assignment uses memory resource that does not exist"
        ),
    ]

    @Test(arguments: unfit) func refusesWhatDoesNotFit(_ file: Value, _ message: String) {
        var assignments = Self.assignments()
        do throws(ConfigurationError) {
            try assignments.restore(file)
            Issue.record("taken over")
        } catch {
            #expect(error.message == "[memorymanager] " + message)
        }
    }

    // MARK: On a node

    private static func isStatic(_ configuration: inout KubeletConfiguration) {
        configuration.memoryPolicy = .static
        configuration.reservedMemory = reserved
        configuration.topologyPolicy = .singleNUMANode
    }

    private static func put(_ bench: Bench, _ name: String, _ memory: String) {
        bench.client.put(.pods, makePod(name, spec: ["containers": [container("c-\(name)", memory)]]))
    }

    @Test func aContainerHasItsOwnMemory() async throws {
        let bench = Bench(topology: AlignmentTests.two, memory: Self.two, Self.isStatic)
        bench.client.put(.nodes, makeNode(allocatable: ["cpu": "7", "memory": "18Gi"]))
        @Sendable func nodes(_ name: String) -> String? { bench.runtime.config(name)[path: "linux", "resources", "cpuset_mems"].string }
        try await bench.run(isFollowed: true) {
            Self.put(bench, "one", "6Gi")
            try await bench.wait("runs", of: "one") { $0["phase"].string == "Running" }
            Self.put(bench, "two", "6Gi")
            try await bench.wait("runs", of: "two") { $0["phase"].string == "Running" }
            #expect(nodes("c-one") == "0" && nodes("c-two") == "1")
            // There is enough, and nowhere in one place.
            Self.put(bench, "three", "4Gi")
            let refused = try await bench.wait("refused", of: "three") { $0["phase"].string == "Failed" }
            #expect(refused["reason"].string == "UnexpectedAdmissionError")
            let reason = "[memorymanager] failed to get the default NUMA affinity, no NUMA nodes with enough memory is available"
            #expect(refused["message"].string == "Pod was rejected: Allocate failed due to \(reason), which is unexpected")
        }
        let next = Bench(after: bench, topology: AlignmentTests.two, memory: Self.two, Self.isStatic)
        try await next.run {
            next.runtime.exit("c-two", code: 1)
            try await next.eventually("it starts again") { next.runtime.running().contains("c-two") }
            #expect(nodes("c-two") == "1")
        }
    }

    @Test func refusesWhatTheMachineHasNot() {
        let machine = Machine(rootDirectory: "/tmp", kubeletVersion: "")
        var configuration = KubeletConfiguration(
            nodeName: "node", nodeAddresses: [], podCIDRs: [], rootDirectory: "", podLogsDirectory: "", version: "")
        func problem() -> String? { MemoryManager.problem(configuration, Self.two, machine) }
        #expect(problem() == nil)
        configuration.memoryPolicy = .static
        configuration.kubeReserved = ["memory": "1Gi", "cpu": "1"]
        // What is kept free so that no pod has to go is 100 MiB.
        let value = "determined by Node Allocatable feature"
        #expect(problem() == "the total amount \"0\" of type \"memory\" is not equal to the value \"1124Mi\" \(value)")
        configuration.reservedMemory = [7: ["memory": Self.gigabyte]]
        #expect(problem() == "the reserved memory configuration references a NUMA node 7 that does not exist on this machine")
        configuration.reservedMemory = [0: ["memory": Self.gigabyte], 1: ["memory": 100 << 20]]
        #expect(problem() == nil)
    }
}
