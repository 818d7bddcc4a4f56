internal import PluginKit
internal import Streaming

/// What a stream's request asks for, as far as the client of the runtime's streaming server must know it.
struct StreamRequest {
    private let kind: StreamKind
    private let request: [UInt8]

    init(_ kind: StreamKind, _ request: [UInt8]) {
        self.kind = kind
        self.request = request
    }

    /// The CRI method that prepares the stream and answers its URL.
    var method: String {
        switch kind {
        case .exec: "Exec"
        case .attach: "Attach"
        case .portForward: "PortForward"
        }
    }

    func dial(_ url: String) async throws -> StreamingClient {
        func flag(_ number: UInt64) -> Bool { WireFields.number(number, in: request) != 0 }
        switch kind {
        case .exec: return try await .remoteCommand(url: url, stdin: flag(4), stdout: flag(5), stderr: flag(6), tty: flag(3))
        case .attach: return try await .remoteCommand(url: url, stdin: flag(2), stdout: flag(4), stderr: flag(5), tty: flag(3))
        case .portForward: return try await .portForward(url: url, port: port)
        }
    }

    /// The container's id, and what is run in it; of an exec.
    var container: String { WireFields.string(1, in: request) }
    var command: [String] {
        WireFields(request).compactMap { field in
            if case (2, .bytes(let word)) = field { String(decoding: word, as: UTF8.self) } else { nil }
        }
    }

    /// A repeated number stands alone, or packed into bytes of the same coding.
    private var port: Int {
        let packed = WireFields.bytes(2, in: request)
        return Int(clamping: packed.isEmpty ? WireFields.number(2, in: request) : WireFields.number(1, in: [0x08] + packed))
    }
}
