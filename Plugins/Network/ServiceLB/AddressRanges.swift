internal import APIModel
internal import PluginKit

/// The addresses that there are to give out, and who gets which. Pure.
struct AddressRanges {
    /// In ascending order, none of them touching another. Each is of one family.
    private let ranges: [ClosedRange<IPAddress>]

    /// - Parameter list: networks `192.0.2.128/28` or `2001:db8::/120`, ranges `192.0.2.10-192.0.2.20` and single addresses.
    /// - Throws: `ComponentError.invalid` that names the entry that is none.
    init(_ list: Value) throws {
        guard !list.elements.isEmpty else { throw ComponentError.invalid("config.addresses: must be a list of networks or ranges") }
        let found = try list.elements.enumerated().map { index, entry in
            guard let range = Self.range(entry.string ?? "") else {
                throw ComponentError.invalid(
                    "config.addresses[\(index)]: must be a network such as 192.0.2.128/28 or a range such as 192.0.2.10-192.0.2.20")
            }
            return range
        }
        var joined: [ClosedRange<IPAddress>] = []
        for range in found.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = joined.last, range.lowerBound <= last.upperBound {
                joined[joined.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                joined.append(range)
            }
        }
        ranges = joined
    }

    private static func range(_ text: String) -> ClosedRange<IPAddress>? {
        if let network = IPNetwork(text) {
            guard network.bits > 0 else { return nil }
            // The first of a network is its own, and so is the last of one of IPv4.
            guard let first = network.host(1), let last = network.host(network.hostCount) else { return network.base...network.last }
            return first...last
        }
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { IPAddress(String($0)) }
        guard 1...2 ~= ends.count, let first = ends[0], let last = ends[ends.count - 1], first <= last, first.family == last.family else {
            return nil
        }
        return first...last
    }

    func contains(_ address: IPAddress) -> Bool { ranges.contains { $0.contains(address) } }

    /// The lowest of a family that nobody has.
    ///
    /// - Complexity: grows with those that somebody has.
    private func first(_ family: IPFamily, without taken: Set<IPAddress>) -> IPAddress? {
        for range in ranges where range.lowerBound.family == family {
            for number in range.lowerBound.number...range.upperBound.number {
                let address = IPAddress(family, number)
                if !taken.contains(address) { return address }
            }
        }
        return nil
    }

    /// Which addresses a Service gets, one of each of its families: the one it has, the one it asks for, or any. Of two that have the same,
    /// who was there first keeps it. Of a family of which there are none to give out it has none, unless that is its only one.
    ///
    /// - Throws: `Refusal` with the reason why there is none.
    func addresses(for service: Value, among services: [Value]) throws(Refusal) -> [IPAddress] {
        let (own, rank) = (Self.addresses(service), LoadBalancer.rank(service))
        var taken: [IPAddress: Value] = [:]
        for other in services where LoadBalancer.isOurs(other) && LoadBalancer.rank(other) != rank {
            for address in Self.addresses(other) {
                if own.contains(address), rank.lexicographicallyPrecedes(LoadBalancer.rank(other)) { continue }
                taken[address] = other
            }
        }
        let named = service["spec"]["loadBalancerIP"].string ?? ""
        let families = ServicePods.families(of: service)
        var wanted: IPAddress?
        if !named.isEmpty {
            guard let address = IPAddress(named), contains(address), families.contains(address.family) else {
                throw Refusal("\(named) is not one of the addresses to give out")
            }
            wanted = address
        }
        var chosen: [IPAddress] = []
        for family in families where families.count == 1 || ranges.contains(where: { $0.lowerBound.family == family }) {
            if let wanted, wanted.family == family {
                if let other = taken[wanted] { throw Refusal("\(wanted) is taken by \(LoadBalancer.name(other))") }
                chosen.append(wanted)
                continue
            }
            let kept = own.first { $0.family == family && contains($0) && taken[$0] == nil }
            guard let address = kept ?? first(family, without: Set(taken.keys)) else {
                throw Refusal(
                    ranges.contains { $0.lowerBound.family == family }
                        ? "all addresses are taken" : "there are no addresses of \(family) to give out")
            }
            chosen.append(address)
        }
        return chosen
    }

    private static func addresses(_ service: Value) -> [IPAddress] {
        service["status"]["loadBalancer"]["ingress"].elements.compactMap { $0["ip"].string.flatMap { IPAddress($0) } }
    }

    struct Refusal: Error, Equatable {
        var reason: String
        init(_ reason: String) { self.reason = reason }
    }
}
