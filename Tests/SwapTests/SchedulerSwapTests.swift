import APIModel
import Client
import Foundation
import PluginHost
import Scheduler
import Synchronization
import Testing

/// The policy changes while Pods keep coming.
@Suite(.serialized) struct SchedulerSwapTests {
    private static let loops: @Sendable (World) throws -> [@Sendable () async throws -> Void] = { world in
        let recorder = EventRecorder(client: world.client, component: "default-scheduler", log: world.log)
        let scheduler = Scheduler(client: world.client, cache: world.cache, policies: world.plugins, recorder: recorder, log: world.log)
        return [{ try await scheduler.run() }]
    }

    /// Makes Pods, at least `count`, and more until `isOver`: the load lasts as long as the swaps do. Returns how many there are.
    private static func load(_ world: World, _ count: Int, until isOver: Flag) async throws -> Int {
        var made = 0
        while made < count || !isOver.value {
            // Not too far ahead of what is bound.
            if made >= count { try await world.client.waitUntilBound(made - 200) }
            let first = made
            try await withThrowingDiscardingTaskGroup { group in
                for number in first..<first + 50 { group.addTask { try await world.addPod("p\(number)") } }
            }
            made += 50
        }
        return made
    }

    /// Waits until a policy was called more than `calls` times. Bindings lag behind decisions, so that Pods may be bound for a while that
    /// others decided about.
    private static func waitUntilAsked(_ world: World, _ name: String, after calls: UInt64) async throws {
        while try #require(world.status(name)).calls <= calls {
            try await world.client.waitUntilBound(world.client.bindings.nodes.count + 1)
        }
    }

    /// Everything is bound, once, where the API says it is.
    private static func check(_ world: World, _ count: Int) async throws {
        let pods = try await world.wait(for: .pods, "every Pod to have a Node") { pods in
            pods.count == count && pods.allSatisfy { $0.value["spec"]["nodeName"].string != nil }
        }
        // The watch may tell of a binding before its answer is there.
        try await world.client.waitUntilBound(count)
        let bindings = world.client.bindings
        #expect(bindings.refused == [])
        #expect(bindings.nodes.count == count)
        for pod in pods { #expect(bindings.nodes[pod.name] == [pod.value["spec"]["nodeName"].string ?? ""]) }
    }

    @Test(.timeLimit(.minutes(5))) func fiveSwapsLoseNoPodAndBindNoneTwice() async throws {
        let standard = try Built.manifest("scheduler-default")
        let spread = try Built.manifest("example-policy") { $0.replaces = "scheduler-default" }
        // One goes to another plugin and one back; one changes the library under a name and one changes it back; one goes to a process of
        // its own.
        let swaps: [PluginManifest] = [
            spread,
            try Built.manifest("example-policy") { $0.enabled = false },
            try Built.manifest("scheduler-default") { ($0.library, $0.component) = (spread.library, spread.component) },
            standard,
            try Built.manifest("example-policy") { ($0.replaces, $0.isolation) = ("scheduler-default", .process) },
        ]
        let decides = ["example-policy", "scheduler-default", "scheduler-default", "scheduler-default", "example-policy"]
        try await World.with([standard], loops: Self.loops) { world in
            try await world.addServiceAccount()
            try await world.addNodes(50)
            let isOver = Flag()
            async let made = Self.load(world, 2000, until: isOver)
            for (number, manifest) in swaps.enumerated() {
                try await world.client.waitUntilBound(world.client.bindings.nodes.count + 150)
                try await world.apply(manifest, expecting: manifest.enabled ? .running : .skipped)
                let before = try #require(world.status(decides[number])).calls
                try await Self.waitUntilAsked(world, decides[number], after: before)
                try await world.client.waitUntilBound(world.client.bindings.nodes.count + 150)
                let running = world.plugins.plugins.filter { $0.kind == .schedulerPolicy && $0.state == .running }
                #expect(running.map(\.name) == [decides[number]])
                #expect(running.allSatisfy { $0.errors == 0 && $0.violations == 0 })
            }
            #expect(world.status("example-policy")?.pid != nil)
            isOver.value = true
            try await Self.check(world, made)
        }
    }

    @Test(.timeLimit(.minutes(3))) func aVersionThatDoesNotStartLeavesTheOldOneAtWork() async throws {
        let standard = try Built.manifest("scheduler-default")
        let libraries = FileManager.default.temporaryDirectory.appendingPathComponent("swaps-libraries-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: libraries, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: libraries) }
        try Built.compile(fixture: "policy-start-fails", into: libraries)
        try await World.with([standard], libraries: [libraries], loops: Self.loops) { world in
            try await world.addServiceAccount()
            try await world.addNodes(10)
            let isOver = Flag()
            async let made = Self.load(world, 300, until: isOver)
            let broken: [PluginManifest] = [
                try Built.manifest("scheduler-default") { ($0.library, $0.component) = ("libpolicy-start-fails.so", "fixture") },
                try Built.manifest("scheduler-default") { $0.sha256 = String(repeating: "0", count: 64) },
                try Built.manifest("scheduler-default") { $0.library = "libnowhere.so" },
            ]
            for manifest in broken {
                try await world.client.waitUntilBound(world.client.bindings.nodes.count + 30)
                // It says why its newest version does not run, and the one before goes on.
                try await world.apply(manifest, expecting: .failed)
                let status = try #require(world.status("scheduler-default"))
                #expect(!status.reason.isEmpty)
                #expect(status.library.hasSuffix(standard.library))
                try await Self.waitUntilAsked(world, "scheduler-default", after: status.calls)
            }
            try await world.apply(standard)
            #expect(world.status("scheduler-default")?.reason == "")
            // A stranger that is to replace it and does not start leaves it, too.
            var stranger = broken[0]
            (stranger.name, stranger.replaces) = ("stranger", "scheduler-default")
            try await world.apply(stranger, expecting: .failed)
            #expect(world.status("scheduler-default")?.state == .running)
            isOver.value = true
            try await Self.check(world, made)
        }
    }

    /// Groups of which one Pod has no room yet wait on their Nodes while the policy that lets them wait goes to another process and back, and the one that
    /// found the Nodes is another.
    @Test(.timeLimit(.minutes(3))) func groupsThatWaitSurviveSwaps() async throws {
        let standard = try Built.manifest("scheduler-default")
        let gang = try Built.manifest("policy-gang") { $0.config = ["timeoutSeconds": 900] }
        try await World.with([standard, gang], loops: Self.loops) { world in
            try await world.addServiceAccount()
            try await world.addNodes(5)
            for number in 0..<10 { try await world.addGroup("g\(number)", of: 3) }
            // What comes behind them has been decided, so they have been, too.
            for number in 0..<20 { try await world.addPod("p\(number)") }
            try await world.client.waitUntilBound(20)
            let swaps = [
                try Built.manifest("policy-gang") { ($0.config, $0.isolation) = (["timeoutSeconds": 900], .process) },
                try Built.manifest("scheduler-default") { $0.isolation = .process }, gang,
            ]
            for (number, manifest) in swaps.enumerated() {
                try await world.apply(manifest)
                for pod in 0..<20 { try await world.addPod("q\(number)-\(pod)") }
                try await world.client.waitUntilBound(20 * (number + 2))
                #expect(world.client.bindings.nodes.keys.allSatisfy { !$0.hasPrefix("g") })
            }
            _ = try await world.client.patch(
                .nodes, namespace: nil, name: "n0", subresource: nil, .merge, ["metadata": ["labels": ["late": "yes"]]])
            try await Self.check(world, 80 + 30)
        }
    }

    @Test(.timeLimit(.minutes(3))) func aShadowSaysWhereItWouldHaveDecidedOtherwise() async throws {
        let standard = try Built.manifest("scheduler-default")
        let shadow = try Built.manifest("example-policy") { ($0.replaces, $0.mode) = ("scheduler-default", .shadow) }
        try await World.with([standard], loops: Self.loops) { world in
            try await world.addServiceAccount()
            // The default policy fills the big Nodes first; the example counts Pods only.
            try await world.addNodes(10) { $0 < 2 ? "256" : "8" }
            try await world.apply(shadow, expecting: .shadow)
            for number in 0..<200 { try await world.addPod("p\(number)") }
            try await Self.check(world, 200)
            let status = try #require(world.status("example-policy")?.shadow)
            #expect(status.decided == 200)
            #expect(status.differed > 0 && status.differed < 200)
            #expect(status.examples.count == 10)
            for example in status.examples {
                #expect(world.client.bindings.nodes[example.subject.replacing("default/", with: "")] == [example.active])
                #expect(example.active != example.candidate && !example.candidate.isEmpty)
                for (reason, chosen, other) in [
                    (example.activeReason, example.active, example.candidate), (example.candidateReason, example.candidate, example.active),
                ] {
                    #expect(
                        try #/(n\d+): (\d+) points, (n\d+): (\d+)/#.wholeMatch(in: reason).map { match in
                            match.1 == chosen && match.3 == other && Int(match.2)! >= Int(match.4)!
                        } == true, "\(reason)")
                }
            }
            #expect(world.status("scheduler-default")?.state == .running)
        }
    }
}

/// A truth that several tasks see.
final class Flag: Sendable {
    private let state = Mutex(false)
    var value: Bool {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
