public import NIOCore
import Synchronization

/// One stream of a `SPDYConnection`. Both directions end on their own.
public final class SPDYStream: Sendable {
    /// So much goes into one frame, so that streams take turns.
    private static let frameSize = 32 * 1024

    let id: UInt32
    public let headers: SPDYHeaders
    private let connection: SPDYConnection
    let inbound = InboundQueue(resumeReading: {})
    /// Counts what has come and was not read; the connection's reader waits at it.
    let unread = OutboundGate()
    private let resetSeen = Atomic(false)
    /// Filled when the other side has answered the stream's opening.
    let answered = Mailbox<Void>()

    init(id: UInt32, headers: SPDYHeaders, connection: SPDYConnection) {
        self.id = id
        self.headers = headers
        self.connection = connection
    }

    /// The first value of a header, by its name in lower case.
    public func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    /// The other side has reset the stream.
    public var wasReset: Bool { resetSeen.load(ordering: .relaxed) }

    /// The next bytes, `nil` when the other side has finished or has reset the stream, which is how upstream's servers end theirs. Throws
    /// when this side has reset it and when the connection broke. One task at a time.
    public func read() async throws -> ByteBuffer? {
        guard let piece = try await inbound.next() else { return nil }
        unread.settle(piece.readableBytes, writable: true)
        return piece
    }

    /// Returns when the connection can take more. Throws after `finish`, when the stream was reset and when the connection is gone. One
    /// task at a time.
    public func write(_ piece: ByteBuffer) async throws {
        var rest = piece
        while rest.readableBytes > 0, let part = rest.readSlice(length: min(Self.frameSize, rest.readableBytes)) {
            try await connection.send(part, on: self, fin: false)
        }
    }

    /// Nothing more will be written. Idempotent.
    public func finish() async throws { try await connection.send(ByteBuffer(), on: self, fin: true) }

    /// Ends both directions at once; unread bytes are dropped. Idempotent.
    public func reset() { connection.reset(self, status: SPDYFrame.Status.cancel) }

    /// The other side has reset it.
    func resetByPeer() {
        resetSeen.store(true, ordering: .relaxed)
        end(.success(()))
    }

    /// Both directions are over.
    func end(_ result: Result<Void, any Error>) {
        inbound.finish(result)
        answered.finish(result)
    }
}
