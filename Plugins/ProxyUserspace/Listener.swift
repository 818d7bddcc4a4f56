internal import APIModel
internal import Glibc

/// A socket at which connections or packets for a Service arrive. Whoever has it last closes it.
///
/// Two instances may listen at one place: each gets some of what comes, and what has come to one that gives up goes to the other, where the
/// kernel can move it.
final class Listener: Sendable {
    /// How many connections may wait to be taken.
    static let backlog: Int32 = 1024

    let point: RelayPlan.Point
    let route: Route
    let descriptor: Int32

    struct Failure: Error, CustomStringConvertible {
        var number: Int32
        var description: String { String(cString: strerror(number)) }

        /// Whether it is this process that has too much open, and not somebody else who listens there.
        var isExhaustion: Bool { [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(number) }
    }

    /// - Throws: `Failure` where it cannot listen there.
    init(_ point: RelayPlan.Point, _ route: Route) throws {
        (self.point, self.route) = (point, route)
        let type = point.isDatagram ? SOCK_DGRAM : SOCK_STREAM
        descriptor = socket(point.place.domain, Int32(type.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(number: errno) }
        var yes: Int32 = 1
        for option in point.isDatagram ? [SO_REUSEPORT] : [SO_REUSEPORT, SO_REUSEADDR] {
            setsockopt(descriptor, SOL_SOCKET, option, &yes, socklen_t(MemoryLayout<Int32>.size))
        }
        if point.place.address.family == .ipv6 {
            // Somebody else may have the port for IPv4; and the address is none of a link's.
            for option in [IPV6_V6ONLY, IPV6_FREEBIND] {
                setsockopt(descriptor, Int32(IPPROTO_IPV6), option, &yes, socklen_t(MemoryLayout<Int32>.size))
            }
        }
        let isBound = point.place.with { bind(descriptor, $0, $1) } == 0 && (point.isDatagram || listen(descriptor, Self.backlog) == 0)
        guard isBound else { throw Failure(number: errno) }
    }

    /// Nothing arrives here any more. What is under way already goes on.
    func shut() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    deinit { if descriptor >= 0 { close(descriptor) } }
}
