internal import PluginKit

/// The points of topology spread where few things tell Nodes apart: a constraint on the hostname by how many Pods there are, one on a topology by which of
/// few domains it is, or both. Nodes that are alike in that are one cell, and get the same. For Nodes that all have the labels.
struct CrowdTable {
    /// By Node, how many Pods; empty without such a constraint.
    private let counts: ContiguousArray<Int32>
    /// By Node, its domain; empty without such a constraint.
    private let places: ContiguousArray<Int32>
    /// How many domains there are.
    private let width: Int
    private let height: Int
    private let crowds: [(crowd: Crowd, isOfHosts: Bool)]

    private static let mostCells = 4096

    /// `nil` where there are other constraints, or too many cells.
    init?(_ preferred: [PodTopologySpread.Preferred], _ feasible: NodeSet) {
        let hosts = preferred.filter { $0.perNode != nil }
        let others = preferred.filter { $0.perNode == nil }
        guard hosts.count <= 1, others.count <= 1 else { return nil }
        if let other = others.first {
            guard let members = other.tally.region.topology.members else { return nil }
            (places, width) = (other.tally.region.topology.domains, members.count)
        } else {
            (places, width) = ([], 1)
        }
        counts = hosts.first?.perNode?.counts ?? []
        var most: Int32 = 0
        counts.withUnsafeBufferPointer { for count in $0 { most = max(most, count) } }
        height = Int(most) + 1
        guard height * width <= Self.mostCells else { return nil }
        crowds = preferred.map { (Crowd($0, size: $0.size(feasible)), $0.perNode != nil) }
    }

    /// Writes from 0 to 100 points for every Node of `feasible`.
    /// - Parameter cells: room for a number for every Node.
    func rate(_ feasible: NodeSet, _ cells: UnsafeMutablePointer<Int32>, _ points: UnsafeMutablePointer<Int32>) {
        var seen = [Bool](repeating: false, count: height * width)
        seen.withUnsafeMutableBufferPointer { seen in
            counts.withUnsafeBufferPointer { counts in
                places.withUnsafeBufferPointer { places in
                    let (hosts, width) = (counts.count, Int32(width))
                    @inline(__always) func note(_ cell: (Int) -> Int32) {
                        feasible.visitRuns {
                            for node in $0 {
                                let number = cell(node)
                                cells[node] = number
                                seen[Int(number)] = true
                            }
                        }
                    }
                    if places.isEmpty {
                        note { $0 < hosts ? counts[$0] : 0 }
                    } else {
                        note { ($0 < hosts ? counts[$0] &* width : 0) &+ places[$0] }
                    }
                }
            }
        }
        values(seen).withUnsafeBufferPointer { values in
            feasible.visitRuns { for node in $0 { points[node] = values[Int(cells[node])] } }
        }
    }

    /// By cell, the points of its Nodes.
    private func values(_ seen: [Bool]) -> [Int32] {
        var sums = [Double](repeating: 0, count: seen.count)
        var (least, most) = (Double.infinity, 0.0)
        for cell in seen.indices where seen[cell] {
            let (count, domain) = (cell / width, cell % width)
            let sum = crowds.reduce(0.0) { $0 + ($1.isOfHosts ? $1.crowd.value(of: Int32(count)) : $1.crowd.value(domain)) }
            sums[cell] = Crowd.rounded(sum)
            (least, most) = (min(least, sums[cell]), max(most, sums[cell]))
        }
        return seen.indices.map { seen[$0] ? Crowd.points(sums[$0], least, most) : 0 }
    }
}

extension PodTopologySpread.Preferred {
    /// Among how many domains Pods are spread; of a topology of few domains, for Nodes that all have the label.
    fileprivate func size(_ feasible: NodeSet) -> Int {
        if perNode != nil { return (0..<(feasible.count + 63) >> 6).reduce(0) { $0 + feasible.words[$1].nonzeroBitCount } }
        return tally.region.topology.members?.count(where: { $0.intersects(feasible) }) ?? 0
    }
}
