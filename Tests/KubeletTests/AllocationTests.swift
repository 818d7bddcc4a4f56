import APIModel
import Testing

@testable import Kubelet

/// Who gets what of the node, and who has to go for whom.
@Suite struct AllocationTests {
    private static let capacity: [String: Whole] = ["cpu": 2000, "memory": 100, "pods": 10]

    private static func claim(_ uid: String, cpu: Whole = 0, memory: Whole = 0) -> Claim {
        Claim(uid: uid, amounts: ["cpu": cpu, "memory": memory])
    }

    private static func claimant(_ wakeup: Wakeup) -> Allocations.Claimant { .init(wake: wakeup.set, leave: wakeup.set) }

    @Test func twoThatAskAtOnceDoNotGetTheSame() {
        let (allocations, capacity) = (Allocations(), Self.capacity)
        #expect(allocations.take(Self.claim("a", cpu: 1500), of: capacity).isEmpty)
        let obstacles = allocations.take(Self.claim("b", cpu: 600), of: capacity)
        #expect(obstacles.shortages == [.init(resource: "cpu", requested: 600, used: 1500, capacity: 2000)])
        #expect(obstacles.shortages.first?.isHopeless == false)
        #expect(allocations.take(Self.claim("a", cpu: 2001), of: capacity).shortages.first?.isHopeless == true)
        // It keeps what it had, may have less whatever the others have, and gives it back.
        allocations.note(Self.claim("c", cpu: 1000, memory: 90))
        #expect(allocations.take(Self.claim("a", cpu: 1400), of: capacity).isEmpty)
        #expect(!allocations.take(Self.claim("a", cpu: 1450), of: capacity).isEmpty)
        allocations.release("c")
        #expect(!allocations.take(Self.claim("b", cpu: 600, memory: .max), of: capacity).isEmpty)
        #expect(allocations.take(Self.claim("b", cpu: 600, memory: 100), of: capacity).isEmpty)
    }

