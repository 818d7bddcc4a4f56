import APIModel
import HTTPServer

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
            "container_id": .string(id), "cmd": kind == .exec ? Value(command) : .null, "tty": .bool(terminal), "stdin": .bool(stdin),
            "stdout": .bool(stdout),
            "stderr": .bool(stderr && !terminal),
        ]
    }
}

/// Joins a client with a runtime's stream, over a WebSocket or, for kubectl before 1.29, over bare SPDY.
struct RemoteCommand: Sendable {
    let runtime: any Runtime

    func respond(_ request: Request, _ kind: RuntimeStreamKind, _ message: Value, _ options: RemoteCommandOptions) throws -> Response {
        let names = Array(CommandProtocol.named.keys)
        if let (headers, chosen) = WebSocket.accept(request, protocols: names) {
            // Who names protocols wants one of them; who names none gets the oldest.
            guard chosen != nil || WebSocket.requestedProtocols(request).isEmpty else {
                let list = names.sorted().joined(separator: ", ")
                throw APIError.badRequest("unable to upgrade: one of the WebSocket protocols \(list) is needed")
            }
            let form = chosen.flatMap { CommandProtocol.named[$0] } ?? .unnamed
            return .upgrade(headers: headers) { pipe in
                let socket = WebSocketConnection(pipe, role: .server, subprotocol: chosen)
                let client = WebSocketCommandClient(socket: socket, form: form)
                try await client.open(options)
                try await client.join { try await self.runtime.open(kind, message) }
                await client.socket.close()
            }
        }
        guard let headers = try SPDYCommandClient.accept(request) else {
            throw APIError.badRequest("unable to upgrade: missing upgrade headers in request")
        }
        return .upgrade(headers: headers) { pipe in
            try await SPDYCommandClient.serve(pipe, options) { try await self.runtime.open(kind, message) }
        }
    }
}
