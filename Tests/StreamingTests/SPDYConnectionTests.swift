import NIOCore
import Streaming
import Testing

@Suite(.timeLimit(.minutes(1))) struct SPDYConnectionTests {
    @Test func carriesStreamsBothWays() async throws {
        try await withConnections { client, server in
            for round in 0..<20 {
                let stream = try await client.open([("streamType", "data"), ("port", "80"), ("round", "\(round)")])
                let other = try #require(try await server.accept())
                #expect(other.header("streamtype") == "data" && other.header("port") == "80" && other.header("round") == "\(round)")
                try await stream.write("question \(round)")
                try await stream.finish()
                #expect(try await other.readAll() == Array("question \(round)".utf8))
                try await other.write("answer \(round)")
                try await other.finish()
                #expect(try await stream.readAll() == Array("answer \(round)".utf8))
            }
        }
    }

    @Test func keepsManyStreamsApart() async throws {
        try await withConnections { client, server in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await withThrowingTaskGroup(of: Void.self) { echoes in
                        for _ in 0..<30 {
                            guard let stream = try await server.accept() else { break }
                            echoes.addTask {
                                while let piece = try await stream.read() { try await stream.write(piece) }
                                try await stream.finish()
                            }
                        }
                        try await echoes.waitForAll()
                    }
                }
                for number in 0..<30 {
                    group.addTask {
                        let stream = try await client.open([("number", "\(number)")])
                        let bytes = [UInt8](repeating: UInt8(number), count: 200_000)
                        async let answer = stream.readAll()
                        try await stream.write(ByteBuffer(bytes: bytes))
                        try await stream.finish()
                        #expect(try await answer == bytes)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func aSlowReaderHoldsTheWriterBack() async throws {
        try await withConnections { client, server in
            let stream = try await client.open([])
            let other = try #require(try await server.accept())
            let total = 4 << 20
            async let written: Void = {
                try await stream.write(ByteBuffer(repeating: 1, count: total))
                try await stream.finish()
            }()
            try await Task.sleep(for: .milliseconds(50))
            #expect(try await other.readAll().count == total)
            try await written
        }
    }

    @Test func aResetIsTheEnd() async throws {
        try await withConnections { client, server in
            let stream = try await client.open([])
            let other = try #require(try await server.accept())
            try await other.write("last words")
            other.reset()
            #expect(try await stream.readAll() == Array("last words".utf8))
            #expect(stream.wasReset)
            await #expect(throws: SPDYError.self) { try await stream.write("too late") }
            await #expect(throws: (any Error).self) { try await other.read() }
            // The connection is none the worse.
            let next = try await client.open([])
            try await next.finish()
            #expect(try await server.accept()?.readAll() == [])
        }
    }

    @Test func everythingEndsWithTheConnection() async throws {
        let (near, far) = MemoryPipe.pair()
        let client = SPDYConnection(near, role: .client)
        let server = SPDYConnection(far, role: .server)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            group.addTask { try await client.run() }
            let stream = try await client.open([])
            await far.close()
            await #expect(throws: (any Error).self) { try await stream.read() }
            await #expect(throws: (any Error).self) { try await stream.write("x") }
            await #expect(throws: (any Error).self) { try await client.open([]) }
            #expect(try await server.accept() != nil)
            #expect(try await server.accept() == nil)
            try await group.waitForAll()
        }
    }

    @Test(arguments: [
        "800300010000000A00000001000000000000": "malformed",  // no header block
        "8002000100000000": "version",
        "80030003000000020000": "too short",
        "80030006FFFFFFFF": "larger",
        "800300010000001000000002000000000000AABBCCDDEEFF": "cannot be opened|zlib",
    ]) func refusesWhatIsNotSPDY(hex: String, words: String) async throws {
        let (near, far) = MemoryPipe.pair()
        let bytes = stride(from: 0, to: hex.count, by: 2).map { UInt8(hex.dropFirst($0).prefix(2), radix: 16)! }
        try await near.write(ByteBuffer(bytes: bytes))
        let error = await #expect(throws: SPDYError.self) { try await SPDYConnection(far, role: .server).run() }
        let message = try #require(error?.message)
        #expect(words.split(separator: "|").contains { message.contains($0) }, "\(message)")
    }

    /// What Go's library of Kubernetes sends: its bytes, not ours.
    @Test func understandsTheBytesOfAnotherImplementation() async throws {
        let (near, far) = MemoryPipe.pair()
        let server = SPDYConnection(far, role: .server)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            try await near.write(ByteBuffer(bytes: Foreign.synStreams))
            for (type, id) in [("error", "0"), ("data", "0")] {
                let stream = try #require(try await server.accept())
                #expect(stream.header("streamtype") == type && stream.header("port") == "8080" && stream.header("requestid") == id)
            }
            server.close()
            try await group.waitForAll()
        }
    }
}
