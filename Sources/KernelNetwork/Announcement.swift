internal import Glibc

extension LinkAddresses {
    /// Tells the neighbours on a link that an address is here now, so that they forget where it was: an ARP announcement (RFC 5227), or an
    /// advertisement that nobody asked for (RFC 4861).
    ///
    /// Where the link is no Ethernet nobody is told.
    /// - Throws: `Netlink.Failure` where this process may not send packets of its own.
    public func announce(_ address: [UInt8], on link: UInt32) throws {
        guard let hardware = try hardwareAddress(of: link) else { return }
        switch KernelFamily(of: address) {
        case .ipv4: try announce(ipv4: address, at: hardware, on: link)
        case .ipv6: try announce(ipv6: address, at: hardware, on: link)
        }
    }

    private func announce(ipv4 address: [UInt8], at hardware: [UInt8], on link: UInt32) throws {
        let socket = try Self.open(17, SOCK_DGRAM, 0)  // AF_PACKET
        defer { close(socket) }
        // Ethernet and IPv4, a request that nobody answers: for one's own address.
        let packet: [UInt8] = [0, 1, 8, 0, 6, 4, 0, 1] + hardware + address + [0, 0, 0, 0, 0, 0] + address
        // `struct sockaddr_ll`: family, protocol, link, and to everybody.
        var everybody: [UInt8] = [17, 0, 8, 6]
        everybody.append(link, bytes: 4)
        everybody += [0, 0, 0, 6] + [UInt8](repeating: 0xff, count: 6) + [0, 0]
        try Self.send(packet, to: everybody, by: socket)
    }

    private func announce(ipv6 address: [UInt8], at hardware: [UInt8], on link: UInt32) throws {
        let socket = try Self.open(AF_INET6, SOCK_RAW, Int32(IPPROTO_ICMPV6))
        defer { close(socket) }
        // Whoever gets one that a router has passed on does not believe it.
        var hops: Int32 = 255
        setsockopt(socket, Int32(IPPROTO_IPV6), IPV6_MULTICAST_HOPS, &hops, socklen_t(MemoryLayout<Int32>.size))
        // An advertisement, its sum left to the kernel; it takes the place of what was known; the address; and who has it.
        let packet: [UInt8] = [136, 0, 0, 0, 0x20, 0, 0, 0] + address + [2, 1] + hardware
        // `struct sockaddr_in6`: family, port, flow, all nodes of the link `ff02::1`, and which link.
        var everybody: [UInt8] = [UInt8(AF_INET6), 0, 0, 0, 0, 0, 0, 0, 0xff, 2] + [UInt8](repeating: 0, count: 13) + [1]
        everybody.append(link, bytes: 4)
        try Self.send(packet, to: everybody, by: socket)
    }

    private static func open(_ family: Int32, _ type: __socket_type, _ number: Int32) throws -> Int32 {
        let socket = Glibc.socket(family, Int32(type.rawValue) | Int32(SOCK_CLOEXEC.rawValue), number)
        guard socket >= 0 else { throw Netlink.failure("announcing an address", errno) }
        return socket
    }

    private static func send(_ packet: [UInt8], to destination: [UInt8], by socket: Int32) throws {
        let sent = destination.withUnsafeBytes { bytes in
            sendto(socket, packet, packet.count, 0, bytes.bindMemory(to: sockaddr.self).baseAddress, socklen_t(bytes.count))
        }
        guard sent == packet.count else { throw Netlink.failure("announcing an address", errno) }
    }

    /// `nil` for a link that is no Ethernet.
    private func hardwareAddress(of link: UInt32) throws -> [UInt8]? {
        // RTM_GETLINK, RTM_NEWLINK and IFLA_ADDRESS: `linux/if_link.h`. The head has the type of link at 2 and its number at 4.
        for message in try netlink.list(18, [UInt8](repeating: 0, count: 16)) where message.type == 16 {
            let content = message.content
            guard content.count >= 16, content.number(at: 4, bytes: 4) == link else { continue }
            let address = Netlink.attributes(content.dropFirst(16))[1]
            return content.number(at: 2, bytes: 2) == 1 && address?.count == 6 ? address.map(Array.init) : nil
        }
        return nil
    }
}
