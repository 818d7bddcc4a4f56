import APIModel
import PluginHost
import Testing

@testable import Scheduler

/// What is told about decisions, with the default policy loaded as the shared library it is.
@Suite struct ExplanationTests {
    private static func loop() -> SchedulingLoop {
        let loop = SchedulingLoop(seed: 1)
        let tainted: Value = ["taints": [["key": "k", "effect": "NoSchedule"]]]
        for node in [node("a"), node("b", cpu: "8"), node("c", spec: tainted), node("d", cpu: "1")] {
            _ = loop.receive(.node(before: nil, after: node), now: 0)
        }
        return loop
    }

    private static func outcome(_ record: DecisionRecord?) -> String {
        switch record?.outcome {
        case .some(.node(let node)): node
        case .some(.none(let message)): message
        case .some(.waiting(let node, _)): "waits on \(node)"
        case nil: "unknown"
        }
    }

    @Test func thePointsAddUpToWhatWasDecided() async throws {
        let host = try await Policies.load(enable: ["policy-binpack"])
        let loop = Self.loop()
        _ = loop.receive(.pod(before: nil, after: pod("p", cpu: "2")), now: 0)
        let chosen = SchedulingLoopTests.describe(loop.cycle(host, now: 0))
        let record = try #require(loop.decisions[PodKey(namespace: "default", name: "p")])
        #expect(Self.outcome(record) == chosen && record.nodes == 4 && record.feasible == 2 && record.uid == "uid-p")
        #expect(record.candidates.first?.node == chosen && record.candidates.count == 2)
        // A policy that does not say what its points are made of is one part.
        #expect(record.parts.contains(.init(policy: "policy-binpack", score: "policy-binpack", weight: 100)))
        #expect(record.parts.contains(.init(policy: "scheduler-default", score: "TaintToleration", weight: 3)))
        for candidate in record.candidates {
            let sum = zip(record.parts, candidate.points).reduce(Int64(0)) { $0 + $1.0.weight * Int64($1.1) }
            #expect(sum == candidate.total && candidate.points.count == record.parts.count)
        }
        let refused = Dictionary(uniqueKeysWithValues: record.refused.map { ($0.node, $0.reasons) })
        #expect(refused == ["c": ["node(s) had untolerated taint(s)"], "d": ["Insufficient cpu"]])
        #expect(record.summary.hasPrefix("\(chosen): ") && record.summary.hasSuffix("; 2 of 4 nodes refused"))
        await host.stop()
    }

    @Test func whyThereIsNoNodeIsToldToo() async throws {
        let host = try await Policies.load()
        let loop = Self.loop()
        _ = loop.receive(.pod(before: nil, after: pod("p", cpu: "64")), now: 0)
        let message = SchedulingLoopTests.describe(loop.cycle(host, now: 0))
        let record = try #require(loop.decisions[PodKey(namespace: "default", name: "p")])
        #expect(Self.outcome(record) == message && record.feasible == 0 && record.candidates.isEmpty)
        #expect(record.refused.map(\.node) == ["a", "b", "c", "d"] && record.refused[0].reasons == ["Insufficient cpu"])
        #expect(record.value["message"].string == message && record.value["refused"].elements.count == 4)
        await host.stop()
    }

    @Test func whatIsOnlyConsideredChangesNothing() async throws {
        let host = try await Policies.load()
        let loop = Self.loop()
        for _ in 0..<5 { #expect(Self.outcome(loop.consider(pod("p", cpu: "8"), host)) == "b") }
        #expect(loop.consider(pod("p", cpu: "8"), host)?.summary == "b: the only node that fits; 3 of 4 nodes refused")
        #expect(loop.waiting == 0 && loop.decisions[PodKey(namespace: "default", name: "p")] == nil)
        #expect(loop.consider(pod("p", spec: ["schedulerName": "theirs"]), host) == nil)
        // Nobody holds anything on b.
        _ = loop.receive(.pod(before: nil, after: pod("q", cpu: "8")), now: 0)
        #expect(SchedulingLoopTests.describe(loop.cycle(host, now: 0)) == "b")
        #expect(Self.outcome(loop.consider(pod("p", cpu: "8"), host)).hasPrefix("0/4 nodes are available: "))
        await host.stop()
    }

    @Test func onlyTheLastDecisionsAreKept() {
        let log = DecisionLog(capacity: 3)
        func record(_ name: String, _ message: String) -> DecisionRecord {
            DecisionRecord(
                pod: PodKey(namespace: "n", name: name), uid: "", schedulerName: "", time: 0, outcome: .none(message), nodes: 0,
                feasible: 0,
                parts: [], best: [], points: [], refused: [])
        }
        for (name, message) in [("a", "1"), ("b", "2"), ("a", "3"), ("c", "4")] { log.add(record(name, message)) }
        let known = ["a", "b", "c"].map { Self.outcome(log[PodKey(namespace: "n", name: $0)]) }
        #expect(known == ["3", "2", "4"])
        log.add(record("d", "5"))
        #expect(log[PodKey(namespace: "n", name: "b")] == nil && Self.outcome(log[PodKey(namespace: "n", name: "a")]) == "3")
    }
}
