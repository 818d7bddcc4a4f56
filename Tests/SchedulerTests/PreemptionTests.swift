import APIModel
import PluginHost
import Testing

@testable import Scheduler

/// Whom a Pod takes the place of, with the default policy loaded as the shared library it is.
@Suite struct PreemptionTests {
    private let host: PluginHost
    private let loop = SchedulingLoop(seed: 1)

    init() async throws { host = try await Policies.load() }

    private func hear(_ objects: Object...) {
        for object in objects {
            switch object.value["kind"].string {
            case "Node": _ = loop.receive(.node(before: nil, after: object), now: 0)
            case "PodDisruptionBudget": _ = loop.receive(.disruptionBudget(before: nil, after: object), now: 0)
            default: _ = loop.receive(.pod(before: nil, after: object), now: 0)
            }
        }
    }

    private func decide(now: Int64 = 0) -> String { SchedulingLoopTests.describe(loop.cycle(host, now: now)) }

    private func bound(
        _ name: String, _ node: String, cpu: String = "1", priority: Int64 = 0, start: String? = nil, labels: [String: String] = [:]
    ) -> Object {
        var value = pod(name, cpu: cpu, on: node, labels: labels).value
        value["spec"]["priority"] = .int(priority)
        if let start { value["status"]["startTime"] = .string(start) }
        return Object(value)
    }

    private func waiting(_ name: String, cpu: String = "1", priority: Int64 = 10) -> Object {
        var value = pod(name, cpu: cpu).value
        value["spec"]["priority"] = .int(priority)
        return Object(value)
    }

    private func budget(_ app: String, allowed: Int64) -> Object {
        Object([
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": ["name": .string(app), "namespace": "default"],
            "spec": ["selector": ["matchLabels": ["app": .string(app)]]], "status": ["disruptionsAllowed": .int(allowed)],
        ])
    }

    @Test func asFewGoAsMustAndTheLeastImportant() async {
        hear(
            node("a", cpu: "4"), bound("old", "a", start: "2026-01-01T00:00:00Z"), bound("new", "a", start: "2026-02-01T00:00:00Z"),
            bound("high", "a", priority: 5), bound("equal", "a", priority: 10), waiting("p"))
        #expect(decide() == "0/1 nodes are available: 1 Insufficient cpu. -new@a")
        await host.stop()
    }

    @Test func aNodeWithUnimportantVictimsComesFirst() async {
        hear(node("a", cpu: "1"), node("b", cpu: "1"), bound("x", "a", priority: 5), bound("y", "b", priority: 3), waiting("p"))
        #expect(decide().hasSuffix("-y@b"))
        await host.stop()
    }

    /// As many as the arguments say, of those on which somebody could go: the search may end before the best.
    @Test func notMoreNodesAreComparedThanTheArgumentsSay() async throws {
        let configuration = try SchedulerConfiguration(
            """
            apiVersion: kubescheduler.config.k8s.io/v1
            kind: KubeSchedulerConfiguration
            profiles:
            - pluginConfig: [{name: DefaultPreemption, args: {minCandidateNodesPercentage: 50, minCandidateNodesAbsolute: 1}}]
            """)
        var found: Set<String> = []
        for seed in UInt64(1)...20 {
            let loop = SchedulingLoop(seed: seed &* 0x9E37_79B9_7F4A_7C15, configuration)
            for index in 0..<8 {
                _ = loop.receive(.node(before: nil, after: node("cordoned-\(index)", spec: ["unschedulable": true])), now: 0)
            }
            for (name, priority) in [("a", Int64(5)), ("b", 3)] {
                _ = loop.receive(.node(before: nil, after: node(name, cpu: "1")), now: 0)
                _ = loop.receive(.pod(before: nil, after: bound("on-\(name)", name, priority: priority)), now: 0)
            }
            _ = loop.receive(.pod(before: nil, after: waiting("p")), now: 0)
            found.insert(String(SchedulingLoopTests.describe(loop.cycle(host, now: 0)).suffix(7)))
        }
        #expect(found == ["-on-a@a", "-on-b@b"])
        await host.stop()
    }

    @Test func fewVictimsAreBetterThanMany() async {
        hear(node("a", cpu: "2"), node("b", cpu: "2"), bound("x", "a", cpu: "2"), bound("y", "b"), bound("z", "b"), waiting("p", cpu: "2"))
        #expect(decide().hasSuffix("-x@a"))
        await host.stop()
    }

    @Test func whoeverStartedLastGoes() async {
        hear(
            node("a", cpu: "1"), node("b", cpu: "1"), bound("x", "a", start: "2026-02-01T00:00:00Z"),
            bound("y", "b", start: "2026-01-01T00:00:00Z"), waiting("p"))
        #expect(decide().hasSuffix("-x@a"))
        await host.stop()
    }

    @Test func aBudgetIsBrokenOnlyWhereNothingElseHelps() async {
        hear(
            budget("web", allowed: 0), node("a", cpu: "1"), node("b", cpu: "1"), bound("x", "a", labels: ["app": "web"]),
            bound("y", "b", priority: 5), waiting("p"))
        #expect(decide().hasSuffix("-y@b"))
        hear(waiting("q", priority: 4))
        #expect(decide().hasSuffix("-x@a"))
        await host.stop()
    }

