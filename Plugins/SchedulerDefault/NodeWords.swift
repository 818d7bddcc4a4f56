internal import PluginKit

/// A set of Nodes that is kept between calls: one bit a Node.
struct NodeWords {
    private var words: ContiguousArray<UInt64> = []

    mutating func insert(_ node: Int) {
        while words.count <= node >> 6 { words.append(0) }
        words[node >> 6] |= 1 << UInt64(node & 63)
    }

    mutating func remove(_ node: Int) {
        if node >> 6 < words.count { words[node >> 6] &= ~(1 << UInt64(node & 63)) }
    }

    /// Clears from `nodes` all that are here.
    func subtract(from nodes: NodeSet) {
        for index in 0..<min(words.count, (nodes.count + 63) >> 6) { nodes.words[index] &= ~words[index] }
    }

    func intersects(_ nodes: NodeSet) -> Bool {
        for index in 0..<min(words.count, (nodes.count + 63) >> 6) where words[index] & nodes.words[index] != 0 { return true }
        return false
    }
}
