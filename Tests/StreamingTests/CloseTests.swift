internal import Glibc
internal import NIOCore
internal import Testing

@testable import Streaming

/// The end of a connection to somebody who does not read.
struct CloseTests {
    @Test func closesAlthoughThePeerDoesNotRead() async throws {
        // A listener that never accepts: the kernel connects for it and buffers a little.
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { Glibc.close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        #expect(inet_pton(AF_INET, "127.0.0.1", &address.sin_addr) == 1)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try #require(bind(listener, $0, size) == 0 && listen(listener, 1) == 0 && getsockname(listener, $0, &size) == 0)
            }
        }
        let pipe = try await Dial.tcp(host: "127.0.0.1", port: Int(UInt16(bigEndian: address.sin_port)))
        let writing = Task { try await pipe.write(ByteBuffer(repeating: 0, count: 64 << 20)) }
        await #expect(throws: (any Error).self) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await pipe.write(ByteBuffer(repeating: 1, count: 64 << 20)) }
                group.addTask { await pipe.close() }
                try await group.waitForAll()
                try await writing.value
            }
        }
    }
}
