internal import APIModel
internal import Glibc

/// Finds out what this machine is called and where it can be reached.
enum NodeAddress {
    /// Where the machine reaches itself, whatever else it has.
    static let loopback = "127.0.0.1"

    /// The host name in lower case, as upstream names a Node.
    static func hostname() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        gethostname(&buffer, 255)
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self).lowercased()
    }

    /// Where a Node is reached: as its flag says, or one of each family of its pods. A machine without a way to the outside has the loopback
    /// address of IPv4, and of IPv6, where nobody can do with that, the bridge's.
    static func list(_ given: DualStack<IPAddress>?, _ network: PodNetwork) -> [String] {
        if let given { return given.map(\.description) }
        return network.gateways.map { gateway in
            primary(gateway.family)?.description ?? (gateway.family == .ipv4 ? loopback : gateway.description)
        }
    }

    /// Whether it means every address of the machine.
    static func isAny(_ address: String) -> Bool { IPAddress(address)?.number == 0 }

    /// As a URL has it.
    static func inURL(_ host: String) -> String { host.contains(":") ? "[\(host)]" : host }

    /// The address that packets to the outside leave from; `nil` without a default route of the family.
    ///
    /// Connecting a UDP socket sends nothing: it only asks the kernel for the route.
    static func primary(_ family: IPFamily) -> IPAddress? {
        let descriptor = socket(family == .ipv4 ? AF_INET : AF_INET6, Int32(SOCK_DGRAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        // Dummy addresses (RFC 7600, RFC 6666): no machines, but routed like any other.
        var (address, place) = socketAddress(family == .ipv4 ? [192, 0, 0, 8] : [1, 0] + [UInt8](repeating: 0, count: 13) + [1])
        var size = socklen_t(address.count)
        let isNamed = address.withUnsafeMutableBytes { bytes in
            let pointer = bytes.assumingMemoryBound(to: sockaddr.self).baseAddress
            return connect(descriptor, pointer!, size) == 0 && getsockname(descriptor, pointer!, &size) == 0
        }
        return isNamed ? IPAddress(bytes: address[place]) : nil
    }

    /// A `sockaddr_in` or `sockaddr_in6` byte by byte, port 53, and where in it the address is. The C structures have no members here that
    /// are sure to be seen: another C module declares them, too.
    private static func socketAddress(_ bytes: [UInt8]) -> ([UInt8], Range<Int>) {
        let (family, flow, rest) = bytes.count == 4 ? (AF_INET, 0, 8) : (AF_INET6, 4, 4)
        let head = withUnsafeBytes(of: sa_family_t(family)) { Array($0) } + [0, 53] + [UInt8](repeating: 0, count: flow)
        return (head + bytes + [UInt8](repeating: 0, count: rest), head.count..<head.count + bytes.count)
    }
}
