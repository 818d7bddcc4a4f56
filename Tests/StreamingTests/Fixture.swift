import NIOCore
import Streaming

/// One end of a connection in memory.
struct MemoryPipe: BytePipe {
    private let incoming: InboundQueue
    private let outgoing: InboundQueue

    static func pair() -> (MemoryPipe, MemoryPipe) {
        let (there, back) = (InboundQueue(resumeReading: {}), InboundQueue(resumeReading: {}))
        return (MemoryPipe(incoming: there, outgoing: back), MemoryPipe(incoming: back, outgoing: there))
    }

    func read() async throws -> ByteBuffer? { try await incoming.next() }
    func write(_ piece: ByteBuffer) async throws { _ = outgoing.push(piece) }
    func close() async {
        incoming.finish()
        outgoing.finish()
    }
}

extension SPDYStream {
    func readAll() async throws -> [UInt8] {
        var whole: [UInt8] = []
        while let piece = try await read() { whole += piece.readableBytesView }
        return whole
    }

    func write(_ text: String) async throws { try await write(ByteBuffer(string: text)) }
}

/// Runs both sides of a connection while `body` uses them.
func withConnections(_ body: @escaping @Sendable (_ client: SPDYConnection, _ server: SPDYConnection) async throws -> Void) async throws {
    let (near, far) = MemoryPipe.pair()
    let client = SPDYConnection(near, role: .client)
    let server = SPDYConnection(far, role: .server)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await client.run() }
        group.addTask { try await server.run() }
        try await body(client, server)
        client.close()
        try await group.waitForAll()
    }
}
