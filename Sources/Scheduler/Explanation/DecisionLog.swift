internal import Synchronization

/// The last decisions, by Pod: of each Pod the newest. Its memory does not grow with the number of Pods or Nodes.
final class DecisionLog: Sendable {
    private struct State {
        var records: [DecisionRecord?]
        /// Where the next one goes.
        var next = 0
        var places: [PodKey: Int] = [:]
    }
    private let state: Mutex<State>

    init(capacity: Int = 10_000) { state = Mutex(State(records: Array(repeating: nil, count: capacity))) }

    /// Keeps the record, in the place of the oldest one.
    func add(_ record: DecisionRecord) {
        state.withLock { state in
            let place = state.next
            state.next = (place + 1) % state.records.count
            if let old = state.records[place], state.places[old.pod] == place { state.places[old.pod] = nil }
            state.records[place] = record
            state.places[record.pod] = place
        }
    }

    /// What became of the Pod of a decision later.
    func settle(_ pod: PodInfo, _ outcome: DecisionRecord.Outcome) {
        state.withLock { state in
            guard let place = state.places[pod.key], state.records[place]?.uid == pod.uid else { return }
            state.records[place]?.outcome = outcome
        }
    }

    subscript(_ pod: PodKey) -> DecisionRecord? {
        state.withLock { state in state.places[pod].flatMap { state.records[$0] } }
    }
}