    /// What one pod leaves, another that waits for it gets.
    @Test func thoseThatWaitAreWoken() {
        let (allocations, waiter) = (Allocations(), Wakeup())
        #expect(allocations.take(Self.claim("a", cpu: 1800), of: Self.capacity).isEmpty)
        #expect(allocations.take(Self.claim("b", cpu: 100), of: Self.capacity, by: Self.claimant(waiter)).isEmpty)
        #expect(
            allocations.take(Self.claim("b", cpu: 300), of: Self.capacity, by: Self.claimant(waiter)).shortages.first?.isHopeless == false)
        #expect(!waiter.isSet)
        #expect(allocations.take(Self.claim("a", cpu: 1600), of: Self.capacity).isEmpty)
        #expect(waiter.isSet)
        #expect(allocations.take(Self.claim("b", cpu: 300), of: Self.capacity, by: Self.claimant(waiter)).isEmpty)
    }

    @Test func allThatIsShortIsNamedInUpstreamsOrder() {
        let allocations = Allocations()
        var capacity = Self.capacity
        capacity["pods"] = 1
        capacity["example.com/gpu"] = 1
        #expect(allocations.take(Self.claim("a", memory: 100), of: capacity).isEmpty)
        var claim = Self.claim("b", cpu: 3000, memory: 1)
        claim.amounts.merge(["example.com/gpu": 2, "example.com/unheard-of": 2, "hugepages-2Mi": 1]) { $1 }
        let shortages = allocations.obstacles(to: claim, of: capacity).shortages
        #expect(shortages.map(\.resource) == ["pods", "cpu", "memory", "example.com/gpu", "hugepages-2Mi"])
        #expect(shortages.first?.description == "Node didn't have enough resource: pods, requested: 1, used: 1, capacity: 1")
    }

    static let ports: [(Value, Value, Bool)] = [
        (["hostPort": 80], ["hostPort": 80], true), (["hostPort": 80], ["hostPort": 81], false),
        (["hostPort": 80, "protocol": "UDP"], ["hostPort": 80], false),
        (["hostPort": 80, "hostIP": "127.0.0.1"], ["hostPort": 80], true),
        (["hostPort": 80, "hostIP": "127.0.0.1"], ["hostPort": 80, "hostIP": "127.0.0.2"], false),
        (["containerPort": 80], ["containerPort": 80], false),
    ]

    @Test(arguments: ports) func onePodHasAPort(_ first: Value, _ second: Value, _ conflicts: Bool) {
        func claim(_ name: String, _ port: Value, isSidecar: Bool = false) -> Claim {
            let container: Value = ["name": "web", "image": "web:1", "ports": [port], "restartPolicy": isSidecar ? "Always" : .null]
            let spec: Value = isSidecar ? ["initContainers": [container]] : ["containers": [container]]
            return Claim(Pod(Object(makePod(name, spec: spec))))
        }
        let allocations = Allocations()
        #expect(allocations.take(claim("a", first), of: Self.capacity).isEmpty)
        #expect(allocations.take(claim("b", second, isSidecar: true), of: Self.capacity).arePortsTaken == conflicts)
        // What it has is no reason to refuse it more.
        #expect(allocations.take(claim("a", first), of: Self.capacity).isEmpty)
    }

    // MARK: Room for those that the cluster cannot do without

    private static func other(_ uid: String, _ quality: QualityOfService, cpu: Whole = 0, memory: Whole = 0, priority: Whole? = nil)
        -> Claim
    {
        var claim = claim(uid, cpu: cpu, memory: memory)
        (claim.quality, claim.priority) = (quality, priority)
        return claim
    }

    private static func critical(_ cpu: Whole = 0) -> Claim {
        var claim = claim("critical", cpu: cpu)
        (claim.isCritical, claim.priority) = (true, 2_000_000_000)
        return claim
    }

    static let cases: [(String, [Claim], [String: Whole], [String])] = [
        ("nothing is missing", [other("a", .bestEffort)], ["cpu": 0], []),
        ("the nearest alone", [other("a", .burstable, cpu: 100), other("b", .burstable, cpu: 300)], ["cpu": 200], ["b"]),
        ("the smaller of two", [other("a", .burstable, cpu: 400), other("b", .burstable, cpu: 300)], ["cpu": 200], ["b"]),
        ("a pod's place", [other("a", .guaranteed, cpu: 1), other("b", .bestEffort)], ["pods": 1], ["b"]),
        (
            "those with promises last",
            [other("a", .guaranteed, cpu: 300), other("b", .burstable, cpu: 100), other("c", .burstable, cpu: 100)],
            ["cpu": 150], ["b", "c"]
        ),
        ("both resources", [other("a", .burstable, cpu: 300), other("b", .burstable, memory: 30)], ["cpu": 1, "memory": 30], ["a", "b"]),
    ]

    @Test(arguments: cases) func whoGoes(_ name: String, _ others: [Claim], _ missing: [String: Whole], _ expected: [String]) throws {
        let missing = missing.sorted { $0.key < $1.key }.map { (resource: $0.key, amount: $0.value) }
        let victims = try Preemption.victims(for: Self.critical(), among: others, missing: missing)
        #expect(victims.map(\.uid).sorted() == expected)
    }

    @Test func whoIsAsImportantStays() {
        var other = Self.critical(500)
        other.uid = "other"
        let failure = #expect(throws: Preemption.Failure.self) {
            try Preemption.victims(for: Self.critical(), among: [other], missing: [("cpu", 100)])
        }
        #expect(
            failure?.description
                == "preemption: error finding a set of pods to preempt: no set of running pods found to reclaim resources: [(res: cpu, q: 100), ]"
        )
        other.priority = 1_999_999_999
        #expect((try? Preemption.victims(for: Self.critical(), among: [other], missing: [("cpu", 100)]).count) == 1)
    }

    /// Two that come one after the other do not count on the same victim, and start when it is gone.
    @Test func roomIsThereWhenItIsLeft() throws {
        let (allocations, capacity, victim) = (Allocations(), Self.capacity, Wakeup())
        #expect(allocations.take(Self.other("a", .burstable, cpu: 1000), of: capacity, by: Self.claimant(victim)).isEmpty)
        #expect(allocations.take(Self.other("b", .burstable, cpu: 1000), of: capacity).isEmpty)
        let (first, second) = (Wakeup(), Wakeup())
        #expect(try allocations.seize(Self.critical(600), of: capacity, by: Self.claimant(first)).isEmpty)
        #expect(victim.isSet && allocations.isPreempted("a") && !allocations.isPreempted("b"))
        var another = Self.critical(500)
        another.uid = "another"
        #expect(try allocations.seize(another, of: capacity, by: Self.claimant(second)).isEmpty)
        #expect(allocations.isPreempted("b"))
        #expect(allocations.isWaitingForRoom("critical") && !first.isSet)
        allocations.release("a")
        allocations.release("b")
        #expect(first.isSet && second.isSet && !allocations.isWaitingForRoom("critical") && !allocations.isWaitingForRoom("another"))
    }
}
