import APIModel
import Synchronization

/// The last two looks at each node, which say together how much it uses. Looks again when somebody asks and the last look is old. Safe from
/// any task.
final class UsageSamples: Sendable {
    typealias Pair = (before: UsageSample, after: UsageSample)

    /// How old a look may be that still counts as now, and how far back the one before it may lie, in nanoseconds.
    private static let fresh: Whole = 15_000_000_000
    private static let longest: Whole = 300_000_000_000
    /// Between the first two looks at a node.
    private static let shortest = Duration.milliseconds(1100)

    /// Answers a kubelet's summary.
    private let look: @Sendable (_ node: String) async throws -> Value
    private let now: @Sendable () -> Whole
    private let samples = Mutex<[String: [UsageSample]]>([:])

    init(now: @escaping @Sendable () -> Whole, look: @escaping @Sendable (_ node: String) async throws -> Value) {
        (self.now, self.look) = (now, look)
    }

    /// What a node used lately. Takes a second where nobody asked for a while.
    /// - Throws: what the kubelet does, or `CancellationError`.
    func pair(_ node: String) async throws -> Pair? {
        if let known = known(node), now() - known.after.time < Self.fresh { return known }
        try await note(node)
        if let known = known(node) { return known }
        try await Task.sleep(for: Self.shortest)
        try await note(node)
        return known(node)
    }

    /// Forgets all other nodes.
    func keep(_ nodes: Set<String>) { samples.withLock { $0 = $0.filter { nodes.contains($0.key) } } }

    private func known(_ node: String) -> Pair? {
        samples.withLock { samples in
            guard let pair = samples[node], pair.count == 2, pair[1].time - pair[0].time <= Self.longest else { return nil }
            return (pair[0], pair[1])
        }
    }

    private func note(_ node: String) async throws {
        guard let sample = UsageSample(try await look(node)) else { return }
        samples.withLock { samples in
            let last = samples[node]?.last
            // Two who asked at once brought two looks: the first is enough.
            if let last, sample.time - last.time < 1_000_000_000 { return }
            samples[node] = (last.map { [$0] } ?? []) + [sample]
        }
    }
}
