/// Which Nodes would do for a Pod, with their points, and the best of them at hand. Used by the scheduling thread only; its buffers are kept between
/// cycles.
final class NodeRanks {
    var feasible = NodeBits()
    /// Of all policies, by weight. Means something for the Nodes of `feasible` only.
    var totals = Column<Int64>(0)
    /// By word of `feasible`, the most points of a Node there; `none` where no Node of it would do.
    private var tops = Column<Int64>(NodeRanks.none)
    private static let none = Int64.min

    deinit {
        feasible.free()
        totals.free()
        tops.free()
    }

    /// Makes room for so many Nodes.
    func grow(to nodes: Int) {
        feasible.grow(to: nodes)
        totals.grow(to: nodes)
        tops.grow(to: (nodes + 63) >> 6)
    }

    /// To be called when totals, or members of `feasible`, are others than they were in some words, all of them or those with a Node in `changed`.
    func settle(_ changed: NodeBits? = nil) {
        tops.grow(to: feasible.words.count)
        let (words, totals) = (feasible.words, totals.pointer)
        for index in 0..<words.count where changed == nil || changed?.words[index] != 0 {
            var top = Self.none
            let word = words[index]
            if word == .max {
                for node in index << 6..<(index + 1) << 6 { top = max(top, totals[node]) }
            } else {
                var left = word
                while left != 0 {
                    top = max(top, totals[index << 6 | left.trailingZeroBitCount])
                    left &= left - 1
                }
            }
            tops[index] = top
        }
    }

    /// Takes a Node out.
    func remove(_ node: Int) {
        feasible.remove(node)
        let word = node >> 6
        tops[word] = Self.none
        NodeBits.visit(feasible.words.pointer + word, 1) { tops[word] = max(tops[word], totals[word << 6 | $0]) }
    }

    /// The most points that any Node has. With a Node left.
    var most: Int64 {
        var most = Self.none
        let (tops, count) = (tops.pointer, feasible.words.count)
        for index in 0..<count { most = max(most, tops[index]) }
        return most
    }

    /// One of the Nodes with the most points: any when several have as many. With a Node left.
    func best(_ random: () -> UInt64) -> Int {
        let most = most
        var found = (word: -1, ties: UInt64(0))
        for index in 0..<feasible.words.count where tops[index] == most {
            found.ties += 1
            if random() % found.ties == 0 { found.word = index }
        }
        var (node, ties) = (-1, UInt64(0))
        NodeBits.visit(feasible.words.pointer + found.word, 1) { bit in
            guard totals[found.word << 6 | bit] == most else { return }
            ties += 1
            if random() % ties == 0 { node = found.word << 6 | bit }
        }
        return node
    }

    /// The Nodes with the most points, best first; of equals those that come first.
    func best(_ limit: Int) -> [Int] {
        var best: [Int] = []
        let totals = totals.pointer
        for index in 0..<feasible.words.count where tops[index] != Self.none {
            if best.count == limit, tops[index] <= totals[best[limit - 1]] { continue }
            NodeBits.visit(feasible.words.pointer + index, 1) { bit in
                let node = index << 6 | bit
                if best.count == limit, totals[node] <= totals[best[limit - 1]] { return }
                let place = best.firstIndex { totals[$0] < totals[node] } ?? best.count
                best.insert(node, at: place)
                if best.count > limit { best.removeLast() }
            }
        }
        return best
    }
}
