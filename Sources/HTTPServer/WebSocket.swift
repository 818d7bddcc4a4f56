import Crypto
public import HTTPTypes
import Streaming

/// RFC 6455: the handshake of both sides. `WebSocketConnection` is what follows.
public enum WebSocket {
    private static let key = HTTPField.Name("Sec-WebSocket-Key")!
    private static let version = HTTPField.Name("Sec-WebSocket-Version")!
    private static let subprotocol = HTTPField.Name("Sec-WebSocket-Protocol")!
    private static let acceptance = HTTPField.Name("Sec-WebSocket-Accept")!
    private static let upgrade = HTTPField.Name("Upgrade")!

    /// The headers of the 101 that accepts `request`, and the first of the client's protocols that is among `protocols` (`nil` when none
    /// is). `nil` when this is no WebSocket request.
    public static func accept(_ request: Request, protocols: [String]) -> (headers: HTTPFields, subprotocol: String?)? {
        guard request.method == .get, request.headers[upgrade]?.lowercased() == "websocket", request.headers[version] == "13",
            let key = request.headers[key]
        else { return nil }
        let wanted = requestedProtocols(request)
        let chosen = wanted.first { protocols.contains($0) }
        var headers: HTTPFields = [upgrade: "websocket", acceptance: answer(to: key)]
        headers[subprotocol] = chosen
        return (headers, chosen)
    }

    /// What the client offers, in its order of preference.
    public static func requestedProtocols(_ request: Request) -> [String] {
        request.headers[values: subprotocol].flatMap { $0.split(separator: ",") }.map { value in
            String(value.drop { $0 == " " }.prefix { $0 != " " })
        }
    }

    private static func answer(to key: String) -> String {
        base64(Insecure.SHA1.hash(data: Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)))
    }

    /// Asks for a WebSocket over `connection`. Throws `Refused` when the server answers anything but 101 or picks a protocol that was not
    /// offered.
    public static func connect(
        over connection: any RawConnection, target: String, host: String, protocols: [String] = [],
        headers: [(name: String, value: String)] = []
    ) async throws -> WebSocketConnection {
        let key = base64((0..<16).map { _ in UInt8.random(in: 0...255) })
        var all: [(name: String, value: String)] =
            headers + [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", key)]
        if !protocols.isEmpty { all.append(("Sec-WebSocket-Protocol", protocols.joined(separator: ", "))) }
        let response = try await HTTP1Request(target: target, host: host, headers: all).send(over: connection)
        let chosen = response.header("Sec-WebSocket-Protocol")
        guard response.status == 101, response.header("Sec-WebSocket-Accept") == answer(to: key), chosen.map(protocols.contains) ?? true
        else {
            let body = try? await response.collect(upTo: 64 * 1024)
            await connection.close()
            throw Refused(status: response.status, body: body ?? [])
        }
        return WebSocketConnection(response.pipe, role: .client, subprotocol: chosen)
    }

    /// The server did not agree to a WebSocket.
    public struct Refused: Error, CustomStringConvertible {
        public var status: Int
        public var body: [UInt8]
        public var description: String { "unable to upgrade connection: status \(status): \(String(decoding: body, as: UTF8.self))" }
    }

    private static func base64(_ bytes: some Sequence<UInt8>) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        let bytes = Array(bytes)
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | UInt32($1) } << (8 * (3 - UInt32(group.count)))
            for index in 0..<4 {
                text.append(index <= group.count ? alphabet[Int(bits >> (18 - 6 * UInt32(index)) & 63)] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
