internal import CHash

/// A word by which records are found — a label with its value, a field with its value — as a number.
///
/// Numbers come from the words alone, so nothing keeps a table of them, and two words may share one: what is found by a term is looked at
/// again by whoever knows the word.
public struct Term: Hashable, Sendable, Comparable {
    private let number: UInt32

    /// What kinds of words there are, so that a label and a field of the same name differ.
    public enum Space: UInt64, Sendable { case label, field }

    public init(_ space: Space, _ name: String, _ value: String) {
        self.init(Self.hash(value, Self.hash(name, space.rawValue)))
    }

    private init(_ hash: UInt64) { number = UInt32(truncatingIfNeeded: hash ^ hash >> 32) }

    public static func < (left: Term, right: Term) -> Bool { left.number < right.number }

    private static func hash(_ text: some StringProtocol, _ seed: UInt64) -> UInt64 {
        if let hash = text.utf8.withContiguousStorageIfAvailable({ apus_hash($0.baseAddress, UInt64($0.count), seed) }) { return hash }
        var copy = String(text)
        return copy.withUTF8 { apus_hash($0.baseAddress, UInt64($0.count), seed) }
    }

    // MARK: What a watch can wait for beside the words of its indexer

    /// Any change at all.
    static let anything = Term(0)
    /// Changes of one namespace.
    static func namespace(_ namespace: some StringProtocol) -> Term { Term(hash(namespace, 0x100)) }
    /// Changes of one record.
    static func name(_ name: String) -> Term { Term(hash(name, 0x101)) }
    /// Changes of what has this word, in one namespace.
    func within(_ namespace: Term) -> Term { Term(UInt64(number) &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(namespace.number)) }
}

/// All terms of a record.
final class Terms: Sendable {
    static let none = Terms([])

    /// In their order, each once.
    let all: [Term]

    init(_ terms: [Term]) {
        var all = terms.sorted()
        var last: Term?
        all.removeAll { term in
            defer { last = term }
            return term == last
        }
        self.all = all
    }

    func contains(_ term: Term) -> Bool {
        var low = 0
        var high = all.count
        while low < high {
            let middle = (low + high) / 2
            if all[middle] < term { low = middle + 1 } else { high = middle }
        }
        return low < all.count && all[low] == term
    }

    /// The terms that are here and not in `others`.
    func missing(in others: Terms?) -> [Term] {
        guard let others, others !== self else { return others == nil ? all : [] }
        return all.filter { !others.contains($0) }
    }
}
