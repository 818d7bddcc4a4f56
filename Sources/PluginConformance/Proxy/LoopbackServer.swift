internal import Glibc

/// A TCP server in an own network that only counts who connects, and a client for it. Used by one thread.
final class LoopbackServer {
    private let listener: Int32
    let port: UInt16
    /// Of loopback in an `OwnNetwork`.
    static let address: [UInt8] = [10, 0, 0, 1]

    init() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        var name = Self.name(Self.address, 0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && listen(listener, 16) == 0 && getsockname(listener, $0, &size) == 0
            }
        }
        self.listener = listener
        port = UInt16(bigEndian: name.sin_port)
        guard listener >= 0, isBound else { throw ConformanceError("no TCP server on 10.0.0.1: \(String(cString: strerror(errno)))") }
    }

    deinit { close(listener) }

    /// Whether a connection to that address arrives here within a second.
    func isReached(at address: [UInt8], port: UInt16) -> Bool {
        let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        defer { close(client) }
        var name = Self.name(address, port)
        _ = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        var waiting = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        guard poll(&waiting, 1, 1000) == 1 else { return false }
        let accepted = accept(listener, nil, nil)
        if accepted >= 0 { close(accepted) }
        return accepted >= 0
    }

    private static func name(_ address: [UInt8], _ port: UInt16) -> sockaddr_in {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        withUnsafeMutableBytes(of: &name.sin_addr) { $0.copyBytes(from: address) }
        return name
    }
}
