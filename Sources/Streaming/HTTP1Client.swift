public import NIOCore

/// One HTTP/1.1 request over a connection of its own: what upgrades and proxied streams need, and no more.
public struct HTTP1Request: Sendable {
    public var method: String
    /// Path and query, percent-encoded.
    public var target: String
    /// Without `Host` and `Content-Length`, which are added.
    public var headers: [(name: String, value: String)]
    public var host: String
    public var body: [UInt8]

    public init(method: String = "GET", target: String, host: String, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.method = method
        self.target = target
        self.host = host
        self.headers = headers
        self.body = body
    }

    /// Sends this and returns when the head of the response is here. The connection serves no other request afterwards.
    public func send(over pipe: any BytePipe) async throws -> HTTP1Response {
        var buffer = ByteBuffer()
        buffer.writeString("\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\n")
        for (name, value) in headers {
            guard !name.utf8.contains(where: { $0 <= 32 || $0 == UInt8(ascii: ":") }),
                !value.utf8.contains(where: { $0 == 13 || $0 == 10 || $0 == 0 })
            else {
                throw NetworkError("header \(name) cannot be sent")
            }
            buffer.writeString("\(name): \(value)\r\n")
        }
        if !body.isEmpty || method == "POST" || method == "PUT" { buffer.writeString("Content-Length: \(body.count)\r\n") }
        buffer.writeString("\r\n")
        buffer.writeBytes(body)
        do {
            try await pipe.write(buffer)
        } catch is ConnectionClosed {
            // Who answers and closes at once is as good as gone when the write returns; the answer is there all the same.
        }
        var received = ByteBuffer()
        while true {
            guard var piece = try await pipe.read() else { throw NetworkError("the connection was closed before a response came") }
            received.writeBuffer(&piece)
            guard let head = try HTTP1Head(parsing: &received) else { continue }
            if head.status >= 200 || head.status == 101 {
                return try HTTP1Response(head: head, rest: received, pipe: pipe, bodiless: method == "HEAD")
            }
        }
    }
}

/// The status line and fields of a response.
struct HTTP1Head: Sendable {
    private static let limit = 256 * 1024
    var status: Int
    var reason: String
    var headers: [(name: String, value: String)] = []

    /// Takes the head off `buffer`; `nil` when it is not whole yet.
    init?(parsing buffer: inout ByteBuffer) throws {
        let view = buffer.readableBytesView
        guard let end = view.firstRange(of: Array("\r\n\r\n".utf8)) else {
            guard view.count <= Self.limit else { throw NetworkError("the head of a response is larger than \(Self.limit) bytes") }
            return nil
        }
        let lines = String(decoding: view[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        buffer.moveReaderIndex(to: end.upperBound)
        let status = lines.first?.split(separator: " ", maxSplits: 2) ?? []
        guard status.count >= 2, status[0].hasPrefix("HTTP/1."), let code = Int(status[1]), (100...999).contains(code) else {
            throw NetworkError("this is no HTTP/1.1 response")
        }
        self.status = code
        self.reason = status.count > 2 ? String(status[2]) : ""
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { throw NetworkError("malformed header in a response") }
            headers.append((String(line[..<colon]), String(line[line.index(after: colon)...].trimmed)))
        }
    }
}

/// A response whose body is read as it comes.
public final class HTTP1Response: Sendable {
    public let status: Int
    public let reason: String
    public let headers: [(name: String, value: String)]
    /// After 101: the connection, beginning with what came along with the response. Otherwise only good for closing.
    public let pipe: any BytePipe
    private let body: HTTP1Body

    init(head: HTTP1Head, rest: ByteBuffer, pipe: any BytePipe, bodiless: Bool) throws {
        status = head.status
        reason = head.reason
        headers = head.headers
        self.pipe = head.status == 101 ? PrefixedPipe(rest, pipe) : pipe
        let none = bodiless || head.status == 204 || head.status == 304 || head.status == 101
        body = HTTP1Body(framing: none ? .length(0) : try .init(head.headers), rest: rest, pipe: pipe)
    }

    /// The first value of a header, whatever its case.
    public func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }

    /// The next piece of the body, `nil` at its end. One task at a time.
    public func read() async throws -> ByteBuffer? { try await body.next() }

    /// The body, cut off after `limit` bytes.
    public func collect(upTo limit: Int) async throws -> [UInt8] {
        var whole: [UInt8] = []
        while whole.count < limit, let piece = try await read() {
            whole.append(contentsOf: piece.readableBytesView.prefix(limit - whole.count))
        }
        return whole
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var result = self
        while let first = result.first, first == " " || first == "\t" { result.removeFirst() }
        while let last = result.last, last == " " || last == "\t" { result.removeLast() }
        return result
    }
}
