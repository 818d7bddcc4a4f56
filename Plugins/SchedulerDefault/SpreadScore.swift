internal import Glibc
internal import PluginKit

/// The points of topology spread. Keeps its columns between calls.
final class SpreadScore {
    /// How crowded each Node's domains are.
    private let sums = NodeColumn<Double>(0)
    /// 1 for a Node that has the labels that the constraints ask for.
    private let rated = NodeColumn<UInt8>(0)
    private let points = NodeColumn<Int32>(0)
    private let cells = NodeColumn<Int32>(0)

    /// 0 to 100 points for every Node of `feasible`; `nil` where no spread is preferred.
    func points(_ spread: PodTopologySpread, _ feasible: NodeSet) -> UnsafePointer<Int32>? {
        guard spread.isPreferred else { return nil }
        let points = points.grown(to: feasible.count)
        // Most often every Node has all labels.
        let isWhole = !spread.preferred.contains { $0.tally.region.topology.homeless.intersects(feasible) }
        if isWhole, let table = CrowdTable(spread.preferred, feasible) {
            table.rate(feasible, cells.grown(to: feasible.count), points)
            return UnsafePointer(points)
        }
        let (sums, rated) = (sums.grown(to: feasible.count), rated.grown(to: feasible.count))
        rate(spread.preferred, feasible, sums, rated)
        var (least, most) = (Double.infinity, 0.0)
        feasible.visitRuns {
            for node in $0 where rated[node] != 0 { (least, most) = (min(least, sums[node]), max(most, sums[node])) }
        }
        feasible.visitRuns { for node in $0 { points[node] = rated[node] == 0 ? 0 : Crowd.points(sums[node], least, most) } }
        return UnsafePointer(points)
    }

    private func rate(
        _ preferred: [PodTopologySpread.Preferred], _ feasible: NodeSet, _ sums: UnsafeMutablePointer<Double>,
        _ rated: UnsafeMutablePointer<UInt8>
    ) {
        feasible.visitRuns { for node in $0 { (sums[node], rated[node]) = (0, 1) } }
        if !preferred.contains(where: \.constraint.isDefault) {
            for one in preferred {
                one.tally.region.topology.domains.withUnsafeBufferPointer { domains in
                    feasible.visitRuns { for node in $0 where domains[node] < 0 { rated[node] = 0 } }
                }
            }
        }
        for one in preferred { add(one, feasible, sums, rated) }
        feasible.visitRuns { for node in $0 { sums[node] = Crowd.rounded(sums[node]) } }
    }

    /// Adds what one constraint makes of each Node.
    private func add(
        _ one: PodTopologySpread.Preferred, _ feasible: NodeSet, _ sums: UnsafeMutablePointer<Double>, _ rated: UnsafeMutablePointer<UInt8>
    ) {
        one.tally.region.topology.domains.withUnsafeBufferPointer { domains in
            var size = 0
            if one.perNode == nil {
                var seen = [Bool](repeating: false, count: one.tally.region.topology.count)
                // Nodes without the label are as one domain more.
                var lacks = false
                seen.withUnsafeMutableBufferPointer { seen in
                    feasible.visitRuns {
                        for node in $0 where rated[node] != 0 {
                            if domains[node] >= 0 { seen[Int(domains[node])] = true } else { lacks = true }
                        }
                    }
                }
                size = seen.count(where: \.self) + (lacks ? 1 : 0)
            } else {
                feasible.visitRuns { for node in $0 { size += Int(rated[node]) } }
            }
            let crowd = Crowd(one, size: size)
            crowd.places.withUnsafeBufferPointer { places in
                feasible.visitRuns {
                    for node in $0 where rated[node] != 0 && domains[node] >= 0 { sums[node] += crowd.value(Int(places[node])) }
                }
            }
        }
    }
}

/// How crowded the domains of one preferred constraint are.
struct Crowd {
    let places: ContiguousArray<Int32>
    let counts: ContiguousArray<Int32>
    /// What a Pod counts for, and what is added to all of them.
    private let share: Double
    private let skew: Double

    /// - Parameter size: among how many domains Pods are spread.
    init(_ one: PodTopologySpread.Preferred, size: Int) {
        let counted = one.perNode ?? one.tally
        (places, counts) = (counted.region.topology.domains, counted.counts)
        share = log(Double(size + 2))
        skew = Double(one.constraint.maxSkew - 1)
    }

    /// Of a domain; none has fewer Pods than one of which nothing is known.
    func value(_ domain: Int) -> Double { domain >= 0 && domain < counts.count ? value(of: counts[domain]) : skew }
    func value(of count: Int32) -> Double { Double(count) * share + skew }

    /// To the next whole number, a half upwards; of a number that is not negative.
    static func rounded(_ number: Double) -> Double {
        let below = Double(Int64(number))
        return number - below >= 0.5 ? below + 1 : below
    }

    /// From 0 to 100, the more the less crowded. All of these are whole numbers: what is below their quotient as doubles is below it as whole numbers, too.
    static func points(_ sum: Double, _ least: Double, _ most: Double) -> Int32 {
        most == 0 ? 100 : Int32(100 * (most + least - sum) / most)
    }
}
