internal import PluginAPI
internal import PluginKit

/// How evenly a Node's resources would be used.
struct BalancedAllocation {
    private let columns: [ResourceColumn]

    /// `nil` for a Pod that asks for none of the resources.
    init?(_ pod: PodNeeds, _ nodes: Nodes, _ resources: [String]) {
        columns = resources.compactMap { ResourceColumn($0, pod, nodes, countsMissing: false) }
        guard columns.contains(where: { $0.wanted != 0 }) else { return nil }
    }

    /// From 50 to 100: how much more evenly the resources would be used with the Pod than without it.
    func points(_ node: Int) -> Int32 { 50 + (50 + evenness(node, withPod: true) - evenness(node, withPod: false)) / 2 }

    /// 100 where all are used in the same proportion.
    private func evenness(_ node: Int, withPod: Bool) -> Int32 {
        var (count, sum) = (0, 0.0)
        var (first, last) = (0.0, 0.0)
        for column in columns {
            guard let share = share(column, node, withPod) else { continue }
            if count == 0 { first = share }
            last = share
            count += 1
            sum += share
        }
        let deviation: Double =
            switch count {
            case 0, 1: 0
            case 2: abs((first - last) / 2)
            default: deviation(node, withPod, mean: sum / Double(count), count)
            }
        return Int32((1 - deviation) * 100)
    }

    private func deviation(_ node: Int, _ withPod: Bool, mean: Double, _ count: Int) -> Double {
        var sum = 0.0
        for column in columns {
            guard let share = share(column, node, withPod) else { continue }
            sum += (share - mean) * (share - mean)
        }
        return (sum / Double(count)).squareRoot()
    }

    private func share(_ column: ResourceColumn, _ node: Int, _ withPod: Bool) -> Double? {
        let all = column.allocatable[node]
        guard all > 0 else { return nil }
        let used = column.used[node] &+ (withPod ? column.wanted : 0)
        return min(max(Double(used) / Double(all), 0), 1)
    }
}
