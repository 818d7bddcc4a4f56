/// The states of a plugin.
///
/// ```
/// discovered ─load─▶ loaded ─start─▶ running ─stop─▶ stopped
///      ├─▶ skipped        │
///      └─▶ failed ◀───────┘
/// ```
public enum PluginState: String, Sendable, CaseIterable, CustomStringConvertible {
    case discovered = "Discovered"
    case loaded = "Loaded"
    case running = "Running"
    case stopped = "Stopped"
    case skipped = "Skipped"
    case failed = "Failed"
    /// It runs in a process of its own, which ended and is started again.
    case restarting = "Restarting"
    /// It runs, and decides nothing: `mode: Shadow`.
    case shadow = "Shadow"

    public var description: String { rawValue }
}

/// One plugin's way through its states: says what to do, does nothing itself.
struct Lifecycle: Sendable, Equatable {
    private(set) var state: PluginState = .discovered
    /// Why it is skipped or failed; empty otherwise.
    private(set) var reason = ""
    /// Whether there is an instance that has to be stopped and destroyed.
    private(set) var hasInstance = false

    enum Event: Hashable, CaseIterable { case skip, create, createFailed, start, startFailed, stop }

    enum Action: Hashable {
        case nothing
        /// Call `stop`, wait for calls under way, call `destroy`.
        case tearDown
        /// The event makes no sense in this state; nothing changed.
        case refuse
    }

    private struct Step {
        let next: PluginState
        let action: Action
        static func to(_ next: PluginState, _ action: Action = .nothing) -> Step { Step(next: next, action: action) }
    }

    /// What is not listed is refused, but for `stop`, which is legal in every state.
    private static let table: [PluginState: [Event: Step]] = [
        .discovered: [.skip: .to(.skipped), .create: .to(.loaded), .createFailed: .to(.failed), .stop: .to(.stopped)],
        .loaded: [.start: .to(.running), .startFailed: .to(.failed, .tearDown), .stop: .to(.stopped, .tearDown)],
        .running: [.stop: .to(.stopped, .tearDown)],
        .stopped: [.stop: .to(.stopped)],
        .skipped: [.stop: .to(.skipped)],
        .failed: [.stop: .to(.failed)],
    ]

    mutating func apply(_ event: Event, reason: String = "") -> Action {
        guard let step = Self.table[state]?[event] else { return .refuse }
        state = step.next
        if !reason.isEmpty { self.reason = reason }
        if event == .create { hasInstance = true }
        if step.action == .tearDown { hasInstance = false }
        return step.action
    }
}