    @Test func aBudgetCountsThoseThatGoTogether() async {
        hear(
            budget("web", allowed: 1), node("a", cpu: "2"), node("b", cpu: "2"), bound("x1", "a", labels: ["app": "web"]),
            bound("x2", "a", labels: ["app": "web"]), bound("y1", "b", priority: 5), bound("y2", "b", priority: 5), waiting("p", cpu: "2"))
        #expect(decide().hasSuffix("-y1,y2@b"))
        await host.stop()
    }

    @Test func thePlaceIsKeptForWhomItWasMade() async {
        let victim = bound("x", "a")
        hear(node("a", cpu: "1"), victim, waiting("p"))
        #expect(decide().hasSuffix("-x@a"))
        // Tried again before the other is gone, it takes nobody else's place.
        _ = loop.receive(.policiesChanged, now: 1000)
        let again = "no new claims to deallocate, preemption: not eligible due to a terminating pod on the nominated node."
        #expect(decide(now: 60_000) == "0/1 nodes are available: 1 Insufficient cpu. \(again)")
        _ = loop.receive(.pod(before: victim, after: nil), now: 60_000)
        // Whoever is less important does not slip in.
        hear(waiting("low", priority: 5))
        let first = decide(now: 120_000)
        #expect(first == "a" || first.hasPrefix("0/1 nodes are available: 1 Insufficient cpu."))
        if first != "a" { #expect(decide(now: 120_000) == "a") }
        await host.stop()
    }

    @Test func theMoreImportantMayTakeAPlaceThatIsKept() async {
        let victim = bound("x", "a")
        hear(node("a", cpu: "1"), victim, waiting("p"))
        #expect(decide().hasSuffix("-x@a"))
        _ = loop.receive(.pod(before: victim, after: nil), now: 0)
        hear(waiting("higher", priority: 20))
        #expect(decide(now: 0) == "a")
        #expect(decide(now: 60_000).hasPrefix("0/1 nodes are available: 1 Insufficient cpu."))
        await host.stop()
    }

    @Test func whoeverKeepsOthersAwayMayHaveToGo() async {
        let alone: Value = [
            "podAntiAffinity": [
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    ["topologyKey": "zone", "labelSelector": ["matchLabels": ["app": "web"]]]
                ]
            ]
        ]
        var other = bound("x", "a").value
        other["spec"]["affinity"] = alone
        var urgent = waiting("p").value
        urgent["metadata"]["labels"] = ["app": "web"]
        hear(node("a", labels: ["zone": "z"]), Object(other), bound("y", "a"), Object(urgent))
        #expect(decide() == "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules. -x@a")
        await host.stop()
    }

    @Test func whatIsTriedLeavesNoTrace() async {
        // Enough Nodes and victims that every one is tried; then what fitted before still does, and no more.
        for number in 0..<20 {
            hear(node("n\(number)", cpu: "3"))
            for index in 0..<3 { hear(bound("b\(number)-\(index)", "n\(number)", priority: Int64(number % 3))) }
        }
        hear(waiting("p", cpu: "2"))
        #expect(decide().hasPrefix("0/20 nodes are available: 20 Insufficient cpu. -"))
        hear(waiting("q", cpu: "1", priority: -1))
        #expect(decide().contains("20 No preemption victims found for incoming pod."))
        await host.stop()
    }

    /// Nodes that do not depend on one another are tried together, but beside a policy that does not say what depends on what: one by one comes to the same.
    @Test(arguments: [UInt64(1), 2, 3]) func whatIsTriedTogetherComesToTheSame(seed: UInt64) async throws {
        let (cautious, other) = (try await Policies.wayward(), SchedulingLoop(seed: 1))
        var random = seed &* 0x9E37_79B9_7F4A_7C15
        func number(_ below: UInt64) -> Int64 {
            random ^= random << 13
            random ^= random >> 7
            random ^= random << 17
            return Int64(random % below)
        }
        func both(_ object: Object) {
            hear(object)
            switch object.value["kind"].string {
            case "Node": _ = other.receive(.node(before: nil, after: object), now: 0)
            case "PodDisruptionBudget": _ = other.receive(.disruptionBudget(before: nil, after: object), now: 0)
            default: _ = other.receive(.pod(before: nil, after: object), now: 0)
            }
        }
        both(budget("web", allowed: 1))
        for index in 0..<30 {
            both(node("n\(index)", cpu: "4"))
            for place in 0..<number(5) + 1 {
                both(
                    bound(
                        "b\(index)-\(place)", "n\(index)", cpu: "\(number(3) + 1)", priority: number(4) * 5,
                        start: "2026-01-0\(number(9) + 1)T00:00:00Z", labels: number(2) == 0 ? ["app": "web"] : [:]))
            }
        }
        for index in 0..<5 {
            both(waiting("p\(index)", cpu: "4", priority: 12))
            let together = decide()
            #expect(together == SchedulingLoopTests.describe(other.cycle(cautious, now: 0)), "\(seed)/\(index)")
        }
        await host.stop()
        await cautious.stop()
    }

    @Test func aNominationOfAnotherTimeIsHeardFromTheAPI() async {
        var nominated = waiting("p").value
        nominated["status"]["nominatedNodeName"] = "b"
        hear(node("a", cpu: "8"), node("b", cpu: "1"), Object(nominated))
        #expect(decide() == "b")
        await host.stop()
    }
}
