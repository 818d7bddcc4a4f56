import Foundation

/// A network of its own, joined to a bridge of the test's. It is gone with the last of its sockets and of what refers to it here.
final class NetworkNamespace: Sendable {
    private static let kind: Int32 = 0x4000_0000
    /// The module of the C library leaves out what is Linux' alone.
    private static let setns = unsafeBitCast(dlsym(nil, "setns"), to: (@convention(c) (Int32, Int32) -> Int32).self)
    private static let unshare = unsafeBitCast(dlsym(nil, "unshare"), to: (@convention(c) (Int32) -> Int32).self)
    /// How long, in milliseconds, a packet that is let through may take.
    private static let patience: Int32 = 300

    private let descriptor: Int32

    init() throws {
        descriptor = try Self.returning {
            guard Self.unshare(Self.kind) == 0 else { throw Unexpected("no namespace: \(String(cString: strerror(errno)))") }
            return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
        }
    }

    deinit { close(descriptor) }

    /// Joins it to `bridge`, where its end of the link is called `name`. What goes elsewhere goes by way of `gateways`.
    func connect(_ name: String, to bridge: String, addresses: [String], gateways: [String] = []) throws {
        let inside = ["nsenter", "--net=\(path)", "ip"]
        for command in [
            ["ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", path],
            ["ip", "link", "set", name, "master", bridge, "up"], ["ip", "link", "set", name, "type", "bridge_slave", "hairpin", "on"],
            inside + ["link", "set", "lo", "up"],
        ] + addresses.map({ inside + ["address", "add", $0, "dev", "eth0"] + ($0.contains(":") ? ["nodad"] : []) })
            + [inside + ["link", "set", "eth0", "up"]] + gateways.map({ inside + ["route", "add", "default", "via", $0] })
        {
            let result = try Command.run(command)
            guard result.status == 0 else { throw Unexpected("\(command.joined(separator: " ")): \(result.text)") }
        }
    }

    /// By which this process and its children find it.
    var path: String { "/proc/\(getpid())/fd/\(descriptor)" }

    /// What a command says there.
    func run(_ words: String...) throws -> String { try Command.run(["nsenter", "--net=\(path)"] + words).text }

    /// Has this thread be there while `body` runs: the sockets that it makes stay there.
    func inside<R>(_ body: () throws -> R) throws -> R {
        try Self.returning {
            guard Self.setns(descriptor, Self.kind) == 0 else { throw Unexpected("setns: \(String(cString: strerror(errno)))") }
            return try body()
        }
    }

    private static func returning<R>(_ body: () throws -> R) throws -> R {
        let own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
        defer {
            precondition(setns(own, kind) == 0, "the thread cannot come back to its namespace")
            close(own)
        }
        return try body()
    }

    /// Whether a connection from here comes about at once.
    /// - Throws: where somebody refuses it.
    func connects(to address: String, _ port: UInt16) throws -> Bool {
        try Self.connects(try inside { openSocket(for: address, SOCK_STREAM, blocks: false) }, address, port)
    }

    /// The same from the test's own network.
    static func connects(to address: String, _ port: UInt16) throws -> Bool {
        try connects(openSocket(for: address, SOCK_STREAM, blocks: false), address, port)
    }

    private static func connects(_ descriptor: Int32, _ address: String, _ port: UInt16) throws -> Bool {
        defer { close(descriptor) }
        _ = withSocketAddress(address, port) { Glibc.connect(descriptor, $0, $1) }
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&waiting, 1, patience) == 1 else { return false }
        var (error, size) = (Int32(0), socklen_t(4))
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size)
        guard error == 0 else { throw Unexpected("\(address):\(port): \(String(cString: strerror(error)))") }
        return true
    }
}
