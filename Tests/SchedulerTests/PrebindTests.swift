import APIModel
import PluginHost
import Testing

@testable import Scheduler

/// What a policy does before a Pod is bound, loaded as the shared library it is, in this process and in one of its own.
@Suite struct PrebindTests {
    private static func loop() -> SchedulingLoop {
        let loop = SchedulingLoop(seed: 1)
        _ = loop.receive(.node(before: nil, after: node("a", cpu: "1")), now: 0)
        return loop
    }

    /// What comes of a Pod that needs the whole Node: nothing where it may be bound.
    private static func prepare(_ name: String, _ loop: SchedulingLoop, _ host: PluginHost) async throws -> Prebind.Failure? {
        _ = loop.receive(.pod(before: nil, after: pod(name, cpu: "1")), now: 0)
        guard case .bind(let pod, "a", let needs) = loop.cycle(host, now: 0), let prebind = needs.prebind else {
            Issue.record("\(name) is not to be prepared")
            return nil
        }
        #expect(pod.name == name)
        do { try await prebind.run(on: "a") } catch { return error }
        return nil
    }

    private static func unreserved(_ host: PluginHost) -> UInt64? {
        host.plugins.first { $0.name == "queue" }?.slots.first { $0.name == "unreserve" }?.calls
    }

    @Test(arguments: [false, true]) func aPodThatIsNotToBeBoundGivesItsPlaceUp(isolated: Bool) async throws {
        let host = try await Policies.queue(isolated: isolated)
        let broken = "running PreBind plugin \"queue\": it broke"
        var calls: UInt64 = 0
        for (name, message, isRefused) in [
            ("refused", "0/1 nodes are available: 1 not today.", true),
            ("silent", "0/1 nodes are available: 1 rejected by plugin queue.", true), ("broken", broken, false),
        ] {
            let loop = Self.loop()
            let failure = try await Self.prepare(name, loop, host)
            #expect(failure?.description == message && failure?.isRefused == isRefused)
            // Until the loop is told, the place is taken.
            _ = loop.receive(.pod(before: nil, after: pod("next", cpu: "1")), now: 0)
            #expect(SchedulingLoopTests.describe(loop.cycle(host, now: 0)).contains("Insufficient cpu"))
            _ = loop.receive(.bindFailed(PodKey(pod(name)), uid: "uid-\(name)", isRefused: isRefused), now: 0)
            #expect(SchedulingLoopTests.describe(loop.cycle(host, now: 0)) == "a")
            #expect(loop.newest?.pod.name == "next")
            calls += 1
            #expect(Self.unreserved(host) == calls)
        }
        await host.stop()
    }

    /// As of no other slot, the host is asked from here.
    @Test(arguments: [false, true]) func itMayAskTheHost(isolated: Bool) async throws {
        let host = try await Policies.queue(isolated: isolated)
        let failure = try await Self.prepare("asks", Self.loop(), host)
        #expect(failure == nil, "\(failure?.description ?? "")")
        #expect(host.plugins.first { $0.name == "queue" }?.violations == 0)
        await host.stop()
    }

    @Test func whoIsNotDoneInTimeIsNotWaitedFor() async throws {
        let host = try await Policies.queue(deadline: 1)
        let loop = Self.loop()
        let failure = try await Self.prepare("hangs", loop, host)
        #expect(failure?.description == "running PreBind plugin \"queue\": it did not answer within 1.0 seconds")
        #expect(failure?.isRefused == false)
        // It goes on until `unreserve` ends it.
        _ = loop.receive(.bindFailed(PodKey(pod("hangs")), uid: "uid-hangs"), now: 0)
        _ = loop.cycle(host, now: 0)
        #expect(Self.unreserved(host) == 1)
        await host.stop()
    }

    @Test func aCrashCostsOneBind() async throws {
        let host = try await Policies.queue(isolated: true)
        let changes = host.changes(of: .schedulerPolicy)
        let failure = try await Self.prepare("crash-prebind", Self.loop(), host)
        #expect(failure?.description.hasPrefix("running PreBind plugin \"queue\": ") == true)
        for await _ in changes {
            if host.plugins.contains(where: { $0.name == "queue" && $0.restarts == 1 && $0.state == .running }) { break }
        }
        #expect(try await Self.prepare("fine", Self.loop(), host) == nil)
        await host.stop()
    }

    @Test func aPodThatGoesMeanwhileIsUnreserved() async throws {
        let host = try await Policies.queue()
        let loop = Self.loop()
        #expect(try await Self.prepare("fine", loop, host) == nil)
        _ = loop.receive(.pod(before: pod("fine", cpu: "1"), after: nil), now: 0)
        _ = loop.cycle(host, now: 0)
        #expect(Self.unreserved(host) == 1)
        // The bind of a Pod that is gone fails; that is no news.
        _ = loop.receive(.bindFailed(PodKey(pod("fine")), uid: "uid-fine"), now: 0)
        _ = loop.cycle(host, now: 0)
        #expect(Self.unreserved(host) == 1)
        await host.stop()
    }
}
