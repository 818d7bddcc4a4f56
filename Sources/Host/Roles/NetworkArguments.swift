public import APIModel
public import ArgumentParser

/// One network or address of a family, or one of each with a comma between.
extension DualStack: ExpressibleByArgument where Element: LosslessStringConvertible {
    public init?(argument: String) { self.init(argument) }
}

/// What networks are good for.
enum Networks {
    /// - Throws: `ValidationError` that names the flag and the network from which Services could not have addresses.
    static func check(services: DualStack<IPNetwork>, _ flag: String) throws {
        for network in services {
            guard network.family.bits - network.bits >= 3 else {
                throw ValidationError("\(flag): \(network) is too small: it must be at least 8 IP addresses")
            }
            // Upstream gives out nothing of a larger one.
            guard network.family == .ipv4 || network.bits >= 64 else {
                throw ValidationError("\(flag): \(network) is too large: the shortest prefix of IPv6 is /64")
            }
        }
    }

    /// - Throws: `ValidationError` that names the flag and the network that has no room for pods.
    static func check(pods: DualStack<IPNetwork>, _ flag: String) throws {
        for network in pods where network.hostCount < 2 {
            throw ValidationError("\(flag): \(network) is too small: it must have an address for a pod and one for the node's bridge")
        }
    }

    /// The address of a host of the network, by its number; of one that is too small, its last.
    static func host(_ index: UInt128, of network: IPNetwork) -> String { (network.host(index) ?? network.last).description }

    /// Upstream's prefix lengths of a node's part: 24 of IPv4, 64 of IPv6.
    static func nodeBits(_ family: IPFamily) -> Int { family == .ipv4 ? 24 : 64 }

    /// The first parts that a node gets, or the whole of a network that is smaller: the share of an only node.
    static func firstParts(of pods: DualStack<IPNetwork>) -> DualStack<IPNetwork> {
        pods.mapEach { $0.subnet(0, bits: max(nodeBits($0.family), $0.bits)) ?? $0 }
    }
}
