import APIModel
import FileSystem
import Synchronization
import TestSupport
import Testing

@testable import Kubelet

/// A node that is short of something: what it says of itself, who goes, and what is removed before.
@Suite struct NodePressureTests {
    private static let second: Whole = 1_000_000_000

    private static func policy(
        hard: [String: String] = [:], soft: [String: String] = [:], grace: [String: Whole] = [:], reclaim: [String: String] = [:],
        transition: Whole = 300
    ) throws(EvictionPolicy.Problem) -> EvictionPolicy {
        var settings = EvictionSettings()
        (settings.hard, settings.soft, settings.softGrace) = (hard, soft, grace)
        (settings.minimumReclaim, settings.transitionPeriod) = (reclaim, transition)
        return try EvictionPolicy(settings)
    }

    private static func figures(_ signal: EvictionSignal, _ available: Whole, of capacity: Whole) -> NodeFigures {
        NodeFigures(observations: [signal: Observation(available: available, capacity: capacity)])
    }

    // MARK: Thresholds

    @Test func upstreamsThresholdsAreTheDefault() throws {
        let policy = EvictionPolicy.standard
        #expect(
            policy.thresholds.map(\.signal) == [.memory, .nodeStorage, .nodeInodes, .imageStorage, .imageInodes]
                && policy.thresholds.allSatisfy { $0.grace == nil })
        #expect(policy.reserved(.memory, of: 1 << 30) == 100 << 20 && policy.reserved(.nodeStorage, of: 1000) == 100)
        #expect(policy.reserved(.processes, of: 1000) == 0)
        #expect(try Self.policy(hard: ["memory.available": "0%", "pid.available": "12.5%"]).thresholds.map(\.signal) == [.processes])
    }

    static let wrong: [(hard: [String: String], soft: [String: String], String)] = [
        (["memory.free": "1"], [:], "unsupported eviction signal memory.free"),
        (["memory.available": "-1"], [:], "eviction threshold memory.available must be positive: -1"),
        (["memory.available": "much"], [:], "eviction threshold memory.available is no amount: much"),
        (["memory.available": "110%"], [:], "eviction percentage threshold memory.available must be <= 100%: 110%"),
        (["memory.available": "-1%"], [:], "eviction percentage threshold memory.available must be >= 0%: -1%"),
        ([:], ["memory.available": "1Gi"], "grace period must be specified for the soft eviction threshold memory.available"),
    ]

    @Test(arguments: wrong) func whatIsNoThresholdIsRefused(_ hard: [String: String], _ soft: [String: String], _ problem: String) {
        #expect(throws: EvictionPolicy.Problem(description: problem)) { try Self.policy(hard: hard, soft: soft) }
    }

    @Test(
        arguments: [
            ("0", nil), ("0Mi", nil), ("500Mi", nil), ("150%", nil),
            ("0%", "eviction percentage minimum reclaim nodefs.available must be positive: 0%"),
            ("-1%", "eviction percentage minimum reclaim nodefs.available must be positive: -1%"),
            ("-1", "negative eviction minimum reclaim specified for nodefs.available"),
            ("inf%", "eviction threshold nodefs.available is no amount: inf%"),
        ] as [(String, String?)])
    func whatIsToBeGotBack(_ amount: String, _ problem: String?) {
        var found: String?
        do { _ = try Self.policy(hard: ["nodefs.available": "1Gi"], reclaim: ["nodefs.available": amount]) } catch {
            found = error.description
        }
        #expect(found == problem)
    }

    @Test func thresholdsOfContainersAreThoseOfTheirDisk() throws {
        let policy = try Self.policy(
            hard: ["containerfs.available": "10%", "nodefs.available": "1Gi"], soft: ["containerfs.inodesFree": "5%"])
        #expect(policy.thresholds.map(\.signal) == [.nodeStorage])
    }

    @Test func aHardThresholdActsAtOnceAndIsSaidForAWhile() throws {
        var pressure = NodePressure(policy: try Self.policy(hard: ["memory.available": "10%"], transition: 300))
        #expect(pressure.observe(Self.figures(.memory, 100, of: 1000), at: 0).isEmpty && pressure.conditions.isEmpty)
        #expect(pressure.observe(Self.figures(.memory, 99, of: 1000), at: 10 * Self.second).map(\.signal) == [.memory])
        #expect(pressure.conditions == ["MemoryPressure"])
        #expect(pressure.observe(Self.figures(.memory, 500, of: 1000), at: 20 * Self.second).isEmpty)
        #expect(pressure.conditions == ["MemoryPressure"])
        _ = pressure.observe(Self.figures(.memory, 500, of: 1000), at: 309 * Self.second)
        #expect(pressure.conditions == ["MemoryPressure"])
        _ = pressure.observe(Self.figures(.memory, 500, of: 1000), at: 310 * Self.second)
        #expect(pressure.conditions.isEmpty)
    }

    @Test func aSoftThresholdHasToLast() throws {
        let policy = try Self.policy(
            hard: [:], soft: ["nodefs.available": "1Gi"], grace: ["nodefs.available": 30], transition: 1)
        var pressure = NodePressure(policy: policy)
        let (low, high) = (Self.figures(.nodeStorage, 1, of: 1 << 40), Self.figures(.nodeStorage, 1 << 31, of: 1 << 40))
        #expect(pressure.observe(low, at: 0).isEmpty && pressure.conditions == ["DiskPressure"])
        #expect(pressure.observe(low, at: 29 * Self.second).isEmpty)
        // It begins anew after a moment with enough.
        #expect(pressure.observe(high, at: 29 * Self.second).isEmpty)
        #expect(pressure.observe(low, at: 30 * Self.second).isEmpty)
        #expect(pressure.observe(low, at: 60 * Self.second).map(\.signal) == [.nodeStorage])
    }

    @Test func asMuchAsIsToBeGotBackCounts() throws {
        let policy = try Self.policy(hard: ["imagefs.inodesFree": "100"], reclaim: ["imagefs.inodesFree": "50"])
        var pressure = NodePressure(policy: policy)
        let between = Self.figures(.imageInodes, 120, of: 1000)
        // Not short of it yet.
        #expect(pressure.observe(between, at: 0).isEmpty)
        #expect(pressure.observe(Self.figures(.imageInodes, 99, of: 1000), at: Self.second).count == 1)
        #expect(pressure.observe(between, at: 2 * Self.second).count == 1 && !pressure.isSatisfied(between))
        let enough = Self.figures(.imageInodes, 150, of: 1000)
        #expect(pressure.isSatisfied(enough) && pressure.observe(enough, at: 3 * Self.second).isEmpty)
    }

    @Test func memoryComesFirst() throws {
        var pressure = NodePressure(policy: try Self.policy(hard: ["pid.available": "10", "memory.available": "10"]))
        let short = NodeFigures(observations: [.processes: .init(available: 1, capacity: 9), .memory: .init(available: 1, capacity: 9)])
        #expect(pressure.observe(short, at: 0).map(\.signal) == [.memory, .processes])
        #expect(pressure.conditions == ["MemoryPressure", "PIDPressure"])
    }

    // MARK: Who goes

    private static func candidate(
        _ name: String, memory: Whole? = 0, request: Value = .null, priority: Whole = 0, processes: Whole = 0, storage: Whole = 0
    ) -> EvictionRank.Candidate {
        let container: Value = ["name": "web", "image": "web:1", "resources": ["requests": ["memory": request]]]
        let pod = Pod(Object(makePod(name, spec: ["containers": [container], "priority": .int(priority)])))
        let use = memory.map { memory in
            EvictionRank.Use(
                memory: memory, processes: processes, storage: storage, inodes: storage,
                containers: [.init(name: "web", memory: memory, storage: storage)])
        }
        return .init(pod: pod, use: use)
    }

    static let ranks: [(EvictionSignal, [EvictionRank.Candidate], [String])] = [
        (
            .memory,
            [
                candidate("within", memory: 90, request: "100"), candidate("beyond", memory: 30, request: "10"),
                candidate("unknown", memory: nil),
            ],
            ["unknown", "beyond", "within"]
        ),
        (
            .memory, [candidate("important", memory: 90, priority: 10), candidate("large", memory: 30), candidate("small", memory: 10)],
            ["large", "small", "important"]
        ),
        (
            .processes,
            [candidate("few", processes: 3), candidate("many", processes: 30), candidate("important", priority: 1, processes: 99)],
            ["many", "few", "important"]
        ),
        (.nodeStorage, [candidate("small", storage: 1), candidate("large", storage: 2)], ["large", "small"]),
        (.imageInodes, [candidate("none"), candidate("some", storage: 2)], ["some", "none"]),
    ]

    @Test(arguments: ranks) func whoGoesFirst(_ signal: EvictionSignal, _ candidates: [EvictionRank.Candidate], _ expected: [String]) {
        #expect(EvictionRank(signal: signal).sorted(candidates).map(\.pod.name) == expected)
    }

    @Test func whoGoesIsToldWhy() throws {
        let threshold = try #require(try Self.policy(hard: ["memory.available": "10%"]).thresholds.first)
        let candidate = Self.candidate("web", memory: 64 << 20, request: "16Mi")
        let message = EvictionRank(signal: .memory).message(candidate, threshold, .init(available: 51_200, capacity: 1 << 30))
        #expect(
            message
                == "The node was low on resource: memory. Threshold quantity: 107374182, available: 50Ki. Container web was using 64Mi, request is 16Mi, has larger consumption of memory. "
        )
    }

    // MARK: The loop

    /// Figures that the test gives.
    private final class Node: Sendable {
        let figures: Mutex<NodeFigures>
        init(_ figures: NodeFigures) { self.figures = Mutex(figures) }
        func set(_ new: NodeFigures) { figures.withLock { $0 = new } }
    }

    @Test func onePodGoesAndOthersAreNotTaken() async throws {
        let bench = Bench { $0.eviction = try! Self.policy(hard: ["nodefs.available": "10%"]) }
        let pods = Pods(context: bench.context)
        let node = Node(Self.figures(.nodeStorage, 5, of: 100))
        let reclaims = Mutex(0)
        let changes = Mutex(0)
        let eviction = NodeEviction(
            context: bench.context, pods: pods, figures: { node.figures.withLock { $0 } }, reclaim: { reclaims.withLock { $0 += 1 } },
            changed: { changes.withLock { $0 += 1 } })
        try await bench.run(pods) {
            bench.client.put(.pods, makePod("critical", spec: ["priority": 2_000_000_000]))
            bench.client.put(.pods, makePod("important", spec: ["priority": 10]))
            bench.client.put(.pods, makePod("web"))
            for name in ["critical", "important", "web"] { try await bench.wait("running", of: name) { $0["phase"].string == "Running" } }
            let worker = try #require(await eviction.look())
            #expect(worker.uid == "uid-web")
            let status = try await bench.wait("evicted") { $0["phase"].string == "Failed" }
            #expect(status["reason"].string == "Evicted" && status.condition("DisruptionTarget") == "True")
            #expect(
                status["message"].string?.hasPrefix(
                    "The node was low on resource: ephemeral-storage. Threshold quantity: 10, available: 5. ") == true)
            #expect(bench.events.message("EvictionThresholdMet") == "Attempting to reclaim ephemeral-storage")
            #expect(reclaims.withLock { $0 } == 1 && changes.withLock { $0 } == 1)
            // As long as the node says that it is short of something.
            bench.client.put(.pods, makePod("late"))
            let refused = try await bench.wait("refused", of: "late") { $0["phase"].string == "Failed" }
            #expect(
                refused["reason"].string == "Evicted"
                    && refused["message"].string == "Pod was rejected: The node had condition: [DiskPressure]. ")
            #expect(await eviction.look()?.uid == "uid-important")
            // Nobody is left who may go.
            try await bench.wait("evicted", of: "important") { $0["phase"].string == "Failed" }
            #expect(await eviction.look() == nil)
            #expect(bench.client.object(.pods, "default", "critical")?["status"]["phase"].string == "Running")
        }
    }

    @Test func nobodyGoesWhenRoomIsMade() async throws {
        let bench = Bench { $0.eviction = try! Self.policy(hard: ["imagefs.available": "10%"]) }
        let pods = Pods(context: bench.context)
        let node = Node(Self.figures(.imageStorage, 5, of: 100))
        let eviction = NodeEviction(
            context: bench.context, pods: pods, figures: { node.figures.withLock { $0 } },
            reclaim: {
                for worker in pods.workers() { await worker.discardContainers() }
                node.set(Self.figures(.imageStorage, 50, of: 100))
            }, changed: {})
        try await bench.run(pods) {
            bench.client.put(.pods, makePod("job", spec: ["restartPolicy": "Never", "containers": [["name": "job", "image": "web:1"]]]))
            bench.client.put(.pods, makePod())
            for name in ["job", "web"] { try await bench.wait("running", of: name) { $0["phase"].string == "Running" } }
            bench.runtime.exit("job", code: 0)
            try await bench.wait("ended", of: "job") { $0["phase"].string == "Succeeded" }
            let worker = try #require(pods.worker("uid-job"))
            while await worker.isInTheWay { await Task.yield() }
            #expect(await eviction.look() == nil)
            // What is left of pods that ended goes; what they were is known still.
            try await bench.eventually("removed") { bench.runtime.containers(of: "uid-job").isEmpty }
            let status = try #require(bench.client.object(.pods, "default", "job")?["status"])
            #expect(status["phase"].string == "Succeeded")
            #expect(status["containerStatuses"][0][path: "state", "terminated", "exitCode"].int == 0)
            #expect(bench.runtime.containers(of: "uid-web").count == 1)
        }
    }

    static let tolerant: Value = ["tolerations": [["key": "node.kubernetes.io/memory-pressure", "operator": "Exists"]]]
    static let askers: [(Value, Set<EvictionSignal>, Bool)] = [
        (.null, [], true), (.null, [.memory], false), (tolerant, [.memory], true), (tolerant, [.memory, .processes], false),
        (["containers": [["name": "web", "resources": ["requests": ["cpu": "1"]]]]], [.memory], true),
        (["containers": [["name": "web", "resources": ["requests": ["cpu": "1"]]]]], [.nodeInodes], false),
        (["priority": 2_000_000_000], [.memory, .nodeStorage], true),
    ]

    @Test(arguments: askers) func whoIsTakenMeanwhile(_ spec: Value, _ short: Set<EvictionSignal>, _ isTaken: Bool) throws {
        let hard = Dictionary(uniqueKeysWithValues: EvictionSignal.allCases.map { ($0.rawValue, "10%") })
        let gauge = PressureGauge(policy: try Self.policy(hard: hard))
        _ = gauge.observe(
            NodeFigures(observations: Dictionary(uniqueKeysWithValues: short.map { ($0, .init(available: 1, capacity: 100)) })), at: 0)
        #expect((gauge.refusal(of: pod(spec)) == nil) == isTaken)
    }

    // MARK: What the kernel says

    /// The groups of the machine that the tests run on.
    @Test func theNodeIsMeasured() async throws {
        let bench = Bench()
        defer { bench.directory.remove() }
        _ = try Directory.make(bench.context.configuration.rootDirectory)
        let figures = await NodeMeter(context: bench.context).look()
        for signal in [EvictionSignal.memory, .nodeStorage, .imageStorage, .processes] {
            let observation = try #require(figures.observations[signal])
            #expect(observation.available > 0 && observation.available <= observation.capacity)
        }
        #expect(!figures.hasImageDisk)
    }
}
