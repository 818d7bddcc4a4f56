internal import APIModel
internal import PluginKit

/// The addresses that there are to give out, and who gets which. Pure.
struct AddressRanges {
    /// In ascending order, none of them touching another.
    private let ranges: [ClosedRange<IPAddress>]

    /// - Parameter list: networks `192.0.2.128/28`, ranges `192.0.2.10-192.0.2.20` and single addresses, of both families.
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
            // Some of a network are its own, but for one that has no others.
            let rest = network.family.bits - network.bits
            guard rest > 1, let first = network.host(1), let last = network.host(network.hostCount) else {
                return network.base...network.last
            }
            return first...last
        }
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { IPAddress(String($0)) }
        guard 1...2 ~= ends.count, let first = ends[0], let last = ends[ends.count - 1], first.family == last.family, first <= last else {
            return nil
        }
        return first...last
    }

    func contains(_ address: IPAddress) -> Bool { ranges.contains { $0.contains(address) } }

    private func has(_ family: IPFamily) -> Bool { ranges.contains { $0.lowerBound.family == family } }

    /// The lowest of a family that nobody has.
    ///
    /// - Complexity: grows with those that somebody has.
    private func first(_ family: IPFamily, without taken: Set<IPAddress>) -> IPAddress? {
        for range in ranges where range.lowerBound.family == family {
            var address = range.lowerBound
            while taken.contains(address), address < range.upperBound { address = IPAddress(family, address.number + 1) }
            if !taken.contains(address) { return address }
        }
        return nil
    }

    /// Which addresses a Service gets, one of each of its families that there are any of: what it has, what it asks for, or any. Of two
    /// that have the same, who was there first keeps it.
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
        let text = service["spec"]["loadBalancerIP"].string ?? ""
        let wanted = IPAddress(text)
        let families = ServicePods.families(of: service)
        if !text.isEmpty {
            guard let wanted, contains(wanted), families.contains(wanted.family) else {
                throw Refusal("\(text) is not one of the addresses to give out")
            }
            if let other = taken[wanted] { throw Refusal("\(text) is taken by \(LoadBalancer.name(other))") }
        }
        var given: [IPAddress] = []
        for family in families where has(family) {
            if let wanted, wanted.family == family {
                given.append(wanted)
            } else if let kept = own.first(where: { $0.family == family && contains($0) && taken[$0] == nil }) {
                given.append(kept)
            } else {
                guard let free = first(family, without: Set(taken.keys)) else { throw Refusal("all addresses are taken") }
                given.append(free)
            }
        }
        guard !given.isEmpty else {
            throw Refusal("there are no addresses of \(families.map(\.rawValue).joined(separator: ", ")) to give out")
        }
        return given
    }

    private static func addresses(_ service: Value) -> [IPAddress] {
        service["status"]["loadBalancer"]["ingress"].elements.compactMap { IPAddress($0["ip"].string ?? "") }
    }

    struct Refusal: Error, Equatable {
        var reason: String
        init(_ reason: String) { self.reason = reason }
    }
}
