internal import PluginKit

/// Which Nodes were refused for which reason. Made only after a cycle that left no Node.
struct ReasonLedger {
    private let count: Int
    private var sets: [(reason: Checks.Reason, words: [UInt64])] = []

    init(count: Int) { self.count = count }

    mutating func add(_ node: Int, _ reason: Checks.Reason) {
        let index = sets.firstIndex { $0.reason == reason } ?? sets.count
        if index == sets.count { sets.append((reason, Array(repeating: 0, count: (count + 63) / 64))) }
        sets[index].words[node >> 6] |= 1 << UInt64(node & 63)
    }

    func report(to reasons: Reasons) {
        for (reason, set) in sets {
            var words = set
            words.withUnsafeMutableBufferPointer { words in
                guard let words = words.baseAddress else { return }
                reasons.add(NodeSet(words: words, count: count), reason.verdict, reason.text, hints: reason.hints)
            }
        }
    }
}
