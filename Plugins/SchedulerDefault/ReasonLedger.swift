internal import PluginKit

/// Which Nodes were refused for which reason. Made only after a cycle that left no Node.
struct ReasonLedger {
    private let count: Int
    private var sets: [(reason: String, verdict: Verdict, words: [UInt64])] = []

    init(count: Int) { self.count = count }

    mutating func add(_ node: Int, _ verdict: Verdict, _ reason: String) {
        let index = sets.firstIndex { $0.reason == reason && $0.verdict == verdict } ?? sets.count
        if index == sets.count { sets.append((reason, verdict, Array(repeating: 0, count: (count + 63) / 64))) }
        sets[index].words[node >> 6] |= 1 << UInt64(node & 63)
    }

    func report(to reasons: Reasons) {
        for (reason, verdict, set) in sets {
            var words = set
            words.withUnsafeMutableBufferPointer { words in
                guard let words = words.baseAddress else { return }
                reasons.add(NodeSet(words: words, count: count), verdict, reason)
            }
        }
    }
}
