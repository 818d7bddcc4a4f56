import Glibc

/// Takes connections on a port of its own, on 127.0.0.1, and never says a word by itself.
final class SilentServer: Sendable {
    let port: UInt16
    let descriptor: Int32

    init() {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = descriptor
        port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                precondition(bind(listener, address, length) == 0 && listen(listener, 8) == 0, "no port to listen on")
                getsockname(listener, address, &length)
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
    }

    deinit { close(descriptor) }

    /// Whether somebody waits to be let in.
    var hasVisitor: Bool {
        var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&wait, 1, 0) == 1
    }
}

extension SilentServer {
    /// Lets the one in who waits, says this and closes.
    func answer(_ text: String) {
        let visitor = accept(descriptor, nil, nil)
        var request = [UInt8](repeating: 0, count: 4096)
        _ = recv(visitor, &request, request.count, 0)
        _ = text.withCString { send(visitor, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
        close(visitor)
    }
}
