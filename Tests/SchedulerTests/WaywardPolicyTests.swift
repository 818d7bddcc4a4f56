import APIModel
import PluginHost
import Testing

@testable import Scheduler

/// A policy may answer, or not, what it likes: the other Pods get their Nodes, and none is held that nobody has.
@Suite struct WaywardPolicyTests {
    private static func loop() -> SchedulingLoop {
        let loop = SchedulingLoop(seed: 1)
        for name in ["a", "b"] { _ = loop.receive(.node(before: nil, after: node(name, cpu: "1")), now: 0) }
        return loop
    }

    /// Whoever comes next gets a whole Node each: nothing is held.
    private static func bothAreFree(_ loop: SchedulingLoop, _ host: PluginHost, now: Int64) -> Bool {
        for name in ["good-1", "good-2"] { _ = loop.receive(.pod(before: nil, after: pod(name, cpu: "1")), now: now) }
        var nodes: Set<String> = []
        for _ in 0..<4 {
            if case .bind(let pod, let node, _) = loop.cycle(host, now: now), pod.name.hasPrefix("good") { nodes.insert(node) }
        }
        return nodes == ["a", "b"]
    }

    @Test func whatAPolicyDoesToOnePodIsTheAffairOfThat() async throws {
        let host = try await Policies.wayward()
        let plugin = "0/1 nodes are available: 1"
        for (name, result) in [
            ("refuse-all", "0/2 nodes are available: 2 nobody may run."),
            ("many-points", "policy wayward: score gave node a 101 points, outside 0 to 100"),
            ("few-points", "policy wayward: score gave node a -1 points, outside 0 to 100"),
            ("wait-below-zero", "policy wayward: permit lets a Pod wait for -1 ms"),
            ("garbage", "policy wayward: permit answered 77, which is no status"),
            ("refused", "\(plugin) not today."), ("silent", "\(plugin) rejected by plugin wayward."),
        ] {
            let loop = Self.loop()
            _ = loop.receive(.pod(before: nil, after: pod(name, cpu: "1")), now: 0)
            let effect = SchedulingLoopTests.describe(loop.cycle(host, now: 0))
            #expect(effect.hasPrefix(result), "\(name): \(effect)")
            #expect(Self.bothAreFree(loop, host, now: 0), "\(name)")
        }
        await host.stop()
    }

