import NIOCore
import Synchronization
import Testing

@testable import Streaming

/// The other side answers before it is asked, and is gone when the request is written.
private final class HastyPipe: BytePipe {
    private let pieces: Mutex<[ByteBuffer]>

    init(_ answer: String) { pieces = Mutex([ByteBuffer(string: answer)]) }

    func read() async throws -> ByteBuffer? { pieces.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
    func write(_ piece: ByteBuffer) async throws { throw ConnectionClosed() }
    func close() async {}
}

@Suite struct HTTP1RequestTests {
    @Test func anAnswerBeforeTheEndCounts() async throws {
        let pipe = HastyPipe("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
        let answer = try await HTTP1Request(target: "/", host: "h").send(over: pipe)
        #expect(answer.status == 200)
        #expect(try await answer.collect(upTo: 10) == Array("hi".utf8))
    }

    @Test func noAnswerIsSaid() async throws {
        await #expect(throws: NetworkError.self) { _ = try await HTTP1Request(target: "/", host: "h").send(over: HastyPipe("")) }
    }
}
