import APIModel
import Foundation
import Glibc
import Synchronization

@testable import DNS

/// A server somewhere else, on loopback: says to each query what the test has it say, by UDP and TCP.
final class FakeResolver: Sendable {
    /// What to send, each as one datagram; by TCP the first alone.
    typealias Say = @Sendable (_ query: [UInt8], _ isDatagram: Bool) -> [[UInt8]]

    let port: Int
    private let datagrams: Int32
    private let streams: Int32
    private let heard = Mutex<[(question: String, isDatagram: Bool)]>([])

    /// What was asked, in order.
    var questions: [String] { heard.withLock { $0.map { $0.question + ($0.isDatagram ? "" : " by TCP") } } }
    var address: String { family == .ipv4 ? "127.0.0.1:\(port)" : "[::1]:\(port)" }
    private let family: IPFamily

    init(_ family: IPFamily = .ipv4, _ say: @escaping Say) {
        let datagrams = Sockets.open(SOCK_DGRAM, family, seconds: 3600)
        let streams = Sockets.open(SOCK_STREAM, family, seconds: 3600)
        self.family = family
        self.datagrams = datagrams
        self.streams = streams
        _ = Sockets.withAddress(0, family) { bind(datagrams, $0, $1) }
        // The port is at the same place in both families.
        var address = sockaddr_in6()
        var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
        _ = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(datagrams, $0, &size) }
        }
        port = Int(UInt16(bigEndian: address.sin6_port))
        _ = Sockets.withAddress(port, family) { bind(streams, $0, $1) }
        listen(streams, 16)
        Sockets.queue.async { self.serveDatagrams(say) }
        Sockets.queue.async { self.serveStreams(say) }
    }

    func close() {
        shutdown(datagrams, Int32(SHUT_RDWR))
        shutdown(streams, Int32(SHUT_RDWR))
    }

    private func hear(_ query: [UInt8], _ isDatagram: Bool) {
        let text = Message(decoding: query).map { "\($0.questions[0].name) \($0.questions[0].type.rawValue)" } ?? "nothing"
        heard.withLock { $0.append((text, isDatagram)) }
    }

    private func serveDatagrams(_ say: Say) {
        var bytes = [UInt8](repeating: 0, count: 4096)
        while true {
            var client = sockaddr_in6()
            var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
            withUnsafeMutablePointer(to: &client) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { client in
                    let count = recvfrom(datagrams, &bytes, bytes.count, 0, client, &size)
                    guard count > 0 else { return }
                    hear(Array(bytes[..<count]), true)
                    for reply in say(Array(bytes[..<count]), true) { sendto(datagrams, reply, reply.count, 0, client, size) }
                }
            }
            // It was shut down.
            if size == 0 || client.sin6_port == 0 { break }
        }
        Glibc.close(datagrams)
    }

    private func serveStreams(_ say: Say) {
        while case let connection = accept(streams, nil, nil), connection >= 0 {
            if let size = try? Sockets.read(connection, 2), let query = try? Sockets.read(connection, Int(size[0]) << 8 | Int(size[1])) {
                hear(query, false)
                if let reply = say(query, false).first {
                    let frame = DNSClient.words([UInt16(reply.count)]) + reply
                    send(connection, frame, frame.count, Int32(MSG_NOSIGNAL))
                }
            }
            Glibc.close(connection)
        }
        Glibc.close(streams)
    }

    /// An answer to `query`: its question with `records` after it, each of which begins with the type.
    static func answer(
        _ query: [UInt8], _ records: [(type: UInt16, timeToLive: UInt16, data: [UInt8])] = [],
        authorities: [(UInt16, UInt16, [UInt8])] = [],
        code: UInt16 = 0, isTruncated: Bool = false
    ) -> [UInt8] {
        guard let end = query[12...].firstIndex(of: 0).map({ $0 + 5 }) else { return [] }
        let body = (records + authorities).flatMap { type, time, data in
            [0xc0, 12] + DNSClient.words([type, 1, 0, time, UInt16(data.count)]) + data
        }
        let flags = 0x8180 | code | (isTruncated ? 0x0200 : 0)
        return query[..<2] + DNSClient.words([flags, 1, UInt16(records.count), UInt16(authorities.count), 0]) + query[12..<end] + body
    }
}
