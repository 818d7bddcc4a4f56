internal import Glibc

/// Finds out what this machine is called and where it can be reached.
enum NodeAddress {
    /// The host name in lower case, as upstream names a Node.
    static func hostname() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        gethostname(&buffer, 255)
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self).lowercased()
    }

    /// The address that packets to the outside leave from; without a default route, the loopback address.
    ///
    /// Connecting a UDP socket sends nothing: it only asks the kernel for the route.
    static func primary() -> String {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        guard descriptor >= 0 else { return "127.0.0.1" }
        defer { close(descriptor) }
        // A `sockaddr_in` byte by byte, port 53 of 192.0.0.8, the IPv4 dummy address (RFC 7600): no machine, but routed like any other. The
        // C structure has no members here that are sure to be seen: another C module declares it, too.
        var address: [UInt8] =
            withUnsafeBytes(of: sa_family_t(AF_INET)) { Array($0) } + [0, 53, 192, 0, 0, 8] + [UInt8](repeating: 0, count: 8)
        var size = socklen_t(address.count)
        let isNamed = address.withUnsafeMutableBytes { bytes in
            let pointer = bytes.assumingMemoryBound(to: sockaddr.self).baseAddress
            return connect(descriptor, pointer!, size) == 0 && getsockname(descriptor, pointer!, &size) == 0
        }
        guard isNamed else { return "127.0.0.1" }
        return address[4..<8].map { String($0) }.joined(separator: ".")
    }
}
