internal import APIModel

/// Which ServiceCIDRs there are, and what hangs on each.
struct Ranges {
    /// By name, and each name once for each of its ranges.
    private let all: [(name: String, prefix: Prefix)]

    init(_ objects: [Value]) {
        all = objects.flatMap { object in
            Self.prefixes(object).map { (name: object["metadata"]["name"].string ?? "", prefix: $0) }
        }
    }

    /// Those from which a Service can have the address.
    func offering(_ address: String) -> Set<String> {
        guard let bytes = IPLiteral.bytes(address) else { return [] }
        return Set(all.filter { $0.prefix.offers(bytes) }.map(\.name))
    }

    /// Those that share an address with it, itself among them.
    func overlapping(_ object: Value) -> Set<String> {
        let prefixes = Self.prefixes(object)
        return Set(all.filter { range in prefixes.contains { $0.overlaps(range.prefix) } }.map(\.name))
    }

    /// Whether an address that is in use would be in no range any more without `object`.
    /// - Parameter addresses: those in use; asked for where no other range contains this one.
    func needs(_ object: Value, _ addresses: () throws -> [String]) rethrows -> Bool {
        let name = object["metadata"]["name"].string ?? ""
        let isCovered = Self.prefixes(object).allSatisfy { prefix in
            all.contains { $0.name != name && $0.prefix.contains(prefix) }
        }
        return try !isCovered && addresses().contains { offering($0) == [name] }
    }

    private static func prefixes(_ object: Value) -> [Prefix] {
        object["spec"]["cidrs"].elements.compactMap { $0.string.flatMap { Prefix($0) } }
    }
}
