import APIModel
import Glibc
import Synchronization

/// A registry of images on this machine, which answers each path with what it was given.
final class Registry: Sendable {
    enum Answer: Sendable {
        case bytes([UInt8], type: String = "application/octet-stream")
        case status(Int, [UInt8] = [], header: String? = nil)
        /// Less than is announced, and then the end.
        case half([UInt8])
        /// The connection stays, and nothing comes.
        case nothing
    }

    /// `127.0.0.1:40000`
    let address: String
    private let socket: Int32
    private let answers = Mutex<[String: Answer]>([:])
    private let held = Mutex<[Int32]>([])

    init() throws {
        let listener = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var own = sockaddr_in()
        own.sin_family = sa_family_t(AF_INET)
        own.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &own) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 16) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        struct NoPort: Error {}
        guard isBound else { throw NoPort() }
        socket = listener
        address = "127.0.0.1:\(UInt16(bigEndian: own.sin_port))"
        Self.onThread { [self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                Self.onThread { self.serve(connection) }
            }
        }
    }

    func set(_ path: String, _ answer: Answer) { answers.withLock { $0[path] = answer } }

    func stop() {
        shutdown(socket, Int32(SHUT_RDWR))
        close(socket)
        for connection in held.withLock({ $0 }) { close(connection) }
    }

    private static func onThread(_ body: @escaping @Sendable () -> Void) {
        final class Box: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { box in
                Unmanaged<Box>.fromOpaque(box!).takeRetainedValue().body()
                return nil
            }, Unmanaged.passRetained(Box(body)).toOpaque())
        pthread_detach(thread)
    }

    /// One request a connection.
    private func serve(_ connection: Int32) {
        var head: [UInt8] = []
        var byte = UInt8(0)
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            guard recv(connection, &byte, 1, 0) == 1 else {
                close(connection)
                return
            }
            head.append(byte)
        }
        let words = String(decoding: head, as: UTF8.self).split(separator: " ", maxSplits: 2)
        let isHead = words.first == "HEAD"
        let path = String((words.dropFirst().first ?? "").prefix { $0 != "?" })
        switch answers.withLock({ $0[path] }) ?? .status(404) {
        case .nothing: return held.withLock { $0.append(connection) }
        case .bytes(let bytes, let type): send(connection, 200, bytes, type, isHead: isHead)
        case .status(let status, let bytes, let header): send(connection, status, bytes, "application/json", header, isHead: isHead)
        case .half(let bytes):
            send(connection, 200, bytes, "application/octet-stream", isHead: true)
            if !isHead { write(connection, Array(bytes.prefix(bytes.count / 2))) }
        }
        close(connection)
    }

    private func send(_ connection: Int32, _ status: Int, _ body: [UInt8], _ type: String, _ header: String? = nil, isHead: Bool) {
        let more = header.map { $0 + "\r\n" } ?? ""
        let head =
            "HTTP/1.1 \(status) Answer\r\nContent-Type: \(type)\r\nContent-Length: \(body.count)\r\n\(more)Connection: close\r\n\r\n"
        write(connection, Array(head.utf8))
        if !isHead { write(connection, body) }
    }

    private func write(_ connection: Int32, _ bytes: [UInt8]) {
        var left = bytes[...]
        while !left.isEmpty {
            let count = left.withUnsafeBytes { Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            left = left.dropFirst(count)
        }
    }
}
