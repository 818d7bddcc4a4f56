internal import Glibc
internal import Synchronization

/// What is known of the calls of one slot: how many, how many failed or were late, and how long they took.
final class SlotCounter: Sendable {
    let descriptor: SlotDescriptor
    /// In which states it may be called, as a bit set of `ComponentState`.
    let states: UInt8
    /// One caller at a time.
    let isControl: Bool
    /// In nanoseconds.
    private let deadline: UInt64
    private let latency = Histogram()
    private let errors = Atomic<UInt64>(0)
    private let late = Atomic<UInt64>(0)
    private let nanoseconds = Atomic<UInt64>(0)

    init(_ descriptor: SlotDescriptor, deadline: Duration?) {
        self.descriptor = descriptor
        states = descriptor.tag.states.reduce(0) { $0 | (ComponentState($1)?.rawValue ?? 0) }
        isControl = descriptor.tag.threads == .control
        self.deadline = Self.nanoseconds(descriptor.limit(replacement: deadline))
    }

    /// Counts one call. `limit` stands in place of the slot's own deadline, for a call that carries its own.
    @inline(__always)
    func record(from start: UInt64, to end: UInt64, limit: UInt64? = nil) {
        let elapsed = end &- start
        latency.add(elapsed)
        nanoseconds.wrappingAdd(elapsed, ordering: .relaxed)
        if elapsed > limit ?? deadline { late.wrappingAdd(1, ordering: .relaxed) }
    }

    func recordError() { errors.wrappingAdd(1, ordering: .relaxed) }

    var snapshot: Histogram.Snapshot { latency.snapshot }

    func status(_ latency: Histogram.Snapshot) -> PluginStatus.Slot {
        PluginStatus.Slot(
            name: descriptor.name, calls: latency.total, errors: errors.load(ordering: .relaxed), late: late.load(ordering: .relaxed),
            nanoseconds: nanoseconds.load(ordering: .relaxed), p50: latency.percentile(0.5), p99: latency.percentile(0.99))
    }

    /// For ever, without a limit.
    static func nanoseconds(_ limit: Duration?) -> UInt64 {
        guard let (seconds, attoseconds) = limit?.components else { return .max }
        return UInt64(max(0, seconds)) * 1_000_000_000 + UInt64(max(0, attoseconds) / 1_000_000_000)
    }
}

/// The steady clock in nanoseconds.
@inline(__always)
func steadyNanoseconds() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) &* 1_000_000_000 &+ UInt64(now.tv_nsec)
}
