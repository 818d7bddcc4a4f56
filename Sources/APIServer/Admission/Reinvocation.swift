import APIModel
import Synchronization

/// What of a request's webhooks and policies is to be asked a second time, because something changed after they were asked: those that
/// want it (`reinvocationPolicy: IfNeeded`), once, and none that was not asked the first time.
final class Reinvocation: Sendable {
    fileprivate struct State {
        var isNeeded = false
        var isUnderWay = false
        /// By member: those that want to be asked again if anything changes from now on, those that shall be, and what the last one left.
        var asked: [String: Set<String>] = [:]
        var again: [String: Set<String>] = [:]
        var outcome: [String: Value] = [:]
    }

    private let state = Mutex(State())

    /// 0, or 1 when those are asked again who want to be.
    var round: Int { state.withLock { $0.isUnderWay ? 1 : 0 } }

    /// Whether the second round begins. There is no third.
    func begin() -> Bool {
        state.withLock { state in
            guard state.isNeeded, !state.isUnderWay else { return false }
            state.isUnderWay = true
            return true
        }
    }

    /// A member's turn begins with the object as it is now.
    func enter(_ member: String, _ object: Value) {
        state.withLock { state in
            if state.isUnderWay, state.outcome[member] != object { state.askAgain(member) }
        }
    }

    func leave(_ member: String, _ object: Value) { state.withLock { $0.outcome[member] = object } }

    /// Whether the member asks the webhook or policy in this round.
    func asks(_ id: String, of member: String) -> Bool {
        state.withLock { !$0.isUnderWay || $0.again[member]?.contains(id) == true }
    }

    /// Something was changed: whoever was asked before wants to see it.
    func noteChange(by member: String) {
        state.withLock { state in
            state.askAgain(member)
            state.isNeeded = true
        }
    }

    /// The webhook or policy was asked, and wants to be again when somebody changes something after it.
    func noteAsked(_ id: String, of member: String) { state.withLock { _ = $0.asked[member, default: []].insert(id) } }
}

extension Reinvocation.State {
    fileprivate mutating func askAgain(_ member: String) {
        again[member, default: []].formUnion(asked[member] ?? [])
        asked[member] = []
    }
}
