import APIModel
import FileSystem
import Synchronization
import TestSupport
import Testing

@testable import Kubelet

/// Processors of their own for containers, and NUMA nodes that go together.
@Suite struct AlignmentTests {
    /// Two sockets, a NUMA node each, of two cores of two threads: 0 and 4 share a core, and so on.
    static let two: CPUTopology = CPUTopology(
        Dictionary(uniqueKeysWithValues: (0..<8).map { ($0, CPUTopology.Place(core: $0 % 4, socket: $0 % 4 / 2, node: $0 % 4 / 2)) }))

    @Test(arguments: [("0-3,6", "0-3,6"), ("", ""), ("2", "2"), ("3,1,2", "1-3"), ("1,3,5", "1,3,5"), ("0-1,1-2", "0-2")])
    func readsLists(_ text: String, _ canonical: String) { #expect(CPUSet(text)?.description == canonical) }

    @Test(arguments: ["a", "1-", "-1", "3-1", "1,,2", "1-2-3", "0-99999999999", "1 2", ","])
    func refusesLists(_ text: String) { #expect(CPUSet(text) == nil) }

    @Test func readsTheMachine() throws {
        let place = TemporaryDirectory()
        defer { place.remove() }
        let root = try place.directory
        func write(_ path: String, _ text: String) throws {
            let parts = path.split(separator: "/").map(String.init)
            try root.make(parts.dropLast().joined(separator: "/")).create(parts[parts.count - 1], Array((text + "\n").utf8), mode: 0o644)
        }
        try write("cpu/online", "0-2")
        for (id, socket, siblings) in [(0, "0", "0,2"), (1, "-1", "1"), (2, "0", "0,2")] {
            try write("cpu/cpu\(id)/topology/physical_package_id", socket)
            try write("cpu/cpu\(id)/topology/thread_siblings_list", siblings)
        }
        try write("node/node0/cpulist", "0,2")
        try write("node/node1/cpulist", "1")
        #expect(
            CPUTopology.read(place.path)
                == CPUTopology([
                    0: .init(core: 0, socket: 0, node: 0), 1: .init(core: 1, socket: 0, node: 1), 2: .init(core: 0, socket: 0, node: 0),
                ]))
    }

    static let packings: [(count: Int, available: String, String)] = [
        (1, "0-7", "0"), (2, "0-7", "0,4"), (3, "0-7", "0-1,4"), (4, "0-7", "0-1,4-5"), (6, "0-7", "0-2,4-6"), (8, "0-7", "0-7"),
        // The node that has less left is used up first, and a core that is whole before one that is not.
        (2, "1-7", "1,5"), (1, "1-7", "4"), (1, "0,2-7", "5"), (4, "1-7", "2-3,6-7"), (0, "0-7", ""), (3, "4-7", "4-6"),
    ]

    @Test(arguments: packings) func packs(_ count: Int, _ available: String, _ expected: String) throws {
        #expect(try CPUPacking.take(count, of: CPUSet(available)!, Self.two).description == expected)
    }

    @Test func hasNoMoreThanThereIs() {
        #expect(throws: CPUPacking.Shortage(requested: 3, available: 2)) { try CPUPacking.take(3, of: CPUSet("0-1")!, Self.two) }
    }

    // MARK: Who gets processors

    private static func container(_ name: String, _ cpu: String, limit: String? = nil) -> Value {
        let memory = Value.string("64Mi")
        return [
            "name": .string(name), "image": "web:1",
            "resources": [
                "requests": ["cpu": .string(cpu), "memory": memory], "limits": ["cpu": .string(limit ?? cpu), "memory": memory],
            ],
        ]
    }

    @Test(arguments: [("2", "2", 2), ("1500m", "1500m", 0), ("2000m", "2", 2), ("1", "2", 0)])
    func countsWhole(_ request: String, _ limit: String, _ count: Int) {
        let own = Self.container("web", request, limit: limit)
        #expect(CPUAssignments.count(for: own, of: pod(["containers": [own]])) == count)
    }

    @Test func initContainersLeaveTheirsToOthers() throws {
        var sidecar = Self.container("side", "1")
        sidecar["restartPolicy"] = "Always"
        let web = pod([
            "initContainers": [Self.container("first", "2"), sidecar, Self.container("second", "2")],
            "containers": [Self.container("web", "2"), Self.container("also", "1")],
        ])
        var assignments = CPUAssignments(topology: Self.two, reserved: CPUSet("0")!)
        for container in web.initContainers + web.containers { try assignments.assign(container, of: web, affinity: nil) }
        let own = assignments.own[web.uid]!.mapValues(\.description)
        #expect(own["first"] == "1,5" && own["second"]?.contains(own["side"]!) == false)
        // Six are asked for at once at most, of seven that can be had.
        #expect(Set(["side", "web", "also"].flatMap { assignments.own[web.uid]![$0]!.ids }).count == 4)
        #expect(assignments.shared.ids.contains(0))
        _ = assignments.release(web.uid)
        #expect(assignments.shared == Self.two.all)
    }

    @Test func assignsNearAndKeepsOverARestart() throws {
        var assignments = CPUAssignments(topology: Self.two, reserved: CPUSet("0")!)
        let web = pod(["containers": [Self.container("web", "3")]])
        try assignments.assign(web.containers[0], of: web, affinity: NodeMask([1]))
        #expect(assignments.own == [web.uid: ["web": CPUSet("2-3,6")!]])
        var next = CPUAssignments(topology: Self.two, reserved: CPUSet("0")!)
        try next.restore(JSON.decode(assignments.checkpoint))
        #expect(next == assignments)
        let kept = try JSON.decode(assignments.checkpoint)
        #expect(kept["defaultCpuSet"].string == "0-1,4-5,7" && kept["entries"][web.uid]["web"].string == "2-3,6")
    }

    static let unfit: [(Value, String)] = [
        (["defaultCpuSet": "0-5"], "current set of available CPUs \"0-7\" doesn't match with CPUs in state \"0-5\""),
        (["defaultCpuSet": "1-7"], "not all reserved cpus: \"0\" are present in defaultCpuSet: \"1-7\""),
        (
            ["defaultCpuSet": "0-7", "entries": ["p": ["c": "3"]]],
            "pod: p, container: c cpuset: \"3\" overlaps with default cpuset \"0-7\""
        ),
        (["defaultCpuSet": "0-6", "entries": ["p": ["c": "x"]]], "pod: p, container: c has no cpuset"),
        (.null, "it holds no defaultCpuSet"),
    ]

    @Test(arguments: unfit) func refusesWhatDoesNotFit(_ file: Value, _ message: String) {
        var assignments = CPUAssignments(topology: Self.two, reserved: CPUSet("0")!)
        #expect(throws: ConfigurationError.self) { try assignments.restore(file) }
        do throws(ConfigurationError) { try assignments.restore(file) } catch { #expect(error.message == message) }
    }

    // MARK: Where

    private static func hint(_ nodes: [Int]?, _ isPreferred: Bool = true) -> TopologyHint {
        TopologyHint(nodes: nodes.map { NodeMask($0) }, isPreferred: isPreferred)
    }

    /// Hints a resource, and for each policy where: `nil` when it is refused, empty for anywhere.
    static let meetings: [(wishes: [[TopologyHint]?], [TopologyPolicy: [Int]?])] = [
        ([nil], [.bestEffort: [0, 1], .restricted: [0, 1], .singleNUMANode: []]),
        ([[hint([0]), hint([1]), hint([0, 1], false)]], [.bestEffort: [0], .restricted: [0], .singleNUMANode: [0]]),
        ([[hint([0]), hint([1])], [hint([1])]], [.bestEffort: [1], .restricted: [1], .singleNUMANode: [1]]),
        // Nothing can be near everything.
        ([[hint([0])], [hint([1])]], [.bestEffort: [0, 1], .restricted: nil, .singleNUMANode: nil]),
        ([[]], [.bestEffort: [0, 1], .restricted: nil, .singleNUMANode: nil]),
        // It needs both.
        ([[hint([0, 1])]], [.bestEffort: [0, 1], .restricted: [0, 1], .singleNUMANode: nil]),
        // One node would do, and has too little left.
        ([[hint([0, 1], false)]], [.bestEffort: [0, 1], .restricted: nil, .singleNUMANode: nil]),
        // The one needs two, so that the other may have two.
        ([[hint([0]), hint([0, 1], false)], [hint([0, 1])]], [.bestEffort: [0, 1], .restricted: nil, .singleNUMANode: nil]),
    ]

    @Test(arguments: meetings) func merges(_ wishes: [[TopologyHint]?], _ expected: [TopologyPolicy: [Int]?]) {
        for (policy, expected) in expected {
            let place = Result { try policy.place(for: wishes, nodes: NodeMask([0, 1])) }
            let found = try? place.get().nodes.map { $0.nodes.sorted() } ?? []
            #expect(found == expected, "\(policy)")
        }
    }

    @Test func hintsOfProcessors() throws {
        var assignments = CPUAssignments(topology: Self.two, reserved: CPUSet("0")!)
        func hints(_ count: String) -> [TopologyHint]? {
            let own = Self.container("web", count)
            return assignments.hints(for: own, of: pod(["containers": [own]]))
        }
        #expect(hints("3") == [Self.hint([0]), Self.hint([1]), Self.hint([0, 1], false)])
        // One node has four, of which one is set aside.
        #expect(hints("4") == [Self.hint([1]), Self.hint([0, 1], false)])
        #expect(hints("5") == [Self.hint([0, 1])])
        #expect(hints("8") == [] && hints("500m") == nil)
        let other = Pod(Object(makePod("other", spec: ["containers": [Self.container("web", "2")]])))
        try assignments.assign(other.containers[0], of: other, affinity: NodeMask([1]))
        #expect(hints("4") == [Self.hint([0, 1], false)])
    }

    // MARK: On a node

    private static func isStatic(_ configuration: inout KubeletConfiguration) {
        configuration.cpuPolicy = .static
        configuration.reservedCPUs = "0"
        configuration.topologyPolicy = .restricted
        // A container of which nobody knew yet that it runs is moved at the next look.
        configuration.cpuReconcilePeriod = 1
    }

    private func put(_ bench: Bench, _ name: String, _ cpu: String, limit: String? = nil) {
        var own = Self.container("web", cpu, limit: limit)
        own["name"] = .string("c-\(name)")
        bench.client.put(.pods, makePod(name, spec: ["containers": [own]]))
    }

    @Test func aContainerHasItsOwnProcessors() async throws {
        let bench = Bench(topology: Self.two, Self.isStatic)
        bench.client.put(.nodes, makeNode(allocatable: ["cpu": "7"]))
        @Sendable func cpus(_ name: String) -> String? { bench.runtime.config(name)[path: "linux", "resources", "cpuset_cpus"].string }
        @Sendable func moved(_ name: String) -> String? {
            bench.runtime.state.withLock { state in
                state.containers.values.first { $0["labels"][Label.containerName].string == name }?["updated"]["cpuset_cpus"].string
            }
        }
        try await bench.run(isFollowed: true) {
            put(bench, "shared", "500m")
            try await bench.wait("shared runs", of: "shared") { $0["phase"].string == "Running" }
            #expect(cpus("c-shared") == "0-7")
            put(bench, "own", "4")
            try await bench.wait("own runs", of: "own") { $0["phase"].string == "Running" }
            // A whole node can be had.
            #expect(cpus("c-own") == "2-3,6-7")
            #expect(bench.runtime.config("c-own")[path: "linux", "resources", "cpu_quota"].int == -1)
            try await bench.eventually("the others are moved") { moved("c-shared") == "0-1,4-5" }
            // Two nodes would have to be used where one would do.
            put(bench, "wide", "4")
            let refused = try await bench.wait("refused", of: "wide") { $0["phase"].string == "Failed" }
            #expect(refused["reason"].string == "TopologyAffinityError")
            #expect(refused["message"].string == "Pod was rejected: Resources cannot be allocated with Topology locality")
        }
        let next = Bench(after: bench, topology: Self.two, Self.isStatic)
        try await next.run {
            next.runtime.exit("c-own", code: 1)
            try await next.eventually("it starts again") { next.runtime.running().contains("c-own") }
            #expect(cpus("c-own") == "2-3,6-7")
            next.client.markDeleted("own", grace: 0)
            try await next.eventually("what was its own is everybody's") { moved("c-shared") == "0-7" }
        }
    }

    @Test func refusesAnotherPolicyThanBefore() async throws {
        let bench = Bench(topology: Self.two)
        defer { bench.directory.remove() }
        let root = bench.context.configuration.rootDirectory
        _ = try Directory.make(root)
        try Files.replace(root + "/cpu_manager_state", Array("{\"policyName\":\"static\"}".utf8), mode: 0o600)
        let error = await #expect(throws: ConfigurationError.self) { try await bench.context.cpus.load() }
        #expect(
            error?.message
                == "could not restore state from checkpoint: configured policy \"none\" differs from state checkpoint policy \"static\", please drain this node and delete the CPU manager checkpoint file \"\(root)/cpu_manager_state\" before restarting Kubelet"
        )
    }

    @Test func refusesWhatTheMachineHasNot() {
        var configuration = KubeletConfiguration(
            nodeName: "node", nodeAddresses: [], podCIDRs: [], rootDirectory: "", podLogsDirectory: "", version: "")
        #expect(CPUManager.problem(configuration, Self.two) == nil)
        configuration.cpuPolicy = .static
        #expect(
            CPUManager.problem(configuration, Self.two)
                == "[cpumanager] the static policy requires systemreserved.cpu + kubereserved.cpu to be greater than zero")
        configuration.kubeReserved = ["cpu": "8100m"]
        #expect(
            CPUManager.problem(configuration, Self.two)
                == "[cpumanager] unable to reserve the required amount of CPUs (size of 0-7 did not equal 9)")
        configuration.reservedCPUs = "7-8"
        #expect(
            CPUManager.problem(configuration, Self.two)
                == "unable to reserve the required amount of CPUs: 8 of reservedSystemCPUs are not there")
        configuration.reservedCPUs = "6-7"
        #expect(CPUManager.problem(configuration, Self.two) == nil)
        #expect(TopologyPolicy.restricted.problem(NodeMask(0..<9)) != nil && TopologyPolicy.none.problem(NodeMask(0..<9)) == nil)
    }
}
