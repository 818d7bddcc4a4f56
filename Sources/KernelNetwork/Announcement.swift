internal import Glibc

extension LinkAddresses {
    /// Tells the neighbours on a link that an address is here now, so that they forget where it was: an ARP announcement (RFC 5227).
    ///
    /// Where the link is no Ethernet nobody is told.
    /// - Throws: `Netlink.Failure` where this process may not send packets of its own.
    public func announce(_ address: UInt32, on link: UInt32) throws {
        guard let hardware = try hardwareAddress(of: link) else { return }
        let socket = Glibc.socket(17, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)  // AF_PACKET
        guard socket >= 0 else { throw Netlink.failure("announcing an address", errno) }
        defer { close(socket) }

        // Ethernet and IPv4, a request that nobody answers: for one's own address.
        var packet: [UInt8] = [0, 1, 8, 0, 6, 4, 0, 1]
        var text: [UInt8] = []
        text.append(address.byteSwapped, bytes: 4)
        packet += hardware + text + [0, 0, 0, 0, 0, 0] + text
        // `struct sockaddr_ll`: family, protocol, link, and to everybody.
        var destination: [UInt8] = [17, 0, 8, 6]
        destination.append(link, bytes: 4)
        destination += [0, 0, 0, 6] + [UInt8](repeating: 0xff, count: 6) + [0, 0]
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
