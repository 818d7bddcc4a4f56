internal import PluginKit

/// Which Nodes were refused for which reason. Made only after a cycle that left no Node.
struct ReasonLedger {
    private let count: Int
    /// By a number that stands for reasons, where they were found.
    private var places: [UInt64: [Int]] = [:]
    private var last: (key: UInt64, places: [Int])?
    private var sets: [(reason: Checks.Reason, words: [UInt64])] = []

    init(count: Int) { self.count = count }

    /// - Parameters:
    ///   - key: stands for the same reasons wherever it is given; `nil` stands for nothing.
    ///   - reasons: called where the key is new.
    mutating func add(_ node: Int, _ key: UInt64?, _ reasons: () -> [Checks.Reason]) {
        let found: [Int]
        if let key, let last, last.key == key {
            found = last.places
        } else {
            found = key.flatMap { places[$0] } ?? reasons().map { place($0) }
            if let key {
                places[key] = found
                last = (key, found)
            }
        }
        for index in found { sets[index].words[node >> 6] |= 1 << UInt64(node & 63) }
    }

    private mutating func place(_ reason: Checks.Reason) -> Int {
        if let known = sets.firstIndex(where: { $0.reason == reason }) { return known }
        sets.append((reason, Array(repeating: 0, count: (count + 63) / 64)))
        return sets.count - 1
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
