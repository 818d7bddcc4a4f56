internal import APIModel
internal import OrderedCollections
internal import PluginHost

/// A plugin's status as its object carries it.
struct StatusValue {
    /// All of it.
    let value: Value
    /// What people wait for: written at once. The rest counts, and may lag behind.
    let state: Value

    private static let counters: Set<String> = [
        "calls", "errors", "late", "p99", "slots", "shadow", "violations", "lastViolation", "forbidden", "lastForbidden",
    ]

    /// - Parameters:
    ///   - since: when the state last became ready, or ceased to be.
    ///   - mark: why it runs in a process of its own although its specification does not say so.
    init(_ plugin: PluginStatus, since: String, mark: CrashMark? = nil) {
        // What ran before goes on when a new version fails.
        let isEarlier = plugin.state == .failed && plugin.startTime != nil
        let reason = isEarlier ? "\(plugin.reason); what ran before goes on" : plugin.reason
        self.init(
            [
                "observedGeneration": Value(plugin.observedGeneration), "state": .string(plugin.state.rawValue),
                "reason": Self.text(reason),
                "isolation": .string(plugin.isolation.rawValue), "library": Self.text(plugin.library), "version": Self.text(plugin.version),
                "abi": Self.text(plugin.abi),
                "sha256": Self.text(plugin.sha256), "startTime": Value(plugin.startTime), "pid": Value(plugin.pid.map(Int64.init)),
                "restarts": Value(plugin.restarts),
                "calls": Self.count(plugin.calls), "errors": Self.count(plugin.errors), "late": Self.count(plugin.late),
                "violations": Self.count(plugin.violations),
                "forbidden": Self.count(plugin.forbidden), "lastViolation": Self.text(plugin.lastViolation),
                "lastForbidden": Self.text(plugin.lastForbidden),
                "p99": Value(plugin.p99.map(Self.duration)), "slots": .array(plugin.slots.map(Self.slot)),
                "shadow": plugin.shadow.map { Self.shadow($0, plugin.kind) } ?? .null,
                "conditions": .array(
                    [
                        Self.ready(
                            Self.isReady(plugin), reason: isEarlier ? "EarlierVersion" : plugin.state.rawValue, message: reason,
                            plugin.observedGeneration, since: since)
                    ] + (mark.map { [Self.isolated($0, plugin)] } ?? [])),
            ])
    }

    /// Of an object that this host cannot read.
    init(unreadable reason: String, generation: Int64?, since: String) {
        self.init([
            "observedGeneration": Value(generation), "state": .string(PluginState.failed.rawValue), "reason": .string(reason),
            "conditions": [Self.ready(false, reason: PluginState.failed.rawValue, message: reason, generation, since: since)],
        ])
    }

    private init(_ value: Value) {
        self.value = value
        var state = value
        for name in Self.counters { state[name] = .null }
        self.state = state
    }

    /// Whether it does what it is there for, as a shadow, too, does, and an earlier version whose successor failed.
    static func isReady(_ plugin: PluginStatus) -> Bool { plugin.startTime != nil && plugin.state != .restarting }

    private static func ready(_ isReady: Bool, reason: String, message: String, _ generation: Int64?, since: String) -> Value {
        [
            "type": "Ready", "status": isReady ? "True" : "False", "reason": .string(reason), "message": .string(message),
            "lastTransitionTime": .string(since),
            "observedGeneration": Value(generation),
        ]
    }

    /// It runs elsewhere than its specification says.
    private static func isolated(_ mark: CrashMark, _ plugin: PluginStatus) -> Value {
        [
            "type": "Isolated", "status": "True", "reason": "Crashed",
            "message": .string(
                "\(mark.crash); it runs in a process of its own until its specification changes or `apus release plugin \(plugin.name)`"),
            "lastTransitionTime": Value(plugin.startTime), "observedGeneration": Value(plugin.observedGeneration),
        ]
    }

    private static func slot(_ slot: PluginStatus.Slot) -> Value {
        [
            "name": .string(slot.name), "calls": count(slot.calls), "errors": count(slot.errors), "late": count(slot.late),
            "p50": Value(slot.p50.map(duration)),
            "p99": Value(slot.p99.map(duration)),
        ]
    }

    private static func shadow(_ shadow: ShadowStatus, _ kind: ExtensionKind) -> Value {
        let (count, subject) = kind == .admission ? ("requests", "request") : ("pods", "pod")
        let examples = shadow.examples.map { example -> Value in
            [
                subject: .string(example.subject), "active": .string(example.active), "activeReason": .string(example.activeReason),
                "candidate": .string(example.candidate), "candidateReason": .string(example.candidateReason),
            ]
        }
        return [count: Value(shadow.decided), "differed": Value(shadow.differed), "examples": .array(examples)]
    }

    private static func text(_ text: String) -> Value { text.isEmpty ? .null : .string(text) }
    private static func count(_ count: UInt64) -> Value { .int(Int64(clamping: count)) }

    /// `850ns`, `12µs`, `3.4ms`, `1.2s`: two digits say enough.
    static func duration(_ duration: Duration) -> String {
        let nanoseconds = duration.nanoseconds
        for (unit, size) in [("s", Whole(1_000_000_000)), ("ms", 1_000_000), ("µs", 1_000)] where nanoseconds >= size {
            let tenths = nanoseconds / (size / 10)
            return tenths >= 100 || tenths % 10 == 0 ? "\(tenths / 10)\(unit)" : "\(tenths / 10).\(tenths % 10)\(unit)"
        }
        return "\(nanoseconds)ns"
    }
}

extension Value {
    fileprivate init(_ number: Int64?) { self = number.map(Value.int) ?? .null }
}
