import APIModel
import PluginHost
import Testing

@testable import Scheduler

/// Groups of Pods run together or not at all: policy-gang beside the default policy, loaded as the shared libraries they are.
@Suite struct GangTests {
    private static let labels = ["scheduling.apus.dev/group": "g", "scheduling.apus.dev/group-size": "3"]

    private static func member(_ name: String, cpu: String = "1", labels: [String: String] = labels) -> Object {
        pod(name, cpu: cpu, labels: labels)
    }

    /// The scheduler hears of a Pod, and so does the policy.
    private static func put(_ pod: Object, _ loop: SchedulingLoop, now: Int64 = 0) {
        _ = loop.receive(.pod(before: nil, after: pod), now: now)
        _ = loop.receive(.observed(.pods, PodKey(pod), pod), now: now)
    }

    private static func bound(_ pod: Object, _ node: String) -> Object {
        var value = pod.value
        value["spec"]["nodeName"] = .string(node)
        return Object(value)
    }

    /// All that comes of what was told, as text.
    private static func run(_ loop: SchedulingLoop, _ host: PluginHost, now: Int64 = 0) -> [String] {
        var all: [String] = []
        while let effect = loop.cycle(host, now: now) {
            var next: SchedulingLoop.Effect? = effect
            while let effect = next {
                if case .bind(let pod, _, _) = effect {
                    all.append("\(pod.name) is bound")
                } else {
                    all.append(SchedulingLoopTests.describe(effect))
                }
                next = loop.more()
            }
        }
        return all
    }

    private static func loop(_ nodes: [Object]) -> SchedulingLoop {
        let loop = SchedulingLoop(seed: 1)
        for node in nodes { _ = loop.receive(.node(before: nil, after: node), now: 0) }
        return loop
    }

    @Test func theLastOneTakesTheOthersAlong() async throws {
        let host = try await Policies.load(enable: ["policy-gang"])
        let loop = Self.loop([node("a")])
        Self.put(Self.member("p1"), loop)
        Self.put(Self.member("p2"), loop)
        let alone =
            "0/1 nodes are available: its group g has 2 of 3 pods. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
        #expect(Self.run(loop, host) == [alone, alone])
        Self.put(Self.member("p3"), loop)
        #expect(Self.run(loop, host).sorted() == ["p1 is bound", "p2 is bound", "p3 is bound", "waits on a", "waits on a"])
        // One that takes the place of another finds its group running.
        for name in ["p1", "p2", "p3"] { Self.put(Self.bound(Self.member(name), "a"), loop) }
        _ = loop.receive(.pod(before: Self.bound(Self.member("p1"), "a"), after: nil), now: 0)
        _ = loop.receive(.observed(.pods, PodKey(Self.member("p1")), nil), now: 0)
        Self.put(Self.member("p4"), loop)
        #expect(Self.run(loop, host) == ["p4 is bound"])
        await host.stop()
    }

    @Test func withoutRoomForAllNobodyKeepsAPlace() async throws {
        let host = try await Policies.load(enable: ["policy-gang"])
        let loop = Self.loop([node("a", cpu: "2")])
        for name in ["p1", "p2", "p3"] { Self.put(Self.member(name), loop) }
        let effects = Self.run(loop, host)
        #expect(effects.prefix(2) == ["waits on a", "waits on a"] && effects[2].contains("Insufficient cpu"))
        #expect(
            loop.listWaiting(now: 0)["items"].elements.map { $0["reason"].string } == [
                "1 of 3 pods of group g have a node", "2 of 3 pods of group g have a node",
            ])
        _ = loop.receive(.pod(before: nil, after: pod("other", cpu: "2")), now: 1)
        #expect(Self.run(loop, host, now: 1).allSatisfy { $0.contains("Insufficient cpu") })
        let late = Self.run(loop, host, now: 30_000)
        #expect(late.contains("0/1 nodes are available: 1 rejected due to timeout after waiting 30s at plugin policy-gang."))
        #expect(late.contains("0/1 nodes are available: 1 another pod of group g has no node."))
        // Others may have the room for a while.
        #expect(late.contains { $0.contains("its group g had no room for all, and tries again later") })
        #expect(late.contains("other is bound"))
        await host.stop()
    }

    @Test func whenOneGoesTheOthersGiveTheirPlacesUp() async throws {
        let host = try await Policies.load(enable: ["policy-gang"])
        let loop = Self.loop([node("a", cpu: "2")])
        for name in ["p1", "p2", "p3"] { Self.put(Self.member(name), loop) }
        _ = Self.run(loop, host)
        _ = loop.receive(.pod(before: Self.member("p1"), after: nil), now: 1)
        _ = loop.receive(.observed(.pods, PodKey(Self.member("p1")), nil), now: 1)
        #expect(Self.run(loop, host, now: 1).contains("0/1 nodes are available: 1 another pod of group g has no node."))
        #expect(loop.listWaiting(now: 1)["items"].elements.isEmpty)
        await host.stop()
    }

    @Test func aGroupWithoutASizeIsRefusedByName() async throws {
        let host = try await Policies.load(enable: ["policy-gang"])
        let loop = Self.loop([node("a")])
        for (name, labels) in [
            ("p", ["scheduling.apus.dev/group": "g"]), ("q", ["scheduling.apus.dev/group": "g", "scheduling.apus.dev/group-size": "0"]),
        ] {
            Self.put(Self.member(name, labels: labels), loop)
            #expect(
                Self.run(loop, host)[0].hasPrefix(
                    "0/1 nodes are available: its label scheduling.apus.dev/group-size is not the number of pods in its group."))
        }
        // And a Pod of no group is let alone, also one that says in other words that it has one.
        Self.put(pod("plain"), loop)
        var named = Self.member("named", labels: ["scheduling.apus.dev/group-size": "1"]).value
        named["spec"]["schedulingGroup"] = ["podGroupName": "alone"]
        Self.put(Object(named), loop)
        #expect(Set(Self.run(loop, host)).isSuperset(of: ["plain is bound", "named is bound"]))
        await host.stop()
    }

    @Test func theNearestNodeIsPreferredAsItsAnnotationChanges() async throws {
        let host = try await Policies.load(enable: ["policy-latency"])
        let loop = SchedulingLoop(seed: 1)
        func tell(_ name: String, _ latency: String?) {
            var value = node(name, cpu: "64", pods: "1000").value
            value["metadata"]["annotations"] = ["other": .string(#"{"scheduling.apus.dev/latency-ms":"0"}"#)]
            if let latency { value["metadata"]["annotations"]["scheduling.apus.dev/latency-ms"] = .string(latency) }
            _ = loop.receive(.node(before: nil, after: Object(value)), now: 0)
            _ = loop.receive(.observed(.nodes, PodKey(Object(value)), Object(value)), now: 0)
        }
        func chosen(_ name: String) -> String {
            _ = loop.receive(.pod(before: nil, after: pod(name)), now: 0)
            return SchedulingLoopTests.describe(loop.cycle(host, now: 0))
        }
        for (name, latency) in [("a", "80"), ("b", "20"), ("c", nil), ("d", "fast")] { tell(name, latency) }
        #expect(chosen("p1") == "b")
        tell("b", "2000")
        #expect(chosen("p2") == "a")
        tell("a", nil)
        #expect(chosen("p3") == "b")
        // A Node that comes is known at once.
        tell("e", "1")
        #expect(chosen("p4") == "e")
        _ = loop.receive(.node(before: node("e"), after: nil), now: 0)
        _ = loop.receive(.observed(.nodes, PodKey(node("e")), nil), now: 0)
        #expect(chosen("p5") == "b")
        await host.stop()
    }
}
