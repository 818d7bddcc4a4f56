/// The networks of equal size that a cluster's network is cut into, and which Node has which. IPv4. No clock, no API.
struct SubnetPool {
    private let base: UInt32
    /// Of the cluster's network, and of a Node's.
    private let bits: (all: UInt32, one: UInt32)
    private var holders: [UInt32: String] = [:]
    /// Where the search for a free one begins: the lowest that may be.
    private var lowest: UInt32 = 0

    /// `nil` for what is no IPv4 network, and for a Node's that is not inside of it, or too small for Pods.
    init?(_ network: String, nodeMaskSize: Int) {
        guard let (address, length) = Self.parse(network), (Int(length)...30).contains(nodeMaskSize), nodeMaskSize - Int(length) <= 16
        else {
            return nil
        }
        bits = (length, UInt32(nodeMaskSize))
        base = address & Self.mask(length)
    }

    private static func mask(_ length: UInt32) -> UInt32 { length == 0 ? 0 : ~UInt32(0) << (32 - length) }

    private static func parse(_ network: String) -> (UInt32, UInt32)? {
        let parts = network.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let length = UInt32(parts[1]), (8...30).contains(length) else { return nil }
        let bytes = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        guard bytes.count == 4 else { return nil }
        var address: UInt32 = 0
        for text in bytes {
            guard let byte = UInt8(text), text == String(byte) else { return nil }
            address = address << 8 | UInt32(byte)
        }
        return (address, length)
    }

    private var count: UInt32 { UInt32(1) << (bits.one - bits.all) }

    private func text(_ index: UInt32) -> String {
        let address = base | index << (32 - bits.one)
        return "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255)/\(bits.one)"
    }

    /// Notes what a Node has, whoever gave it. What touches more than one network takes all of them; what lies elsewhere takes none.
    mutating func note(_ network: String, of node: String) {
        guard let (address, length) = Self.parse(network) else { return }
        let (first, last) = (address & Self.mask(length), address | ~Self.mask(length))
        let end = base | ~Self.mask(bits.all)
        guard last >= base, first <= end else { return }
        let shift = 32 - bits.one
        for index in ((max(first, base) - base) >> shift)...((min(last, end) - base) >> shift) where holders[index] == nil {
            holders[index] = node
        }
    }

    /// A network for a Node: the one that it has, or the lowest that is free; `nil` where there is none.
    mutating func take(for node: String) -> String? {
        if let own = holders.first(where: { $0.value == node })?.key { return text(own) }
        while lowest < count {
            if holders[lowest] == nil {
                holders[lowest] = node
                return text(lowest)
            }
            lowest += 1
        }
        return nil
    }

    /// The Node is gone, and what it had is free.
    mutating func release(_ node: String) {
        for index in holders.filter({ $0.value == node }).keys {
            holders[index] = nil
            lowest = min(lowest, index)
        }
    }
}
