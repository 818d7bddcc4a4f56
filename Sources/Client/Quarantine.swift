public import APIModel
import Synchronization

/// The objects that the loops of this process leave alone, because it ended more than once with them in hand, until they change or somebody
/// releases them.
///
/// A loop asks before it turns to an object, as it notes it in hand (`InHand`). As long as nothing is put aside an answer costs one look at
/// a flag. Safe from any task.
public final class Quarantine: Sendable {
    private struct State {
        var suspects: Suspects
        var observers: [@Sendable (InHand.Key) -> Void] = []
    }
    private let state: Mutex<State>
    private let isEmpty: Atomic<Bool>
    private let changed: @Sendable (Suspects) -> Void

    /// - Parameter changed: called, on any thread, one call at a time, with what there is to keep for the next start.
    public init(_ suspects: Suspects = Suspects(), changed: @escaping @Sendable (Suspects) -> Void = { _ in }) {
        state = Mutex(State(suspects: suspects))
        isEmpty = Atomic(suspects.putAside.isEmpty)
        self.changed = changed
    }

    public var suspects: Suspects { state.withLock { $0.suspects } }

    /// Whether the loop is to leave the object alone, as it is now; `nil` says that it is not there.
    public func holds(
        _ loop: InHand.Loop, part: String = "", _ resource: GroupVersionResource, namespace: String = "", name: String,
        _ object: @autoclosure () -> Object?
    ) -> Bool {
        if isEmpty.load(ordering: .relaxed) { return false }
        let key = InHand.Key(loop: loop, part: part, resource: resource, namespace: namespace, name: name)
        let answer = state.withLock { state in
            let answer = state.suspects.ask(key) { Suspects.fingerprint(object()) }
            if answer == .changed || answer == .heldAndSeen { keep(state) }
            return answer
        }
        return answer == .held || answer == .heldAndSeen
    }

    /// The same for an object at hand.
    public func holds(_ loop: InHand.Loop, part: String = "", _ resource: GroupVersionResource, _ object: Object) -> Bool {
        holds(loop, part: part, resource, namespace: object.namespace, name: object.name, object)
    }

    /// A crash with `key` in hand that this process outlives. Returns what is known of it now.
    @discardableResult
    public func note(_ key: InHand.Key, at time: Whole, reason: String) -> Suspects.Suspect {
        state.withLock { state in
            let suspect = state.suspects.note(key, at: time, reason: reason)
            keep(state)
            return suspect
        }
    }

    /// Gives those that `isMeant` another try, and returns them.
    @discardableResult
    public func release(_ isMeant: (Suspects.Suspect) -> Bool) -> [Suspects.Suspect] {
        let (released, observers) = state.withLock { state in
            let released = state.suspects.release(isMeant)
            if !released.isEmpty { keep(state) }
            return (released, state.observers)
        }
        for suspect in released { for observer in observers { observer(suspect.key) } }
        return released
    }

    /// Has `body` called, on any thread, with each key that is released from now on: nothing about its object changed, so nobody else would
    /// turn to it. For as long as the process lives.
    public func observe(_ loop: InHand.Loop, _ body: @escaping @Sendable (InHand.Key) -> Void) {
        state.withLock { $0.observers.append { key in if key.loop == loop { body(key) } } }
    }

    private func keep(_ state: borrowing State) {
        isEmpty.store(state.suspects.putAside.isEmpty, ordering: .relaxed)
        changed(state.suspects)
    }
}
