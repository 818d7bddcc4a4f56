internal import Glibc

/// An IPv4 address and a port.
struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// Its first byte is the highest.
    var address: UInt32
    var port: UInt16

    init(address: UInt32, port: UInt16) { (self.address, self.port) = (address, port) }

    /// `nil` where the port is none, or the address.
    init?(_ text: String, port: UInt32) {
        guard let address = Self.address(text), let port = UInt16(exactly: port), port != 0 else { return nil }
        self.init(address: address, port: port)
    }

    static func address(_ text: String) -> UInt32? {
        var address = in_addr()
        return inet_pton(AF_INET, text, &address) == 1 ? UInt32(bigEndian: address.s_addr) : nil
    }

    var description: String { "\([24, 16, 8, 0].map { String(address >> UInt32($0) & 255) }.joined(separator: ".")):\(port)" }

    /// As system calls want it.
    func with<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = address.bigEndian
        return withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }
}

/// An IPv4 network.
struct Network: Equatable, Sendable {
    private var address: UInt32
    private var mask: UInt32

    /// `10.244.0.0/16`; `nil` for what is none.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = SocketAddress.address(String(parts[0])), let prefix = UInt32(parts[1]), prefix <= 32 else {
            return nil
        }
        self.init(address, prefix: prefix)
    }

    init(_ address: UInt32, prefix: UInt32 = 32) {
        mask = prefix == 0 ? 0 : ~0 << (32 - prefix)
        self.address = address & mask
    }

    func contains(_ other: UInt32) -> Bool { other & mask == address }
}
