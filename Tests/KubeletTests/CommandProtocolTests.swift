import APIModel
import HTTPServer
import HTTPTypes
import NIOCore
import Streaming
import Synchronization
import Testing

@testable import Kubelet

/// A connection that says what it was given, and keeps what it is told.
private final class ScriptedPipe: RawConnection {
    private let input: Mutex<[ByteBuffer]>
    private let output = Mutex<[UInt8]>([])

    init(_ input: [[UInt8]] = []) { self.input = Mutex(input.map { ByteBuffer(bytes: $0) }) }

    func read() async throws -> ByteBuffer? { input.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
    func write(_ piece: ByteBuffer) async throws { output.withLock { $0 += piece.readableBytesView } }
    func close() async {}

    /// The contents of the frames written, which are short and not masked.
    var messages: [String] {
        var bytes = output.withLock { $0 }[...]
        var messages: [String] = []
        while bytes.count >= 2 {
            let length = Int(bytes[bytes.startIndex + 1])
            messages.append(String(decoding: bytes.dropFirst(2).prefix(length), as: UTF8.self))
            bytes = bytes.dropFirst(2 + length)
        }
        return messages
    }

    /// A client's message: masked, with nothing.
    static func frame(_ opcode: UInt8, _ text: String) -> [UInt8] {
        [0x80 | opcode, 0x80 | UInt8(text.utf8.count), 0, 0, 0, 0] + Array(text.utf8)
    }
}

/// The forms in which a WebSocket carries a command.
@Suite struct CommandProtocolTests {
    private static func client(_ pipe: ScriptedPipe, _ name: String) throws -> WebSocketCommandClient {
        let form = name.isEmpty ? CommandProtocol.unnamed : try #require(CommandProtocol.named[name])
        return WebSocketCommandClient(socket: WebSocketConnection(pipe, role: .server), form: form)
    }

    private static let failure = #"{"status":"Failure","message":"exit code 3"}"#

    @Test(arguments: [
        ("v5.channel.k8s.io", ["\u{1}", "\u{3}", "\u{1}hi", "\u{3}" + failure, "\u{3}{\"status\":\"Success\"}"]),
        ("v4.channel.k8s.io", ["\u{1}", "\u{3}", "\u{1}hi", "\u{3}" + failure, "\u{3}{\"status\":\"Success\"}"]),
        ("channel.k8s.io", ["\u{1}", "\u{3}", "\u{1}hi", "\u{3}exit code 3"]), ("", ["\u{1}", "\u{3}", "\u{1}hi", "\u{3}exit code 3"]),
        ("base64.channel.k8s.io", ["1", "3", "1aGk=", "3ZXhpdCBjb2RlIDM="]),
    ])
    func tells(name: String, expected: [String]) async throws {
        let pipe = ScriptedPipe()
        let client = try Self.client(pipe, name)
        try await client.open(RemoteCommandOptions([("stdout", "1")]))
        try await client.send(RuntimeChannel.stdout, Array("hi".utf8))
        try await client.send(RuntimeChannel.error, Array(Self.failure.utf8))
        try await client.send(RuntimeChannel.error, Array(#"{"status":"Success"}"#.utf8))
        #expect(pipe.messages == expected)
    }

    @Test(arguments: [
        ("v5.channel.k8s.io", [ScriptedPipe.frame(2, "\u{0}in"), [0x82, 0x82, 0, 0, 0, 0, 255, 0]], ["0:in", "0:"]),
        ("channel.k8s.io", [ScriptedPipe.frame(2, "\u{0}in"), ScriptedPipe.frame(2, "\u{1}no")], ["0:in"]),
        ("base64.channel.k8s.io", [ScriptedPipe.frame(1, "0aW4="), ScriptedPipe.frame(1, "4e30=")], ["0:in", "4:{}"]),
    ])
    func hears(name: String, said: [[UInt8]], expected: [String]) async throws {
        let heard = Mutex<[String]>([])
        try await Self.client(ScriptedPipe(said), name).receive { channel, bytes in
            heard.withLock { $0.append("\(channel):\(String(decoding: bytes, as: UTF8.self))") }
        }
        #expect(heard.withLock { $0 } == expected)
    }

    @Test(arguments: [("channel.k8s.io", true), ("", true), ("v9.channel.k8s.io", false)])
    func agrees(name: String, isServed: Bool) throws {
        var headers: HTTPFields = [:]
        let fields = [
            ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Sec-WebSocket-Protocol", name),
        ]
        for (field, value) in fields where !value.isEmpty { headers[try #require(HTTPField.Name(field))] = value }
        let request = Request(method: .get, path: "/exec", headers: headers)
        let command = RemoteCommand(runtime: FakeRuntime())
        let options = RemoteCommandOptions([("stdout", "1")])
        if isServed {
            guard case .upgrade(let answer, _) = try command.respond(request, .exec, .null, options) else {
                Issue.record("not upgraded")
                return
            }
            #expect(answer[try #require(HTTPField.Name("Sec-WebSocket-Protocol"))] == (name.isEmpty ? nil : name))
        } else {
            #expect(throws: APIError.self) { try command.respond(request, .exec, .null, options) }
        }
    }
}
