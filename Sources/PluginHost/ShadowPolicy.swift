internal import Synchronization

/// A candidate that runs beside the active policies and decides nothing.
public final class ShadowPolicy: Sendable {
    public let name: String
    /// What would run if it were active: the active ones with the one its manifest replaces replaced by it, or it alone.
    public let policies: [SchedulerPolicy]
    /// The policy itself.
    public var candidate: SchedulerPolicy? { policies.first { $0.name == name } }
    private let record: ShadowRecord

    init(name: String, policies: [SchedulerPolicy], record: ShadowRecord) {
        self.name = name
        self.policies = policies
        self.record = record
    }

    /// Notes what both decided for a Pod. `active` and `candidate` are Node names, empty for none.
    public func record(pod: String, active: String, activeReason: String, candidate: String, candidateReason: String, differs: Bool) {
        record.add(
            differs
                ? ShadowStatus.Example(
                    subject: pod, active: active, activeReason: activeReason, candidate: candidate, candidateReason: candidateReason) : nil)
    }
}

/// What became of a shadow's decisions so far.
final class ShadowRecord: Sendable {
    private static let kept = 10
    private let state = Mutex(ShadowStatus(decided: 0, differed: 0, examples: []))

    /// Counts one Pod or request; `difference` is `nil` where both decided alike.
    func add(_ difference: ShadowStatus.Example?) {
        state.withLock { state in
            state.decided += 1
            guard let difference else { return }
            state.differed += 1
            if state.examples.count == Self.kept { state.examples.removeFirst() }
            state.examples.append(difference)
        }
    }

    var status: ShadowStatus { state.withLock { $0 } }
}
