import Foundation
import GRPC
import NIOCore
import Synchronization
import TestSupport
import Testing

struct GRPCConnectionTests {
    private final class Count: Sendable {
        private let open = Mutex(0)
        var value: Int { open.withLock { $0 } }
        func add(_ difference: Int) { open.withLock { $0 += difference } }
    }

    /// A server that goes away ends the calls that are under way, and those that begin at that moment.
    @Test func everyCallEndsWithItsServer() async throws {
        let path = "/tmp/grpc-\(UUID().uuidString.prefix(8)).sock"
        defer { unlink(path) }
        let connection = GRPCConnection(to: .unix(path: path))
        defer { connection.close() }
        let open = Count()
        for _ in 0..<100 {
            let server = try await GRPCServer.listen(on: path) { _, request, reply in
                reply.send(request)
                reply.end()
            }
            try await connection.connect()
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        for _ in 0..<100 {
                            open.add(1)
                            connection.call("some.Service/Call", [1], timeout: nil).whenComplete { _ in open.add(-1) }
                        }
                    }
                }
                group.addTask { await server.stop() }
            }
            try await eventually("\(open.value) calls never ended", within: .seconds(30)) { open.value == 0 }
        }
    }
}
