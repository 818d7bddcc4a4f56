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

/// Each message is a channel's number and its bytes. Upstream: apimachinery `remotecommand`, `v4.channel.k8s.io` and `v5.channel.k8s.io`.
struct WebSocketCommandClient: RemoteCommandClient {
    static let protocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"]
    /// In version 5: the channel named in the next byte has ended.
    private static let close: UInt8 = 255

    let socket: WebSocketConnection
    private var closes: Bool { socket.subprotocol == "v5.channel.k8s.io" }

    /// Upstream opens every channel with an empty message, which clients wait for.
    func open(_ options: RemoteCommandOptions) async throws {
        let wanted = [
            (RuntimeChannel.stdin, options.stdin), (RuntimeChannel.stdout, options.stdout), (RuntimeChannel.stderr, options.stderr),
            (RuntimeChannel.error, true),
        ]
        for (channel, isWanted) in wanted where isWanted { try await socket.send([UInt8(channel)]) }
    }

    func send(_ channel: Int32, _ bytes: [UInt8]) async throws { try await socket.send([UInt8(truncatingIfNeeded: channel)] + bytes) }

    func receive(_ deliver: @escaping @Sendable (_ channel: Int32, _ bytes: [UInt8]) async throws -> Void) async {
        while let message = try? await socket.receive() {
            guard let channel = message.first else { continue }
            let isEnd = closes && channel == Self.close
            let target = isEnd ? message.dropFirst().first ?? 0 : channel
            guard target == UInt8(RuntimeChannel.stdin) || target == UInt8(RuntimeChannel.resize) else { continue }
            let bytes = isEnd ? [] : Array(message.dropFirst())
            // Nothing but the end-of-channel message may be empty.
            if bytes.isEmpty && !isEnd { continue }
            guard (try? await deliver(Int32(target), bytes)) != nil else { break }
        }
    }
}
