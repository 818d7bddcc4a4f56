internal import PluginAPI
internal import PluginHost

/// What one cycle is about: a Pod, as it is and as the ABI lends it, and all Nodes.
struct Cycle {
    let pod: PodInfo
    let needs: UnsafePointer<apus_pod>
    let nodes: UnsafePointer<apus_nodes>
    let columns: NodeColumns
}

/// The Nodes that some policies let a Pod run on, with their points. Used by the scheduling thread only; its buffers are kept between
/// cycles.
final class Ranking {
    private(set) var feasible = NodeBits()
    /// Of all policies, by weight. Means something for the Nodes of `feasible` only.
    private(set) var totals = Column<Int64>(0)
    private var points = Column<Int32>(0)

    deinit {
        feasible.free()
        totals.free()
        points.free()
    }

    /// Filters and scores all Nodes at once with every policy. Returns why no Node is left, `nil` when one is.
    func rank(_ cycle: Cycle, _ policies: [SchedulerPolicy]) -> Decision? {
        for policy in policies {
            let (status, message) = policy.prefilter(cycle.needs)
            if status != APUS_OK { return refusal(cycle, policy, status, message) }
        }
        feasible.assign(cycle.columns.live)
        for policy in policies {
            let (status, message) = policy.filter(cycle.needs, cycle.nodes, feasible.words.pointer)
            if status != APUS_OK { return refusal(cycle, policy, status, message) }
            if feasible.isEmpty { return explain(cycle, policies) }
        }
        return score(cycle, policies)
    }

    private func score(_ cycle: Cycle, _ policies: [SchedulerPolicy]) -> Decision? {
        totals.removeAll()
        totals.grow(to: cycle.columns.count)
        points.grow(to: cycle.columns.count)
        guard feasible.count > 1 else { return nil }
        for policy in policies where policy.hasScore {
            let (status, message) = policy.score(cycle.needs, cycle.nodes, feasible.words.pointer, points.pointer)
            guard status == APUS_OK else { return .error("policy \(policy.name): \(message)") }
            let weight = Int64(policy.weight)
            // Plain pointers: a property of a class is looked up anew for every Node.
            let (totals, points) = (totals.pointer, points.pointer)
            feasible.visit { totals[$0] += weight * Int64(points[$0]) }
        }
        return nil
    }

    /// A policy answered for all Nodes at once.
    private func refusal(_ cycle: Cycle, _ policy: SchedulerPolicy, _ status: apus_status, _ message: String) -> Decision {
        guard status == APUS_UNSCHEDULABLE || status == APUS_UNRESOLVABLE else { return .error("policy \(policy.name): \(message)") }
        let preemption = preemption(cycle) { _ in status == APUS_UNRESOLVABLE }
        return .unschedulable(FitMessage.refused(nodes: cycle.columns.liveCount, message: message, preemption: preemption))
    }

    /// The most points that any Node has. For a ranking with a Node left.
    var most: Int64 {
        var most = Int64.min
        let totals = totals.pointer
        feasible.visit { most = max(most, totals[$0]) }
        return most
    }
}

// Why not.
extension Ranking {
    /// Runs the filters again, asking why. Each Node counts for the reasons of the first policy that refused it.
    private func explain(_ cycle: Cycle, _ policies: [SchedulerPolicy]) -> Decision {
        let columns = cycle.columns
        feasible.assign(columns.live)
        var reasons: [String: Int] = [:]
        var isHopeless = [Bool](repeating: false, count: columns.count)
        for policy in policies {
            let wordCount = feasible.words.count
            // A plugin may give reasons before or after it clears bits: what was in question when it was called counts.
            let before = (0..<wordCount).map { feasible.words[$0] }
            let (status, message) = policy.filter(cycle.needs, cycle.nodes, feasible.words.pointer) { refused, verdict, reason in
                var count = 0
                NodeBits.visit(refused, wordCount) { node in
                    guard before[node >> 6] & (1 << UInt64(node & 63)) != 0 else { return }
                    count += 1
                    if verdict == APUS_UNRESOLVABLE { isHopeless[node] = true }
                }
                if count > 0 { reasons[reason, default: 0] += count }
            }
            if status != APUS_OK { return refusal(cycle, policy, status, message) }
        }
        return .unschedulable(
            FitMessage.noFit(nodes: columns.liveCount, reasons: reasons, preemption: preemption(cycle) { isHopeless[$0] }))
    }

    /// Why taking Pods away would not help.
    private func preemption(_ cycle: Cycle, _ isHopeless: (Int) -> Bool) -> String {
        guard cycle.pod.mayPreempt else { return FitMessage.neverPreempts }
        let columns = cycle.columns
        var counts = (notHelpful: 0, notSupported: 0, noVictims: 0)
        NodeBits.visit(columns.live.pointer, columns.live.count) { node in
            if isHopeless(node) {
                counts.notHelpful += 1
            } else if let lowest = columns.lowestPriority(on: node), lowest < cycle.pod.priority {
                counts.notSupported += 1
            } else {
                counts.noVictims += 1
            }
        }
        let reasons = [
            FitMessage.notHelpful: counts.notHelpful, FitMessage.notSupported: counts.notSupported, FitMessage.noVictims: counts.noVictims,
        ]
        return FitMessage.preemption(nodes: columns.liveCount, reasons: reasons.filter { $0.value > 0 })
    }

    /// In words, what the policies refuse one Node for. Leaves the ranking as it is.
    func reason(against node: Int, _ cycle: Cycle, _ policies: [SchedulerPolicy]) -> String {
        var alone = NodeBits()
        defer { alone.free() }
        var reasons: [String] = []
        for policy in policies {
            alone.assign(only: node, of: cycle.columns.count)
            let (status, message) = policy.filter(cycle.needs, cycle.nodes, alone.words.pointer) { _, _, reason in reasons.append(reason) }
            if status != APUS_OK { reasons.append(message) }
            if !reasons.isEmpty { break }
        }
        return reasons.isEmpty ? "refused" : reasons.joined(separator: ", ")
    }
}
