import DequeModule

/// Remembers what others answered, each answer for its lifetime, and no more of them than fit: those that came first go first.
struct AnswerCache {
    struct Key: Hashable, Sendable {
        var question: Question
        /// Of the query: what it says changes the answer.
        var wantsDNSSEC: Bool
        var isCheckingDisabled: Bool
    }

    private struct Entry {
        var answer: Answer
        var received: UInt64
        var number: UInt64
    }

    /// Bytes, about.
    private let limit: Int
    private var cost = 0
    private var entries: [Key: Entry] = [:]
    private var order: Deque<(key: Key, number: UInt64)> = []
    private var last: UInt64 = 0

    init(limit: Int = 4 << 20) { self.limit = limit }

    /// - Parameter now: seconds of a clock that never goes back.
    func answer(_ key: Key, now: UInt64) -> (answer: Answer, age: UInt32)? {
        guard let entry = entries[key], case let age = now - min(now, entry.received), age < UInt64(entry.answer.lifetime) else {
            return nil
        }
        return (entry.answer, UInt32(clamping: age))
    }

    mutating func add(_ answer: Answer, for key: Key, now: UInt64) {
        guard answer.lifetime > 0, answer.cost <= limit / 8 else { return }
        last += 1
        remove(key)
        entries[key] = Entry(answer: answer, received: now, number: last)
        order.append((key, last))
        cost += answer.cost
        while cost > limit || order.count > 2 * entries.count + 16, let first = order.popFirst() {
            if entries[first.key]?.number == first.number { remove(first.key) }
        }
    }

    private mutating func remove(_ key: Key) { cost -= entries.removeValue(forKey: key)?.answer.cost ?? 0 }
}
