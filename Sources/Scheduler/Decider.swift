internal import PluginAPI
internal import PluginHost

/// Finds a Node for a Pod: filters and scores with every policy, over all Nodes at once. Used by the scheduling thread only; its buffers are kept between cycles.
final class Decider {
    private var feasible = NodeBits()
    private var points = Column<Int32>(0)
    private var totals = Column<Int64>(0)
    /// For ties: any fair sequence does.
    private var random: UInt64

    init(seed: UInt64) { random = seed | 1 }

    deinit {
        feasible.free()
        points.free()
        totals.free()
    }

    func decide(_ pod: PodInfo, _ assigned: AssignedPods, _ policies: [SchedulerPolicy]) -> Decision {
        let columns = assigned.columns
        guard !policies.isEmpty else { return .error("no scheduler policy is running") }
        guard columns.liveCount > 0 else { return .unschedulable(FitMessage.noNodes) }
        let arguments = PodArguments(pod, strings: columns.strings, resources: columns.resources)
        return arguments.withPointer { needs in
            columns.withPointer { nodes in
                for policy in policies {
                    let (status, message) = policy.prefilter(needs)
                    if status == APUS_UNSCHEDULABLE { return .unschedulable(FitMessage.refused(nodes: columns.liveCount, message: message)) }
                    if status != APUS_OK { return .error("policy \(policy.name): \(message)") }
                }
                feasible.assign(columns.live)
                for policy in policies {
                    let (status, message) = policy.filter(needs, nodes, feasible.words.pointer)
                    if status == APUS_UNSCHEDULABLE { return .unschedulable(FitMessage.refused(nodes: columns.liveCount, message: message)) }
                    if status != APUS_OK { return .error("policy \(policy.name): \(message)") }
                    if feasible.isEmpty { return explain(pod, needs, nodes, assigned, policies) }
                }
                return choose(needs, nodes, columns.count, policies)
            }
        }
    }

    /// The Node with the most points, any of them when several have as many.
    private func choose(_ needs: UnsafePointer<apus_pod>, _ nodes: UnsafePointer<apus_nodes>, _ count: Int, _ policies: [SchedulerPolicy]) -> Decision {
        totals.removeAll()
        totals.grow(to: count)
        points.grow(to: count)
        if feasible.count > 1 {
            for policy in policies where policy.hasScore {
                let (status, message) = policy.score(needs, nodes, feasible.words.pointer, points.pointer)
                guard status == APUS_OK else { return .error("policy \(policy.name): \(message)") }
                let weight = Int64(policy.weight)
                feasible.visit { totals[$0] += weight * Int64(points[$0]) }
            }
        }
        var best = (node: -1, total: Int64.min, ties: UInt64(0))
        feasible.visit { node in
            if totals[node] > best.total {
                best = (node, totals[node], 1)
            } else if totals[node] == best.total {
                best.ties += 1
                if nextRandom() % best.ties == 0 { best.node = node }
            }
        }
        return .node(best.node)
    }

    /// Runs the filters again, asking why. Each Node counts for the reasons of the first policy that refused it.
    private func explain(
        _ pod: PodInfo, _ needs: UnsafePointer<apus_pod>, _ nodes: UnsafePointer<apus_nodes>, _ assigned: AssignedPods, _ policies: [SchedulerPolicy]
    ) -> Decision {
        let columns = assigned.columns
        feasible.assign(columns.live)
        var reasons: [String: Int] = [:]
        var isHopeless = [Bool](repeating: false, count: columns.count)
        for policy in policies {
            let wordCount = feasible.words.count
            // A plugin may give reasons before or after it clears bits: what was in question when it was called counts.
            let before = (0..<wordCount).map { feasible.words[$0] }
            let (status, message) = policy.filter(needs, nodes, feasible.words.pointer) { refused, reason in
                var count = 0
                NodeBits.visit(refused, wordCount) { node in
                    guard before[node >> 6] & (1 << UInt64(node & 63)) != 0 else { return }
                    count += 1
                    if !FitMessage.isResolvable(reason) { isHopeless[node] = true }
                }
                if count > 0 { reasons[reason, default: 0] += count }
            }
            guard status == APUS_OK || status == APUS_UNSCHEDULABLE else { return .error("policy \(policy.name): \(message)") }
        }
        var preemption: [String: Int] = [:]
        NodeBits.visit(columns.live.pointer, columns.live.count) { node in
            let reason =
                isHopeless[node]
                ? FitMessage.notHelpful : assigned.hasLowerPriority(than: pod.priority, on: columns.name(node)) ? FitMessage.notSupported : FitMessage.noVictims
            preemption[reason, default: 0] += 1
        }
        let count = columns.liveCount
        return .unschedulable(FitMessage.noFit(nodes: count, reasons: reasons, preemption: FitMessage.preemption(nodes: count, reasons: preemption)))
    }

    private func nextRandom() -> UInt64 {
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        return random
    }
}
