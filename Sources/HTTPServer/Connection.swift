import Glibc
import NIOCore
import Synchronization

/// One accepted connection, as the server counts it. Its handlers tell of requests; any thread asks.
final class Connection: Sendable {
    /// Whom it counts for: the address, or the network of an IPv6 address, since its owner has all of that.
    struct Peer: Hashable, Sendable {
        private let bytes: [UInt8]

        init(_ address: SocketAddress?) {
            bytes = address.flatMap { address in address.withSockAddr { socket, size in Self.bytes(address.protocol, socket, size) } } ?? []
        }

        private static func bytes(_ family: NIOBSDSocket.ProtocolFamily, _ socket: UnsafePointer<sockaddr>, _ size: Int) -> [UInt8] {
            let raw = UnsafeRawBufferPointer(start: socket, count: size)
            switch family {
            case .inet: return Array(raw[4..<8])
            case .inet6:
                let address = raw[8..<24]
                // An IPv4 address that came in over IPv6.
                if address.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255]) { return Array(address.suffix(4)) }
                return Array(address.prefix(8))
            default: return []
            }
        }
    }

    let channel: any Channel
    let peer: Peer
    let deadline: Deadline
    private let limits: Limits
    private let requests = Atomic<Int>(0)
    /// Uptime in nanoseconds since when there was no request.
    private let waitingSince: Atomic<UInt64>

    init(_ channel: any Channel, limits: Limits) {
        self.channel = channel
        self.limits = limits
        peer = Peer(channel.remoteAddress)
        deadline = Deadline { channel.close(promise: nil) }
        waitingSince = Atomic(NIODeadline.now().uptimeNanoseconds)
    }

    /// When it began to wait, `nil` while a request is in progress.
    var waiting: UInt64? { requests.load(ordering: .relaxed) == 0 ? waitingSince.load(ordering: .relaxed) : nil }

    /// The head of a request is there.
    func began() {
        requests.add(1, ordering: .relaxed)
        deadline.clear(.input)
    }

    /// A request is over both ways.
    func ended() {
        let now = NIODeadline.now()
        waitingSince.store(now.uptimeNanoseconds, ordering: .relaxed)
        if requests.subtract(1, ordering: .relaxed).newValue == 0 { deadline.set(.input, now + TimeAmount(limits.idle)) }
    }

    /// Something came while none was in progress: the rest of the head must follow.
    func headBegan() {
        if requests.load(ordering: .relaxed) == 0 { deadline.shorten(.input, to: limits.head) }
    }
}
