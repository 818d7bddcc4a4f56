internal import Synchronization

/// How often a slot was called, how often it did not answer OK, and how long it took.
final class SlotCounter: Sendable {
    let name: String
    private let calls = Atomic<UInt64>(0)
    private let errors = Atomic<UInt64>(0)
    private let nanoseconds = Atomic<UInt64>(0)

    init(_ name: String) { self.name = name }

    func count(isError: Bool, since start: ContinuousClock.Instant) {
        let (seconds, attoseconds) = start.duration(to: .now).components
        calls.wrappingAdd(1, ordering: .relaxed)
        if isError { errors.wrappingAdd(1, ordering: .relaxed) }
        nanoseconds.wrappingAdd(UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000), ordering: .relaxed)
    }

    var status: PluginStatus.Slot {
        PluginStatus.Slot(name: name, calls: calls.load(ordering: .relaxed), errors: errors.load(ordering: .relaxed), late: 0, nanoseconds: nanoseconds.load(ordering: .relaxed))
    }
}
