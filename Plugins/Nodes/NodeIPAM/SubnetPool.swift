internal import APIModel

/// The networks of equal size that a cluster's network is cut into, and which Node has which. IPv4. No clock, no API.
struct SubnetPool {
    private let network: IPv4Range
    /// The prefix length of a Node's.
    private let length: UInt32
    private var holders: [UInt32: String] = [:]
    /// What each Node has, the other way round.
    private var owned: [String: Set<UInt32>] = [:]
    /// Where the search for a free one begins: the lowest that may be.
    private var lowest: UInt32 = 0

    /// `nil` for what is no IPv4 network, and for a Node's that is not inside of it, or too small for Pods.
    init?(_ network: String, nodeMaskSize: Int) {
        guard let network = IPv4Range(network), (network.bits...30).contains(nodeMaskSize), nodeMaskSize - network.bits <= 16 else {
            return nil
        }
        (self.network, length) = (network, UInt32(nodeMaskSize))
    }

    private var count: UInt32 { UInt32(1) << (length - UInt32(network.bits)) }

    private func text(_ index: UInt32) -> String { "\(IPv4Address(network.base | index << (32 - length)))/\(length)" }

    private mutating func give(_ index: UInt32, to node: String) {
        holders[index] = node
        owned[node, default: []].insert(index)
    }

    /// Notes what a Node has, whoever gave it. What touches more than one network takes all of them; what lies elsewhere takes none.
    mutating func note(_ network: String, of node: String) {
        guard let given = IPv4Range(network) else { return }
        let (base, last, end) = (self.network.base, given.last, self.network.last)
        guard last >= base, given.base <= end else { return }
        let shift = 32 - length
        for index in ((max(given.base, base) - base) >> shift)...((min(last, end) - base) >> shift) where holders[index] == nil {
            give(index, to: node)
        }
    }

    /// A network for a Node: the one that it has, or the lowest that is free; `nil` where there is none.
    mutating func take(for node: String) -> String? {
        if let own = owned[node]?.min() { return text(own) }
        while lowest < count {
            if holders[lowest] == nil {
                give(lowest, to: node)
                return text(lowest)
            }
            lowest += 1
        }
        return nil
    }

    /// The Node is gone, and what it had is free.
    mutating func release(_ node: String) {
        for index in owned.removeValue(forKey: node) ?? [] {
            holders[index] = nil
            lowest = min(lowest, index)
        }
    }
}
