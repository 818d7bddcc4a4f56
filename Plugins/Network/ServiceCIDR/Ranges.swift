internal import APIModel

/// Which ServiceCIDRs there are, and what hangs on each.
struct Ranges {
    /// By name, and each name once for each of its ranges.
    private let all: [(name: String, network: IPNetwork)]

    init(_ objects: [Value]) {
        all = objects.flatMap { object in
            Self.networks(object).map { (name: object["metadata"]["name"].string ?? "", network: $0) }
        }
    }

    /// Those from which a Service can have the address.
    func offering(_ address: String) -> Set<String> {
        guard let address = IPAddress(address) else { return [] }
        return Set(all.filter { $0.network.hasHost(address) }.map(\.name))
    }

    /// Those that share an address with it, itself among them.
    func overlapping(_ object: Value) -> Set<String> {
        let networks = Self.networks(object)
        return Set(all.filter { range in networks.contains { $0.overlaps(range.network) } }.map(\.name))
    }

    /// Whether an address that is in use would be in no range any more without `object`.
    /// - Parameter addresses: those in use; asked for where no other range contains this one.
    func needs(_ object: Value, _ addresses: () throws -> [String]) rethrows -> Bool {
        let name = object["metadata"]["name"].string ?? ""
        let isCovered = Self.networks(object).allSatisfy { network in
            all.contains { $0.name != name && $0.network.contains(network) }
        }
        return try !isCovered && addresses().contains { offering($0) == [name] }
    }

    private static func networks(_ object: Value) -> [IPNetwork] {
        object["spec"]["cidrs"].elements.compactMap { $0.string.flatMap { IPNetwork($0) } }
    }
}
