internal import APIModel

/// The networks of equal size that a cluster's network of one family is cut into, and which Node has which. No clock, no API.
struct SubnetPool {
    private let network: IPNetwork
    /// The prefix length of a Node's.
    private let length: Int
    private var holders: [UInt32: String] = [:]
    /// What each Node has, the other way round.
    private var owned: [String: Set<UInt32>] = [:]
    /// Where the search for a free one begins: after the last that was given, so that what became free rests as long as it can.
    private var next: UInt32 = 0

    /// `nil` where a Node's is not inside of the network, too small for Pods, or one of too many.
    init?(_ network: IPNetwork, nodeMaskSize: Int) {
        let most = network.family == .ipv4 ? 24 : 16
        guard nodeMaskSize >= network.bits, nodeMaskSize <= network.family.bits - 2, nodeMaskSize - network.bits <= most else { return nil }
        (self.network, length) = (network, nodeMaskSize)
    }

    private var count: UInt32 { UInt32(1) << UInt32(length - network.bits) }

    private func part(_ index: UInt32) -> IPNetwork { network.subnet(UInt128(index), bits: length) ?? network }

    /// Of an address of the network, the part that it lies in.
    private func index(_ address: IPAddress) -> UInt32 {
        UInt32(truncatingIfNeeded: (address.number - network.base.number) >> UInt128(network.family.bits - length))
    }

    private mutating func give(_ index: UInt32, to node: String) {
        holders[index] = node
        owned[node, default: []].insert(index)
    }

    /// Notes what a Node has, whoever gave it. What touches more than one network takes all of them; what lies elsewhere takes none.
    mutating func note(_ given: IPNetwork, of node: String) {
        guard given.overlaps(network) else { return }
        let (first, last) = (max(given.base, network.base), min(given.last, network.last))
        for index in index(first)...index(last) where holders[index] == nil { give(index, to: node) }
    }

    /// A network for a Node: the one that it has, or the next that is free; `nil` where there is none.
    mutating func take(for node: String) -> IPNetwork? {
        if let own = owned[node]?.min() { return part(own) }
        guard holders.count < Int(count) else { return nil }
        while holders[next] != nil { next = (next + 1) % count }
        defer { next = (next + 1) % count }
        give(next, to: node)
        return part(next)
    }

    /// The Node is gone, and what it had is free.
    mutating func release(_ node: String) {
        for index in owned.removeValue(forKey: node) ?? [] { holders[index] = nil }
    }
}
