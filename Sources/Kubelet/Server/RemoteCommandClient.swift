import APIModel
import HTTPServer

/// The client's side of an exec or an attach, whatever protocol it speaks.
protocol RemoteCommandClient: Sendable {
    /// Returns when the connection can take more; throws when the client is gone. `bytes` are never empty.
    func send(_ channel: Int32, _ bytes: [UInt8]) async throws
    /// Hands on what the client says, one piece at a time, an empty piece for the end of a channel. Returns when the client is gone,
    /// `deliver` throws or the task is cancelled.
    func receive(_ deliver: @escaping @Sendable (_ channel: Int32, _ bytes: [UInt8]) async throws -> Void) async
}

extension RemoteCommandClient {
    /// Opens the runtime's stream and copies both ways until it ends or the client goes. What the runtime refuses is told to the client.
    func join(_ open: () async throws -> any RuntimeConnection) async throws {
        let stream: any RuntimeConnection
        do {
            stream = try await open()
        } catch let error as RuntimeFailure {
            let status = APIError(code: 500, reason: .internalError, message: error.description).status
            try? await send(RuntimeChannel.error, JSON.encode(status))
            return
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                var toldStatus = false
                while let (channel, bytes) = try? await stream.receive() {
                    if bytes.isEmpty { continue }
                    if channel == RuntimeChannel.error { toldStatus = true }
                    guard (try? await send(channel, bytes)) != nil else { return }
                }
                // A command that ended without a word ended well.
                if !toldStatus { try? await send(RuntimeChannel.error, Array(#"{"metadata":{},"status":"Success"}"#.utf8)) }
            }
            group.addTask { await receive { channel, bytes in try await stream.send(channel, bytes) } }
            await group.next()
            // Either side is done, so both are.
            await stream.close()
            group.cancelAll()
        }
    }
}

/// Each message is a channel and its bytes, in a form that `CommandProtocol` tells.
struct WebSocketCommandClient: RemoteCommandClient {
    /// In version 5: the channel named in the next byte has ended.
    private static let close: UInt8 = 255

    let socket: WebSocketConnection
    let form: CommandProtocol

    /// Upstream opens every channel with an empty message, which clients wait for.
    func open(_ options: RemoteCommandOptions) async throws {
        let wanted = [
            (RuntimeChannel.stdin, options.stdin), (RuntimeChannel.stdout, options.stdout), (RuntimeChannel.stderr, options.stderr),
            (RuntimeChannel.error, true),
        ]
        for (channel, isWanted) in wanted where isWanted { try await write(channel, []) }
    }

    func send(_ channel: Int32, _ bytes: [UInt8]) async throws {
        guard channel == RuntimeChannel.error, !form.tellsStatus, let status = try? JSON.decode(bytes) else {
            return try await write(channel, bytes)
        }
        if status["status"].string != "Success" { try await write(channel, Array((status["message"].string ?? "").utf8)) }
    }

    private func write(_ channel: Int32, _ bytes: [UInt8]) async throws {
        if form.isText {
            try await socket.send(text: "\(channel)" + Base64.encode(bytes))
        } else {
            try await socket.send([UInt8(truncatingIfNeeded: channel)] + bytes)
        }
    }

    func receive(_ deliver: @escaping @Sendable (_ channel: Int32, _ bytes: [UInt8]) async throws -> Void) async {
        while let message = try? await socket.receive() {
            guard let first = message.first else { continue }
            let channel = form.isText ? first &- UInt8(ascii: "0") : first
            let isEnd = form.closesChannels && channel == Self.close
            let target = isEnd ? message.dropFirst().first ?? 0 : channel
            guard target == UInt8(RuntimeChannel.stdin) || target == UInt8(RuntimeChannel.resize) else { continue }
            let content = Array(message.dropFirst())
            // What is no base64 ends the conversation.
            guard let bytes = isEnd ? [] : form.isText ? Base64.decode(String(decoding: content, as: UTF8.self)) : content else { break }
            // Nothing but the end-of-channel message may be empty.
            if bytes.isEmpty && !isEnd { continue }
            guard (try? await deliver(Int32(target), bytes)) != nil else { break }
        }
    }
}
