import HTTPServer
import HTTPTypes
import Logging
import NIOCore
import Streaming
import Synchronization

/// What stands where a node's kubelet would: says one line as a log, and says back what comes through a stream.
struct KubeletStub: Responder {
    func respond(to request: Request) async -> Response {
        guard request.headers[.upgrade] != nil else { return .full(status: .ok, headers: [:], body: [Array("a line\n".utf8)]) }
        return .upgrade(headers: [.upgrade: "echo"]) { connection in
            while let piece = try await connection.read() { try await connection.write(piece) }
        }
    }

    /// Runs `body` with the port of one on loopback.
    static func with(_ body: (Int) async throws -> Void) async throws {
        let server = try HTTPServer(
            configuration: .init(host: "127.0.0.1", port: 0), responder: KubeletStub(), log: Logger(label: "benchmark"))
        let port = try await server.start().port ?? 0
        do {
            try await body(port)
        } catch {
            await server.shutdown(grace: .zero)
            throw error
        }
        await server.shutdown(grace: .zero)
    }
}

/// A client's end of a stream: says one word, and leaves when it has come back.
final class OneWord: RawConnection {
    private let (words, speak) = AsyncStream.makeStream(of: ByteBuffer.self)
    private let answered = Atomic(false)

    init() { speak.yield(ByteBuffer(string: "word")) }

    var isAnswered: Bool { answered.load(ordering: .relaxed) }

    func read() async throws -> ByteBuffer? {
        for await word in words { return word }
        return nil
    }
    func write(_ piece: ByteBuffer) async throws {
        answered.store(true, ordering: .relaxed)
        speak.finish()
    }
    func close() async { speak.finish() }
}
