public import HTTPTypes
public import NIOCore
public import Streaming

/// One HTTP request, the same for HTTP/1.1 and HTTP/2.
public struct Request: Sendable {
    public var method: HTTPRequest.Method
    /// As sent, without the query and still percent-encoded.
    public var path: String
    /// Percent-decoded, in order; a parameter may come more than once.
    public var query: [(name: String, value: String)]
    public var headers: HTTPFields
    public var body: RequestBody
    /// The client's certificates in DER, leaf first, as TLS verified that it holds the key. Empty when it showed none or the connection is
    /// plain. Whether the chain leads to a trusted CA is the responder's to check.
    public var peerCertificates: [[UInt8]]
    /// `127.0.0.1:40404`
    public var remoteAddress: String

    public init(
        method: HTTPRequest.Method, path: String, query: [(name: String, value: String)] = [], headers: HTTPFields = [:],
        body: RequestBody = RequestBody(),
        peerCertificates: [[UInt8]] = [], remoteAddress: String = ""
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.peerCertificates = peerCertificates
        self.remoteAddress = remoteAddress
    }

    /// A request without a body, as its first line has it: the path with the query.
    /// `nil` when there are more parameters than a server takes.
    public init?(method: String, target: String) {
        guard let method = HTTPRequest.Method(method), let (path, query) = RequestTarget.parse(target, limit: Limits().parameters) else {
            return nil
        }
        self.init(method: method, path: path, query: query)
    }

    /// The first value of a query parameter.
    public func query(_ name: String) -> String? { query.first { $0.name == name }?.value }

    /// The value of a header, those of several of one name with commas between. The same as `headers` says, which writes even the value of
    /// one that stands alone down anew whenever it is asked.
    public func header(_ name: HTTPField.Name) -> String? {
        var found: String?
        for field in headers where field.name == name {
            guard found == nil else { return headers[name] }
            found = field.value
        }
        return found
    }
}

/// A request's body, read once.
public struct RequestBody: Sendable {
    public struct TooLarge: Error { public init() {} }
    private let next: @Sendable () async throws -> ByteBuffer?

    /// `next` returns the next piece, `nil` at the end; called by one task at a time.
    public init(next: @escaping @Sendable () async throws -> ByteBuffer? = { nil }) { self.next = next }

    /// The whole body. Throws `TooLarge` past `limit` bytes.
    public func collect(upTo limit: Int) async throws -> [UInt8] {
        var whole: [UInt8] = []
        while let piece = try await next() {
            guard whole.count + piece.readableBytes <= limit else { throw TooLarge() }
            whole.append(contentsOf: piece.readableBytesView)
        }
        return whole
    }

    /// The body piece by piece.
    public func read() async throws -> ByteBuffer? { try await next() }
}

/// Answers requests. Called from many tasks at once; the task is cancelled when the client goes away.
public protocol Responder: Sendable {
    func respond(to request: Request) async -> Response
}

/// What a responder answers.
public enum Response: Sendable {
    /// A body at hand, in pieces that are written one after another; content-length is added.
    case full(status: HTTPResponse.Status, headers: HTTPFields, body: [[UInt8]])
    /// A body that the closure writes as it comes; the response ends when the closure returns, and is broken off when it throws. Cancelled
    /// when the client goes away.
    case stream(status: HTTPResponse.Status, headers: HTTPFields, write: @Sendable (BodyWriter) async throws -> Void)
    /// HTTP/1.1 only: answers 101 with `headers` (`Upgrade` and `Sec-WebSocket-Accept` are the responder's), then hands over the bare
    /// connection. The connection is closed when the closure returns.
    case upgrade(headers: HTTPFields, run: @Sendable (any RawConnection) async throws -> Void)
}

/// Writes a streamed body.
public struct BodyWriter: Sendable {
    private let writePiece: @Sendable (ByteBuffer) async throws -> Void
    private let executor: (any TaskExecutor)?
    private let pausesAllowed: @Sendable () -> Void

    public init(write: @escaping @Sendable (ByteBuffer) async throws -> Void, allowPauses: @escaping @Sendable () -> Void = {}) {
        self.init(executor: nil, write: write, allowPauses: allowPauses)
    }

    init(
        executor: (any TaskExecutor)?, write: @escaping @Sendable (ByteBuffer) async throws -> Void,
        allowPauses: @escaping @Sendable () -> Void
    ) {
        self.executor = executor
        writePiece = write
        pausesAllowed = allowPauses
    }

    /// Lets the client stop reading for as long as it likes, as people do with a log. Otherwise a client that takes nothing of what is sent
    /// is given up after `Limits.stall`.
    public func allowPauses() { pausesAllowed() }

    /// Sends now. Returns when the connection can take more; throws when the client is gone or given up.
    public func write(_ piece: ByteBuffer) async throws { try await writePiece(piece) }
    public func write(_ piece: [UInt8]) async throws { try await writePiece(ByteBuffer(bytes: piece)) }

    /// Runs `body` on the thread that serves the connection, so that a write needs no other. What waits costs the others on that thread
    /// nothing; what computes for long, or blocks, does not belong here.
    public func onConnectionsThread<T: Sendable>(_ body: @Sendable () async throws -> T) async rethrows -> T {
        try await withTaskExecutorPreference(executor) { try await body() }
    }
}

/// A connection's bytes in both directions, after an upgrade or from a dial.
public protocol RawConnection: BytePipe {}

extension ChannelPipe: RawConnection {}
