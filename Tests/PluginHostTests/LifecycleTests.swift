import Testing

@testable import PluginHost

@Suite struct LifecycleTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var events: [Lifecycle.Event]
        var actions: [Lifecycle.Action]
        var state: PluginState
        var testDescription: String { events.map { "\($0)" }.joined(separator: ", ") }
    }

    @Test(arguments: [
        Row(events: [.create, .start, .stop], actions: [.nothing, .nothing, .tearDown], state: .stopped),
        Row(events: [.create, .start, .stop, .stop], actions: [.nothing, .nothing, .tearDown, .nothing], state: .stopped),
        Row(events: [.create, .stop], actions: [.nothing, .tearDown], state: .stopped),
        Row(events: [.stop], actions: [.nothing], state: .stopped),
        Row(events: [.skip, .stop], actions: [.nothing, .nothing], state: .skipped),
        Row(events: [.skip, .create], actions: [.nothing, .refuse], state: .skipped),
        Row(events: [.createFailed, .stop], actions: [.nothing, .nothing], state: .failed),
        Row(events: [.create, .startFailed, .stop], actions: [.nothing, .tearDown, .nothing], state: .failed),
        Row(events: [.create, .startFailed, .start], actions: [.nothing, .tearDown, .refuse], state: .failed),
        Row(events: [.create, .start, .start], actions: [.nothing, .nothing, .refuse], state: .running),
        Row(events: [.start], actions: [.refuse], state: .discovered),
    ])
    func leadsTo(_ row: Row) {
        var lifecycle = Lifecycle()
        #expect(row.events.map { lifecycle.apply($0) } == row.actions)
        #expect(lifecycle.state == row.state)
    }

    // The other two are what people are told of one that runs.
    @Test(arguments: PluginState.allCases.filter { ![.restarting, .shadow].contains($0) }) func stopIsLegalIn(_ state: PluginState) {
        let ways: [PluginState: [Lifecycle.Event]] = [
            .discovered: [], .loaded: [.create], .running: [.create, .start], .stopped: [.stop], .skipped: [.skip],
            .failed: [.createFailed],
        ]
        var lifecycle = Lifecycle()
        for event in ways[state]! { _ = lifecycle.apply(event) }
        #expect(lifecycle.state == state)
        #expect(lifecycle.apply(.stop) != .refuse)
    }
}
