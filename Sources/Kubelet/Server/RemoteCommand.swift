import APIModel
import HTTPServer
import HTTPTypes
import Logging
import NIOCore
import Streaming

/// What is wanted of an exec or an attach, from the request's query.
struct RemoteCommandOptions: Equatable, Sendable {
    var command: [String] = []
    var stdin = false
    var stdout = false
    var stderr = false
    var tty = false

    /// The kubelet's own names, and those of the API.
    init(_ query: [(name: String, value: String)]) {
        for (name, value) in query {
            let isSet = value == "1" || value == "true"
            switch name {
            case "command": command.append(value)
            case "input", "stdin": stdin = isSet
            case "output", "stdout": stdout = isSet
            case "error", "stderr": stderr = isSet
            case "tty": tty = isSet
            default: break
            }
        }
        // A terminal has one output.
        if tty { stderr = false }
    }

    /// CRI's request. An attach has the terminal the container has, whatever was asked for.
    func message(_ kind: RuntimeStreamKind, container id: String, spec: Value) -> Value {
        let terminal = kind == .attach ? spec["tty"].bool ?? false : tty
        return [
            "container_id": .string(id), "cmd": kind == .exec ? Value(command) : .null, "tty": .bool(terminal), "stdin": .bool(stdin), "stdout": .bool(stdout),
            "stderr": .bool(stderr && !terminal),
        ]
    }
}

/// Joins a WebSocket with a runtime's stream: each message is a channel's number and its bytes. Upstream: apimachinery `remotecommand`, `v4.channel.k8s.io` and `v5.channel.k8s.io`.
struct RemoteCommand: Sendable {
    let runtime: any Runtime
    let log: Logger

    private static let protocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"]
    /// In version 5: the channel named in the next byte has ended.
    private static let close: UInt8 = 255

    func respond(_ request: Request, _ kind: RuntimeStreamKind, _ message: Value, _ options: RemoteCommandOptions) throws -> Response {
        guard let (headers, chosen) = WebSocket.accept(request, protocols: Self.protocols), let chosen else {
            throw APIError.badRequest("unable to upgrade: a WebSocket with one of the protocols \(Self.protocols.joined(separator: ", ")) is needed")
        }
        return .upgrade(headers: headers) { pipe in
            let socket = WebSocketConnection(pipe, role: .server, subprotocol: chosen)
            // Upstream opens every channel with an empty message, which clients wait for.
            for channel in [RuntimeChannel.stdin, RuntimeChannel.stdout, RuntimeChannel.stderr, RuntimeChannel.error] {
                let isWanted = [options.stdin, options.stdout, options.stderr, true][Int(channel)]
                if isWanted { try await socket.send([UInt8(channel)]) }
            }
            do {
                let stream = try await self.runtime.open(kind, message)
                try await Self.join(socket, stream, closes: chosen == "v5.channel.k8s.io")
            } catch let error as RuntimeFailure {
                let status = APIError(code: 500, reason: .internalError, message: error.description).status
                try? await socket.send([UInt8(RuntimeChannel.error)] + JSON.encode(status))
            }
            await socket.close()
        }
    }

    /// Copies both ways until the runtime's side ends or the client goes. Closes `stream`.
    private static func join(_ socket: WebSocketConnection, _ stream: any RuntimeConnection, closes: Bool) async throws {
        defer { _ = 0 }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                var toldStatus = false
                while let (channel, bytes) = try? await stream.receive() {
                    if bytes.isEmpty { continue }
                    if channel == RuntimeChannel.error { toldStatus = true }
                    guard (try? await socket.send([UInt8(truncatingIfNeeded: channel)] + bytes)) != nil else { return }
                }
                // A command that ended without a word ended well.
                if !toldStatus { try? await socket.send([UInt8(RuntimeChannel.error)] + Array(#"{"metadata":{},"status":"Success"}"#.utf8)) }
            }
            group.addTask {
                while let message = try? await socket.receive() {
                    guard let channel = message.first else { continue }
                    let isEnd = closes && channel == close
                    let target = isEnd ? message.dropFirst().first ?? 0 : channel
                    guard target == UInt8(RuntimeChannel.stdin) || target == UInt8(RuntimeChannel.resize) else { continue }
                    let bytes = isEnd ? [] : Array(message.dropFirst())
                    // Nothing but the end-of-channel message may be empty.
                    if bytes.isEmpty && !isEnd { continue }
                    guard (try? await stream.send(Int32(target), bytes)) != nil else { break }
                }
            }
            await group.next()
            // Either side is done, so both are.
            await stream.close()
            group.cancelAll()
        }
    }
}
