/// A set of Nodes for one scheduling cycle, kept from cycle to cycle so that nothing is allocated in one.
struct NodeBits {
    private(set) var words = Column<UInt64>(0)

    init() {}

    init(copying other: NodeBits) { assign(other.words) }

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

    /// Makes this the empty set, among `count`.
    mutating func assign(noneOf count: Int) {
        words.removeAll()
        words.grow(to: (count + 63) >> 6)
    }

    /// Makes room for so many Nodes.
    mutating func grow(to count: Int) { words.grow(to: (count + 63) >> 6) }

    func remove(_ node: Int) { words[node >> 6] &= ~(1 << UInt64(node & 63)) }
    func subtract(_ other: NodeBits) {
        for word in 0..<min(words.count, other.words.count) { words[word] &= ~other.words[word] }
    }
    func formIntersection(_ other: Column<UInt64>) {
        for word in 0..<words.count { words[word] &= other[word] }
    }
    /// Whether all of the set `other` is in this one.
    func isSuperset(of other: Column<UInt64>) -> Bool {
        for word in 0..<other.count where other[word] & ~words[word] != 0 { return false }
        return true
    }
    func intersects(_ other: NodeBits) -> Bool {
        for word in 0..<min(words.count, other.words.count) where words[word] & other.words[word] != 0 { return true }
        return false
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
    var isEmpty: Bool {
        for word in 0..<words.count where words[word] != 0 { return false }
        return true
    }
    var count: Int {
        var count = 0
        for word in 0..<words.count { count += words[word].nonzeroBitCount }
        return count
    }

    /// Calls `body` with every member, lowest first.
    func visit(_ body: (Int) -> Void) { Self.visit(words.pointer, words.count, body) }

    /// Calls `rows` with every word of members, and `each` with every other member: a loop over a word is as fast as the machine.
    func visitWords(_ rows: (Range<Int>) -> Void, each: (Int) -> Void) {
        for index in 0..<words.count {
            if words[index] == .max {
                rows(index << 6..<(index + 1) << 6)
            } else {
                Self.visit(words.pointer + index, 1) { each(index << 6 | $0) }
            }
        }
    }

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
