internal import APIModel
internal import PluginKit

/// The addresses that there are to give out, and who gets which. Pure.
struct AddressRanges {
    /// In ascending order, none of them touching another.
    private let ranges: [ClosedRange<UInt32>]

    /// - Parameter list: networks `192.0.2.128/28`, ranges `192.0.2.10-192.0.2.20` and single addresses.
    /// - Throws: `ComponentError.invalid` that names the entry that is none.
    init(_ list: Value) throws {
        guard !list.elements.isEmpty else { throw ComponentError.invalid("config.addresses: must be a list of networks or ranges") }
        let found = try list.elements.enumerated().map { index, entry in
            guard let range = Self.range(entry.string ?? "") else {
                throw ComponentError.invalid(
                    "config.addresses[\(index)]: must be a network of IPv4 such as 192.0.2.128/28 or a range such as 192.0.2.10-192.0.2.20")
            }
            return range
        }
        var joined: [ClosedRange<UInt32>] = []
        for range in found.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = joined.last, range.lowerBound <= last.upperBound {
                joined[joined.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                joined.append(range)
            }
        }
        ranges = joined
    }

    private static func range(_ text: String) -> ClosedRange<UInt32>? {
        if let network = IPv4Network(text) {
            guard network.bits > 0 else { return nil }
            // The first and the last of a network are its own.
            let own: UInt32 = network.bits < 31 ? 1 : 0
            return network.base + own...network.last - own
        }
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { IPv4Address($0) }
        guard 1...2 ~= ends.count, let first = ends[0], let last = ends[ends.count - 1], first.number <= last.number else { return nil }
        return first.number...last.number
    }

    func contains(_ address: IPv4Address) -> Bool { ranges.contains { $0.contains(address.number) } }

    /// The lowest that nobody has.
    ///
    /// - Complexity: grows with those that somebody has.
    private func first(without taken: Set<IPv4Address>) -> IPv4Address? {
        for range in ranges {
            for number in range where !taken.contains(IPv4Address(number)) { return IPv4Address(number) }
        }
        return nil
    }

    /// Which address a Service gets: the one it has, the one it asks for, or any. Of two that have the same, who was there first keeps it.
    ///
    /// - Throws: `Refusal` with the reason why there is none.
    func address(for service: Value, among services: [Value]) throws(Refusal) -> IPv4Address {
        let (own, rank) = (Self.addresses(service), LoadBalancer.rank(service))
        var taken: [IPv4Address: Value] = [:]
        for other in services where LoadBalancer.isOurs(other) && LoadBalancer.rank(other) != rank {
            for address in Self.addresses(other) {
                if own.contains(address), rank.lexicographicallyPrecedes(LoadBalancer.rank(other)) { continue }
                taken[address] = other
            }
        }
        let wanted = service["spec"]["loadBalancerIP"].string ?? ""
        guard wanted.isEmpty else {
            guard let address = IPv4Address(wanted), contains(address) else {
                throw Refusal("\(wanted) is not one of the addresses to give out")
            }
            if let other = taken[address] { throw Refusal("\(wanted) is taken by \(LoadBalancer.name(other))") }
            return address
        }
        if let kept = own.first(where: { contains($0) && taken[$0] == nil }) { return kept }
        guard let free = first(without: Set(taken.keys)) else { throw Refusal("all addresses are taken") }
        return free
    }

    private static func addresses(_ service: Value) -> [IPv4Address] {
        service["status"]["loadBalancer"]["ingress"].elements.compactMap { IPv4Address($0["ip"].string ?? "") }
    }

    struct Refusal: Error, Equatable {
        var reason: String
        init(_ reason: String) { self.reason = reason }
    }
}
