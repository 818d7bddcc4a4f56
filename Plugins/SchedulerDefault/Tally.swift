internal import PluginKit

/// How many Pods of a sort there are, by domain of a region. Kept up to date by `Surroundings`.
final class Tally {
    let region: Region
    /// Pods that are being deleted make room, so whoever is spread does not count them.
    let skipsTerminating: Bool
    /// By domain, as far as Pods were ever counted.
    private(set) var counts: ContiguousArray<Int32> = []
    private(set) var total = 0
    /// How often a domain got its first Pod, or lost its last.
    private(set) var turns = 0

    init(_ region: Region, skipsTerminating: Bool = false) {
        self.region = region
        self.skipsTerminating = skipsTerminating
    }

    /// Counts a Pod of the sort on a Node, or takes it away again.
    func add(_ node: Int, isTerminating: Bool, _ number: Int32) {
        let domain = Int(region.domains[node])
        guard domain >= 0, !(isTerminating && skipsTerminating) else { return }
        while counts.count <= domain { counts.append(0) }
        let before = counts[domain]
        counts[domain] = before + number
        if (before == 0) != (before + number == 0) { turns += 1 }
        total += Int(number)
    }

    /// Counts by Node, as they are now: for a look at single Nodes.
    var view: View { View(topology: region.topology, counts: counts) }

    /// Good as long as nothing is counted.
    struct View {
        let topology: Topology
        let counts: ContiguousArray<Int32>

        /// `nil` where the Node is in no domain.
        func count(_ node: Int) -> Int32? {
            let domain = Int(topology.domains[node])
            return domain < 0 ? nil : count(in: domain)
        }

        private func count(in domain: Int) -> Int32 { domain < counts.count ? counts[domain] : 0 }

        /// Clears the Nodes of every domain, or of none, that `isRefused` says no to: for a look at many.
        /// - Parameter lacking: whether Nodes that are in no domain are cleared, too.
        func remove(from feasible: NodeSet, lacking: Bool, where isRefused: (Int32) -> Bool) {
            if lacking { topology.homeless.subtract(from: feasible) }
            if let members = topology.members {
                for domain in members.indices where isRefused(count(in: domain)) { members[domain].subtract(from: feasible) }
            } else if !topology.isShared, !isRefused(0) {
                for domain in counts.indices where isRefused(counts[domain]) {
                    if let node = topology.node(aloneIn: domain) { feasible.remove(node) }
                }
            } else {
                topology.domains.withUnsafeBufferPointer { domains in
                    counts.withUnsafeBufferPointer { counts in
                        feasible.removeAll { node in
                            let domain = Int(domains[node])
                            return domain >= 0 && isRefused(domain < counts.count ? counts[domain] : 0)
                        }
                    }
                }
            }
        }
    }
}
