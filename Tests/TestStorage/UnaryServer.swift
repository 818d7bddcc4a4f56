import GRPC
import Glibc

/// Serves gRPC calls of one request and one answer on a Unix socket.
final class UnaryServer: Sendable {
    enum Answer: Sendable {
        case message([UInt8])
        case failure(code: Int, message: String)
        /// The call does not end.
        case never
    }
    typealias Serve = @Sendable (_ method: String, _ request: [UInt8]) -> Answer

    private let path: String
    private let server: GRPCServer

    init(_ path: String, _ serve: @escaping Serve) async throws {
        self.path = path
        server = try await GRPCServer.listen(on: path) { method, request, reply in
            switch serve(method, request) {
            case .never: break
            case .failure(let code, let message): reply.end(GRPCFailure(status: code, message: message))
            case .message(let bytes):
                reply.send(bytes)
                reply.end()
            }
        }
    }

    /// Ends as a process does that is killed; its socket file goes, too.
    func stop() async {
        await server.stop()
        unlink(path)
    }
}
