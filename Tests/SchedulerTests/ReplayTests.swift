import APIModel
import Foundation
import Logging
import PluginHost
import Testing

@testable import Scheduler

/// What was recorded is decided again, with policies loaded as the shared libraries they are.
@Suite struct ReplayTests {
    private let path = FileManager.default.temporaryDirectory.appendingPathComponent("recording-\(UUID().uuidString)").path

    /// Two Nodes, and Pods that were decided by the default policy alone.
    private func record() async throws -> [[UInt8]] {
        let host = try await Policies.load()
        let recording = Recording(path, log: Logger(label: "test"))
        let decisions = DecisionLog()
        let loop = SchedulingLoop(seed: 1, SchedulerConfiguration(), decisions)
        func hear(_ message: Message, _ now: Int64) {
            recording.note(message, now: now)
            _ = loop.receive(message, now: now)
        }
        for (index, name) in ["a", "b"].enumerated() { hear(.node(before: nil, after: node(name)), Int64(index)) }
        hear(.pod(before: nil, after: pod("there", cpu: "1", memory: "2Gi", on: "a")), 2)
        for number in 0..<4 {
            let new = pod("p\(number)", cpu: "1", memory: "2Gi")
            let now = Int64(10 * number + 10)
            hear(.pod(before: nil, after: new), now)
            guard case .bind(let object, let node, _) = loop.cycle(host, now: now) else { continue }
            let record = try #require(decisions[PodKey(object)])
            recording.note(record, now: now)
            var bound = new.value
            bound["spec"]["nodeName"] = .string(node)
            hear(.pod(before: new, after: Object(bound)), now + 1)
        }
        hear(.pod(before: nil, after: pod("large", cpu: "64")), 100)
        _ = loop.cycle(host, now: 100)
        recording.note(try #require(decisions[PodKey(namespace: "default", name: "large")]), now: 100)
        hear(.pod(before: pod("there", on: "a"), after: nil), 110)
        recording.close()
        await host.stop()
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try Data(contentsOf: URL(fileURLWithPath: path)).split(separator: UInt8(ascii: "\n")).map(Array.init)
    }

    @Test func theSamePolicyDecidesTheSame() async throws {
        let lines = try await record()
        let host = try await Policies.load()
        var replay = Replay(SchedulerConfiguration(), host)
        for line in lines { try replay.take(line) }
        #expect(replay.decisions == 5 && replay.differed == 0)
        await host.stop()
    }

    @Test func anotherPolicyIsJudgedOnEachStateAsItWas() async throws {
        let lines = try await record()
        let host = try await Policies.load(enable: ["policy-binpack"])
        var replay = Replay(SchedulerConfiguration(), host)
        for line in lines { try replay.take(line) }
        // The first went to the empty Node, where the other policy would have filled the one that had something.
        let first = try #require(replay.differences.first)
        #expect(first.pod == "default/p0" && first.recorded == "b" && first.replayed == "a" && first.time == 10)
        #expect(first.reason.hasPrefix("a: "))
        #expect(replay.decisions == 5 && replay.differed < 5)
        await host.stop()
    }

    @Test(arguments: [("{", "line 1 is no line of a recording"), (#"{"at":1}"#, "line 1 says nothing that a recording says")])
    func whatIsNoRecordingIsRefused(_ line: String, _ problem: String) async throws {
        let host = try await Policies.load()
        var replay = Replay(SchedulerConfiguration(), host)
        #expect { try replay.take(Array(line.utf8)) } throws: { "\($0)" == problem }
        await host.stop()
    }
}
