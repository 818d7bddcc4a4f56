internal import PluginAPI

/// What a policy may do to the set of feasible Nodes: clear bits, and nothing else.
enum FeasibleGuard {
    /// Runs `body`, which may write to `feasible`. Bits it set are cleared again, and `onGarbage` gets the first such Node's name and the
    /// answer to put another in place of.
    static func run<Answer>(
        _ nodes: UnsafePointer<apus_nodes>, _ feasible: UnsafeMutablePointer<UInt64>, _ body: () -> Answer,
        onGarbage: (String, Answer) -> Answer
    ) -> Answer {
        let words = (Int(nodes.pointee.count) + 63) / 64
        return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: words) { before in
            for word in 0..<words { before.initializeElement(at: word, to: feasible[word]) }
            let answer = body()
            var first: Int?
            for word in 0..<words {
                let set = feasible[word] & ~before[word]
                guard set != 0 else { continue }
                feasible[word] &= before[word]
                if first == nil { first = word * 64 + set.trailingZeroBitCount }
            }
            return first.map { onGarbage(NodeName.of($0, nodes), answer) } ?? answer
        }
    }
}

/// What points a policy may give.
enum PointsGuard {
    /// Where a policy names no other limit.
    static let usual: Int32 = 100

    /// The first feasible Node with points outside 0 to `most`; any Node with points is, where `most` is no limit.
    static func firstOutside(
        _ nodes: UnsafePointer<apus_nodes>, _ feasible: UnsafePointer<UInt64>, _ points: UnsafePointer<Int32>, most: Int32
    ) -> Int? {
        let most = UInt32(max(0, most))
        let count = Int(nodes.pointee.count)
        for word in 0..<(count + 63) / 64 {
            var bits = feasible[word]
            // Most often all Nodes of a word are there and right.
            if bits == .max, (word * 64..<word * 64 + 64).reduce(UInt32(0), { max($0, UInt32(bitPattern: points[$1])) }) <= most {
                continue
            }
            while bits != 0 {
                let node = word * 64 + bits.trailingZeroBitCount
                // As unsigned a negative number is a large one.
                if node < count, UInt32(bitPattern: points[node]) > most { return node }
                bits &= bits - 1
            }
        }
        return nil
    }
}

enum NodeName {
    /// The Node's name from the columns; its position where the columns have none.
    static func of(_ node: Int, _ nodes: UnsafePointer<apus_nodes>) -> String {
        guard node < Int(nodes.pointee.count) else { return "number \(node)" }
        let string = nodes.pointee.names[node]
        guard string < nodes.pointee.string_count else { return "number \(node)" }
        return nodes.pointee.strings[Int(string)].string
    }
}
