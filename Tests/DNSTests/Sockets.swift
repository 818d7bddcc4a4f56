import APIModel
import Foundation
import Glibc

@testable import DNS

/// Plain sockets on loopback, as programs in pods have them. What blocks does so on threads of its own.
enum Sockets {
    struct Failure: Error {
        var what: String
    }

    static let queue = DispatchQueue(label: "sockets", attributes: .concurrent)

    static func open(_ type: __socket_type, _ family: IPFamily = .ipv4, seconds: Int = 10) -> Int32 {
        let descriptor = socket(family == .ipv4 ? AF_INET : AF_INET6, Int32(type.rawValue), 0)
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        return descriptor
    }

    static func withAddress<R>(_ port: Int, _ family: IPFamily = .ipv4, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        if family == .ipv6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = UInt16(port).bigEndian
            address.sin6_addr = in6addr_loopback
            return withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in6>.size)) }
            }
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }

    static func connected(_ type: __socket_type, _ port: Int, _ family: IPFamily = .ipv4) throws -> Int32 {
        let descriptor = open(type, family)
        guard withAddress(port, family, { connect(descriptor, $0, $1) }) == 0 else { throw Failure(what: "connect: \(errno)") }
        return descriptor
    }

    /// Has `body` run on a thread that may block.
    static func blocking<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        try await withCheckedThrowingContinuation { done in queue.async { done.resume(with: Result { try body() }) } }
    }

    static func askByDatagram(_ query: [UInt8], _ port: Int, _ family: IPFamily = .ipv4) async throws -> [UInt8] {
        try await blocking {
            let descriptor = try connected(SOCK_DGRAM, port, family)
            defer { close(descriptor) }
            send(descriptor, query, query.count, 0)
            var reply = [UInt8](repeating: 0, count: 65536)
            let count = recv(descriptor, &reply, reply.count, 0)
            guard count >= 0 else { throw Failure(what: "no answer: \(errno)") }
            return Array(reply[..<count])
        }
    }

    /// Asks all of `queries` at once over one connection, and returns as many answers.
    static func askByStream(_ queries: [[UInt8]], _ port: Int, _ family: IPFamily = .ipv4) async throws -> [[UInt8]] {
        try await blocking {
            let descriptor = try connected(SOCK_STREAM, port, family)
            defer { close(descriptor) }
            let bytes = queries.flatMap { DNSClient.words([UInt16($0.count)]) + $0 }
            // In pieces, as networks deliver them.
            for start in stride(from: 0, to: bytes.count, by: 7) {
                send(
                    descriptor, Array(bytes[start..<min(start + 7, bytes.count)]), min(7, bytes.count - start), Int32(MSG_NOSIGNAL)
                )
            }
            return try queries.map { _ in
                let size = try read(descriptor, 2)
                return try read(descriptor, Int(size[0]) << 8 | Int(size[1]))
            }
        }
    }

    static func read(_ descriptor: Int32, _ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var place = 0
        while place < count {
            let got = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress! + place, count - place, 0) }
            guard got > 0 else { throw Failure(what: "the connection ended: \(got) \(errno)") }
            place += got
        }
        return bytes
    }
}
