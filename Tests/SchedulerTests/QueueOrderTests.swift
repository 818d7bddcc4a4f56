import APIModel
import PluginHost
import Testing

@testable import Scheduler

/// A policy that orders the queue, loaded as the shared library it is, in this process and in one of its own.
@Suite struct QueueOrderTests {
    private static let configuration = """
        apiVersion: kubescheduler.config.k8s.io/v1
        kind: KubeSchedulerConfiguration
        profiles: [{plugins: {queueSort: {enabled: [{name: queue}], disabled: [{name: PrioritySort}]}}}]
        """

    private static func loop(_ pods: [String], _ configuration: String = configuration) throws -> SchedulingLoop {
        let loop = SchedulingLoop(seed: 1, try SchedulerConfiguration(configuration))
        _ = loop.receive(.node(before: nil, after: node("a")), now: 0)
        for (index, name) in pods.enumerated() {
            _ = loop.receive(.pod(before: nil, after: pod(name, spec: ["priority": Value(index)])), now: 0)
        }
        return loop
    }

    /// The Pods that are due, in the order in which they are taken.
    private static func order(_ loop: SchedulingLoop, _ host: PluginHost) -> [String] {
        var names: [String] = []
        while loop.cycle(host, now: 0) != nil { if let newest = loop.newest { names.append(newest.pod.name) } }
        return names
    }

    @Test(arguments: [false, true]) func thePolicyThatIsNamedOrdersTheQueue(isolated: Bool) async throws {
        let host = try await Policies.queue(isolated: isolated)
        #expect(Self.order(try Self.loop(["d", "b", "ab", "c", "a"]), host) == ["a", "ab", "b", "c", "d"])
        // Where it does not say, priority does.
        #expect(Self.order(try Self.loop(["a-broken-less", "b", "c"]), host).first != "a-broken-less")
        #expect(Self.order(try Self.loop(["a-odd-less", "b"]), host) == ["b", "a-odd-less"])
        let violation = host.plugins.first { $0.name == "queue" }?.lastViolation
        #expect(violation == "less answered 7, which is neither 0 nor 1")
        await host.stop()
    }

    @Test func nobodyIsAskedWhoIsNotNamed() async throws {
        let host = try await Policies.queue()
        let unnamed = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration"
        #expect(Self.order(try Self.loop(["a", "b", "c"], unnamed), host) == ["c", "b", "a"])
        await host.stop()
    }

    @Test func aPolicyThatIsSwitchedOffLeavesTheOrderToPriority() async throws {
        let host = try await Policies.queue()
        let loop = try Self.loop(["a", "b", "c", "d"])
        _ = loop.cycle(host, now: 0)
        #expect(loop.newest?.pod.name == "a")
        await host.apply(try Policies.manifest("queue", enabled: false))
        #expect(Self.order(loop, host) == ["d", "c", "b"])
        await host.stop()
    }

    /// A crash costs the comparison: the queue goes on without an answer, and with the policy when it is back.
    @Test func aCrashCostsOneComparison() async throws {
        let host = try await Policies.queue(isolated: true)
        let changes = host.changes(of: .schedulerPolicy)
        #expect(Set(Self.order(try Self.loop(["b", "crash-less"]), host)) == ["b", "crash-less"])
        for await _ in changes {
            if host.plugins.contains(where: { $0.name == "queue" && $0.restarts >= 1 && $0.state == .running }) { break }
        }
        #expect(Self.order(try Self.loop(["c", "b", "a"]), host) == ["a", "b", "c"])
        await host.stop()
    }
}