    @Test func whoWaitsForEverHoldsItsPlaceForAQuarterOfAnHour() async throws {
        let host = try await Policies.wayward()
        let loop = Self.loop()
        _ = loop.receive(.pod(before: nil, after: pod("wait-for-ever", cpu: "1")), now: 0)
        let effect = SchedulingLoopTests.describe(loop.cycle(host, now: 0))
        #expect(effect.hasPrefix("waits on "))
        let waiting = loop.listWaiting(now: 1000)["items"].elements
        #expect(waiting.map { $0["reason"].string } == ["for the end of time"] && waiting[0]["seconds"].int == 899)
        #expect(loop.patience(now: 1000) == 899_000)
        #expect(!Self.bothAreFree(loop, host, now: 0))
        #expect(loop.cycle(host, now: 899_999) == nil)
        #expect(
            SchedulingLoopTests.describe(loop.cycle(host, now: 900_000))
                == "0/1 nodes are available: 1 rejected due to timeout after waiting 15m0s at plugin wayward.")
        #expect(loop.listWaiting(now: 900_000)["items"].elements.isEmpty)
        // The one that had no room before.
        #expect(!SchedulingLoopTests.describe(loop.cycle(host, now: 900_000)).contains(" "))
        await host.stop()
    }

    @Test func aPodThatGoesWhileItWaitsHoldsNothing() async throws {
        let host = try await Policies.wayward()
        let loop = Self.loop()
        let waiting = pod("wait-for-ever", cpu: "1")
        _ = loop.receive(.pod(before: nil, after: waiting), now: 0)
        _ = loop.cycle(host, now: 0)
        _ = loop.receive(.pod(before: waiting, after: nil), now: 0)
        #expect(Self.bothAreFree(loop, host, now: 0))
        await host.stop()
    }

    @Test func aNodeThatGoesIsNoPlaceToBeBoundTo() async throws {
        let host = try await Policies.wayward()
        let loop = SchedulingLoop(seed: 1)
        _ = loop.receive(.node(before: nil, after: node("a")), now: 0)
        _ = loop.receive(.pod(before: nil, after: pod("wait-for-ever")), now: 0)
        _ = loop.cycle(host, now: 0)
        _ = loop.receive(.node(before: node("a"), after: nil), now: 0)
        await host.apply(try Policies.manifest("wayward", enabled: false))
        _ = loop.receive(.policiesChanged, now: 0)
        // Nobody lets it wait any more.
        #expect(SchedulingLoopTests.describe(loop.cycle(host, now: 0)) == "0/1 nodes are available: 1 node a went away.")
        await host.stop()
    }

    @Test func whoWaitsForAPolicyThatIsSwitchedOffIsBound() async throws {
        let host = try await Policies.wayward()
        let loop = Self.loop()
        _ = loop.receive(.pod(before: nil, after: pod("wait-for-ever")), now: 0)
        let effect = SchedulingLoopTests.describe(loop.cycle(host, now: 0))
        await host.apply(try Policies.manifest("wayward", enabled: false))
        #expect("waits on \(SchedulingLoopTests.describe(loop.cycle(host, now: 0)))" == effect)
        await host.stop()
    }

    /// Pods that are always refused wait for the end of their back-off, whatever happens: deciding comes to rest.
    @Test func podsThatAreAlwaysRefusedDoNotKeepEachOtherAwake() async throws {
        let host = try await Policies.wayward()
        let loop = Self.loop()
        for number in 0..<3 { _ = loop.receive(.pod(before: nil, after: pod("refused-\(number)")), now: 0) }
        for number in 0..<3 { _ = loop.receive(.pod(before: nil, after: pod("wait-a-second-\(number)")), now: 0) }
        var cycles = 0
        for now in stride(from: Int64(0), through: 60_000, by: 100) {
            while loop.cycle(host, now: now) != nil, cycles < 10_000 { cycles += 1 }
        }
        // In a minute each may be tried nine times, after 1, 2, 4, 8 and 10 s; half of them tell twice.
        #expect((12...100).contains(cycles), "\(cycles)")
        await host.stop()
    }

    /// Its process is another, which has noted nothing: the Pod is asked about again, and has no more time than before.
    @Test func whoWaitsGoesOnWaitingWhenThePolicyIsStartedAgain() async throws {
        let host = try await Policies.wayward(isolated: true)
        let loop = Self.loop()
        let changes = host.changes(of: .schedulerPolicy)
        _ = loop.receive(.pod(before: nil, after: pod("wait-for-ever", cpu: "1")), now: 0)
        _ = loop.cycle(host, now: 0)
        _ = loop.receive(.pod(before: nil, after: pod("crash-filter", cpu: "1")), now: 1000)
        _ = loop.cycle(host, now: 1000)
        _ = loop.receive(.pod(before: pod("crash-filter"), after: nil), now: 1000)
        for await _ in changes {
            if host.plugins.contains(where: { $0.name == "wayward" && $0.restarts == 1 && $0.state == .running }) { break }
        }
        _ = loop.receive(.policiesChanged, now: 60_000)
        #expect(loop.cycle(host, now: 60_000) == nil)
        #expect(loop.listWaiting(now: 60_000)["items"].elements.map { $0["seconds"].int } == [840])
        #expect(host.plugins.first { $0.name == "wayward" }?.slots.first { $0.name == "permit" }?.calls == 2)
        await host.stop()
    }

    @Test(arguments: ["prefilter", "filter", "score", "explain", "affected", "permit", "unreserve", "observe"])
    func aCrashInAnySlotCostsOneDecision(_ slot: String) async throws {
        let host = try await Policies.wayward(isolated: true)
        let loop = Self.loop()
        let changes = host.changes(of: .schedulerPolicy)
        if slot == "affected" {
            // It is asked from the second Pod of a template on.
            let first = pod("first", cpu: "1")
            _ = loop.receive(.pod(before: nil, after: first), now: 0)
            _ = loop.cycle(host, now: 0)
            _ = loop.receive(.pod(before: first, after: nil), now: 0)
        }
        if slot == "observe" {
            let object = Object(["metadata": ["name": "crash-observe", "namespace": "default"]])
            _ = loop.receive(.observed(.configMaps, PodKey(object), object), now: 0)
        }
        _ = loop.receive(.pod(before: nil, after: pod("crash-\(slot)", cpu: "1")), now: 0)
        switch loop.cycle(host, now: 0) {
        case .failed(_, let message): #expect(message.hasPrefix("policy wayward: "), "\(message)")
        // What breaks in `unreserve` has been refused already.
        case .rejected: #expect(slot == "unreserve")
        // The Pod has its Node by then; what the points are made of is not known.
        case .bind: #expect(slot == "explain")
        case let effect: Issue.record("\(SchedulingLoopTests.describe(effect))")
        }
        if slot == "observe" {
            _ = loop.receive(
                .observed(.configMaps, PodKey(namespace: "default", name: "crash-observe"), nil), now: 0)
        }
        _ = loop.receive(.pod(before: pod("crash-\(slot)"), after: nil), now: 0)
        for await _ in changes {
            if host.plugins.contains(where: { $0.name == "wayward" && $0.restarts == 1 && $0.state == .running }) { break }
        }
        _ = loop.receive(.policiesChanged, now: 0)
        #expect(Self.bothAreFree(loop, host, now: 0))
        await host.stop()
    }
}
