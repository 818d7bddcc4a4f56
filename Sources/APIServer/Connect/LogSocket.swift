import APIModel
import HTTPServer
import HTTPTypes
import NIOCore

/// A log read over a WebSocket: each piece is a message. Upstream: `wsstream.Reader`.
struct LogSocket {
    let headers: HTTPFields
    let subprotocol: String?
    private static let text = "base64.binary.k8s.io"

    /// `nil` when the request is for no WebSocket. Throws when it names only protocols that are not for this.
    init?(_ request: Request) throws {
        let protocols = ["binary.k8s.io", Self.text]
        guard let (headers, chosen) = WebSocket.accept(request, protocols: protocols) else { return nil }
        guard chosen != nil || WebSocket.requestedProtocols(request).isEmpty else {
            let list = protocols.joined(separator: ", ")
            throw APIError.badRequest("unable to upgrade: one of the WebSocket protocols \(list) is needed")
        }
        (self.headers, subprotocol) = (headers, chosen)
    }

    /// The response that has `write` fill the socket, and closes it at the end.
    func response(_ write: @escaping @Sendable (BodyWriter) async throws -> Void) -> Response {
        let subprotocol = subprotocol
        return .upgrade(headers: headers) { pipe in
            let socket = WebSocketConnection(pipe, role: .server, subprotocol: subprotocol)
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    try? await write(
                        BodyWriter { piece in
                            if subprotocol == Self.text {
                                try await socket.send(text: Base64.encode(Array(piece.readableBytesView)))
                            } else {
                                try await socket.send(binary: piece)
                            }
                        })
                }
                // The client says nothing but goodbye.
                group.addTask { while (try? await socket.receive()) != nil {} }
                await group.next()
                group.cancelAll()
                await socket.close()
            }
        }
    }
}
