internal import APIModel
internal import Glibc

/// An address and a port.
struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    var address: IPAddress
    var port: UInt16

    init(address: IPAddress, port: UInt16) { (self.address, self.port) = (address, port) }

    /// `nil` where the port is none, or the address.
    init?(_ text: String, port: UInt32) {
        guard let address = IPAddress(text), let port = UInt16(exactly: port), port != 0 else { return nil }
        self.init(address: address, port: port)
    }

    /// What a system call says; `nil` where `call` says that it failed, or what it says is of no family of these.
    static func reading(_ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Bool) -> SocketAddress? {
        var name = sockaddr_in6()
        var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let isRead = withUnsafeMutablePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, &size) }
        }
        guard isRead else { return nil }
        let family = Int32(name.sin6_family)
        return withUnsafeBytes(of: name) { bytes in
            switch family {
            case AF_INET:
                let name = bytes.loadUnaligned(as: sockaddr_in.self)
                let number = UInt128(UInt32(bigEndian: name.sin_addr.s_addr))
                return SocketAddress(address: IPAddress(.ipv4, number), port: UInt16(bigEndian: name.sin_port))
            case AF_INET6:
                let name = bytes.loadUnaligned(as: sockaddr_in6.self)
                let number = withUnsafeBytes(of: name.sin6_addr) { UInt128(bigEndian: $0.loadUnaligned(as: UInt128.self)) }
                return SocketAddress(address: IPAddress(.ipv6, number), port: UInt16(bigEndian: name.sin6_port))
            default: return nil
            }
        }
    }

    /// `AF_INET` or `AF_INET6`.
    var domain: Int32 { address.family == .ipv4 ? AF_INET : AF_INET6 }

    var description: String { address.family == .ipv4 ? "\(address):\(port)" : "[\(address)]:\(port)" }

    /// As system calls want it.
    func with<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        switch address.family {
        case .ipv4:
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = port.bigEndian
            name.sin_addr.s_addr = UInt32(truncatingIfNeeded: address.number).bigEndian
            return Self.rebound(name, body)
        case .ipv6:
            var name = sockaddr_in6()
            name.sin6_family = sa_family_t(AF_INET6)
            name.sin6_port = port.bigEndian
            withUnsafeMutableBytes(of: &name.sin6_addr) { $0.storeBytes(of: address.number.bigEndian, as: UInt128.self) }
            return Self.rebound(name, body)
        }
    }

    private static func rebound<Name, R>(_ name: Name, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        withUnsafePointer(to: name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<Name>.size)) }
        }
    }
}
