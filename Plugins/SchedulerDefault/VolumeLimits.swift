internal import PluginAPI
internal import PluginKit

/// Whether a Node can have the Pod's volumes attached beside those that it has.
struct VolumeLimits {
    private struct Wanted {
        let driver: apus_string
        /// How many volumes of the driver the Pod needs.
        var count = 0
        /// By Node that has some of them attached already, how many.
        var there: [UInt32: Int] = [:]
    }
    private var wanted: [Wanted] = []

    /// `nil` for a Pod without such volumes.
    init?(_ pod: PodNeeds) {
        for attachment in pod.attachments {
            let index = wanted.firstIndex { $0.driver == attachment.driver } ?? wanted.count
            if index == wanted.count { wanted.append(Wanted(driver: attachment.driver)) }
            wanted[index].count += 1
            for node in UnsafeBufferPointer(start: attachment.nodes, count: Int(attachment.node_count)) {
                wanted[index].there[node, default: 0] += 1
            }
        }
        if wanted.isEmpty { return nil }
    }

    func admit(_ node: Int, _ nodes: Nodes) -> Bool {
        for limit in nodes.volumeLimits(node) {
            for wanted in wanted where wanted.driver == limit.driver {
                let new = wanted.count - (wanted.there[UInt32(node)] ?? 0)
                if new > 0, Int(limit.attached) + new > Int(limit.limit) { return false }
            }
        }
        return true
    }
}
