/// A set of Nodes for one scheduling cycle, kept from cycle to cycle so that nothing is allocated in one.
struct NodeBits {
    private(set) var words = Column<UInt64>(0)

    /// Makes this the set `other`.
    mutating func assign(_ other: Column<UInt64>) {
        words.removeAll()
        words.grow(to: other.count)
        words.pointer.update(from: other.pointer, count: other.count)
    }

    /// Makes this the set of `node` alone, among `count`.
    mutating func assign(only node: Int, of count: Int) {
        words.removeAll()
        words.grow(to: (count + 63) >> 6)
        words[node >> 6] = 1 << UInt64(node & 63)
    }

    /// Makes this those of the set `other` that lie in some of its words.
    mutating func assign(_ other: Column<UInt64>, words range: Range<Int>) {
        words.removeAll()
        words.grow(to: other.count)
        for word in range { words[word] = other[word] }
    }

    func insert(_ node: Int) { words[node >> 6] |= 1 << UInt64(node & 63) }

    func formUnion(_ other: NodeBits) {
        for word in 0..<words.count { words[word] |= other.words[word] }
    }

    /// Keeps `limit` members: those of the words from `first` on, and then from the beginning. Returns the word where the next search is to
    /// begin: the one in which the first member was dropped, or `first`.
    func keep(_ limit: Int, from first: Int) -> Int {
        var (left, next) = (limit, first)
        for step in 0..<words.count {
            let word = (first + step) % words.count
            if next == first, words[word].nonzeroBitCount > left { next = word }
            while words[word].nonzeroBitCount > left { words[word] &= ~(1 << UInt64(63 - words[word].leadingZeroBitCount)) }
            left -= words[word].nonzeroBitCount
        }
        return next
    }

    func contains(_ node: Int) -> Bool { words[node >> 6] & (1 << UInt64(node & 63)) != 0 }
    var isEmpty: Bool { (0..<words.count).allSatisfy { words[$0] == 0 } }
    var count: Int { (0..<words.count).reduce(0) { $0 + words[$1].nonzeroBitCount } }

    /// Calls `body` with every member, lowest first.
    func visit(_ body: (Int) -> Void) { Self.visit(words.pointer, words.count, body) }

    static func visit(_ words: UnsafePointer<UInt64>, _ wordCount: Int, _ body: (Int) -> Void) {
        for index in 0..<wordCount {
            var word = words[index]
            while word != 0 {
                body(index << 6 | word.trailingZeroBitCount)
                word &= word - 1
            }
        }
    }

    func free() { words.free() }
}
