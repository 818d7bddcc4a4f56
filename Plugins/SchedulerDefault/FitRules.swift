internal import APIModel
internal import PluginAPI
internal import PluginKit

/// NodeResourcesFit's arguments: which resources a Node need not have, and how full Nodes are liked.
struct FitRules {
    private enum Strategy: String {
        case leastAllocated = "LeastAllocated"
        case mostAllocated = "MostAllocated"
        case requestedToCapacityRatio = "RequestedToCapacityRatio"
    }
    private let ignored: Set<String>
    private let ignoredGroups: Set<String>
    private let strategy: Strategy
    private let resources: [(name: String, weight: Int64)]
    /// In percent, and from 0 to 100.
    private let shape: [(utilization: Int64, score: Int64)]

    init(_ value: Value) {
        ignored = Set(value["ignoredResources"].elements.compactMap(\.string))
        ignoredGroups = Set(value["ignoredResourceGroups"].elements.compactMap(\.string))
        strategy = value["type"].string.flatMap(Strategy.init) ?? .leastAllocated
        resources =
            value["resources"].isNull
            ? [("cpu", 1), ("memory", 1)]
            : value["resources"].elements.map { ($0["name"].string ?? "", ($0["weight"].int ?? 1).int64) }
        shape = value["shape"].elements.map { (($0["utilization"].int ?? 0).int64, (($0["score"].int ?? 0) * 10).int64) }
    }

    /// The resources that every Node must have enough of, by column.
    func checked(_ nodes: Nodes) -> [Int] {
        let all = 0..<nodes.resourceCount
        return ignored.isEmpty && ignoredGroups.isEmpty ? Array(all) : all.filter { !isIgnored(nodes.resource($0)) }
    }

    /// Only extended resources can be left out.
    private func isIgnored(_ name: String) -> Bool {
        ResourceNames.isExtended(name) && (ignored.contains(name) || ignoredGroups.contains(String(name.prefix { $0 != "/" })))
    }

    /// The resources that count for a Pod when Nodes are compared.
    func compared(_ pod: PodNeeds, _ nodes: Nodes) -> Comparison {
        Comparison(
            columns: resources.compactMap { resource in
                ResourceColumn(resource.name, pod, nodes, countsMissing: true).map { ($0, resource.weight) }
            }, rules: self)
    }

    struct Comparison {
        fileprivate let columns: [(column: ResourceColumn, weight: Int64)]
        fileprivate let rules: FitRules

        /// From 0 to 100.
        func points(_ node: Int) -> Int64 {
            var (sum, weights) = (Int64(0), Int64(0))
            for (column, weight) in columns {
                let all = column.allocatable[node]
                guard all > 0 else { continue }
                let used = column.used[node] &+ column.wanted
                // What is held there has wrapped where it is less than nothing.
                let points = rules.points(used < 0 ? .max : used, of: all)
                // Upstream leaves a resource out for which the shape has nothing.
                if rules.strategy == .requestedToCapacityRatio && points <= 0 { continue }
                sum += points * weight
                weights += weight
            }
            guard weights > 0 else { return 0 }
            return rules.strategy == .requestedToCapacityRatio ? Int64((Double(sum) / Double(weights)).rounded()) : sum / weights
        }
    }

    private func points(_ used: Int64, of all: Int64) -> Int64 {
        switch strategy {
        case .leastAllocated: used > all ? 0 : (all - used) * 100 / all
        case .mostAllocated: min(used, all) * 100 / all
        case .requestedToCapacityRatio: shaped(used > all ? 100 : used * 100 / all)
        }
    }

    /// Straight lines from point to point.
    private func shaped(_ utilization: Int64) -> Int64 {
        guard let first = shape.first, let last = shape.last else { return 0 }
        if utilization <= first.utilization { return first.score }
        for (left, right) in zip(shape, shape.dropFirst()) where utilization <= right.utilization {
            return left.score + (right.score - left.score) * (utilization - left.utilization) / (right.utilization - left.utilization)
        }
        return last.score
    }
}

/// One resource where Nodes are compared by what is used of it.
struct ResourceColumn {
    let allocatable: UnsafePointer<Int64>
    let used: UnsafePointer<Int64>
    /// By the Pod.
    let wanted: Int64

    /// - Parameter countsMissing: whether containers that ask for no cpu or memory count for some.
    /// `nil` where the resource does not count: nobody has it, or it is an extended one that the Pod does not ask for.
    init?(_ name: String, _ pod: PodNeeds, _ nodes: Nodes, countsMissing: Bool) {
        let (table, raw) = (nodes.raw.pointee, pod.raw.pointee)
        guard let column = nodes.column(of: name) else { return nil }
        allocatable = table.allocatable[column]
        switch (UInt32(column), countsMissing) {
        case (APUS_RESOURCE_CPU, true): (used, wanted) = (table.nonzero_cpu, raw.nonzero_cpu)
        case (APUS_RESOURCE_MEMORY, true): (used, wanted) = (table.nonzero_memory, raw.nonzero_memory)
        default: (used, wanted) = (table.requested[column], raw.requests[column])
        }
        // As upstream's scalar resources: all but the fixed ones.
        if column > Int(APUS_RESOURCE_EPHEMERAL_STORAGE), wanted == 0 { return nil }
    }
}

extension Nodes {
    /// Those that have their column in every table.
    private static let fixed = [
        "cpu": APUS_RESOURCE_CPU, "memory": APUS_RESOURCE_MEMORY, "ephemeral-storage": APUS_RESOURCE_EPHEMERAL_STORAGE,
        "pods": APUS_RESOURCE_PODS,
    ]

    /// The column of a resource, `nil` where it has none.
    fileprivate func column(of name: String) -> Int? {
        Self.fixed[name].map { Int($0) } ?? (Self.fixed.count..<max(Self.fixed.count, resourceCount)).first { resource($0) == name }
    }
}
