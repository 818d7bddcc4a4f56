import APIModel
import GRPC
import NIOCore
import NIOPosix

/// What a plugin, or the way to it, answered instead of a result.
struct PluginFailure: Error, CustomStringConvertible {
    /// The name of gRPC's code.
    var code: String
    var message: String

    init(code: String, message: String) { (self.code, self.message) = (code, message) }
    fileprivate init(_ failure: GRPCFailure) { self.init(code: failure.code, message: failure.message) }

    /// As Go prints a gRPC status, which is how upstream shows it.
    var description: String { "rpc error: code = \(code) desc = \(message)" }

    /// Whether nothing of what was asked for is under way any more. Upstream: `isFinalError`.
    var isFinal: Bool { !["Canceled", "DeadlineExceeded", "Unavailable", "ResourceExhausted", "Aborted"].contains(code) }

    static let late = PluginFailure(code: "DeadlineExceeded", message: "context deadline exceeded")
}

/// A plugin's socket, and calls of what it serves. Safe from any task.
final class PluginSocket: Sendable {
    let path: String
    private let messages: Catalogue
    private let connection: GRPCConnection

    /// What was begun is better known to have ended: a cancelled task waits for it this much longer.
    private static let patience = Duration.seconds(2)
    /// What a plugin gets beyond its time before nobody waits for its own word any more.
    private static let margin = Duration.seconds(1)

    /// - Parameter messages: those of its protocol.
    init(_ path: String, _ messages: Catalogue) {
        (self.path, self.messages) = (path, messages)
        connection = GRPCConnection(to: .unix(path: path), on: .singleton)
    }

    deinit { connection.close() }

    /// Ends all calls; later ones fail.
    func close() { connection.close() }

    /// Whether somebody is at the other end; connects where nobody was so far.
    func isReachable() async -> Bool {
        do {
            try await connection.connect()
            return true
        } catch {
            return false
        }
    }

    /// One call, which ends when its time is over whatever the plugin does. Throws `PluginFailure`, and `CancellationError` when the task
    /// was cancelled; the plugin may carry out later what was given up.
    /// - Parameters:
    ///   - method: `csi.v1.Node/NodeGetInfo`.
    ///   - types: names of the messages.
    func call(_ method: String, _ request: Value, _ types: (request: String, answer: String), within limit: Duration) async throws -> Value
    {
        let answered = try type(types.answer, method)
        do {
            let (connection, bytes) = (connection, try Protobuf.encode(request, as: type(types.request, method)))
            let answer = try await abandonable(within: limit + Self.margin, patience: Self.patience, late: PluginFailure.late) {
                try await connection.call(method, bytes, timeout: limit).get()
            }
            return try Protobuf.decode(answer, as: answered)
        } catch let failure as GRPCFailure {
            throw PluginFailure(failure)
        } catch let error as Protobuf.Error {
            throw PluginFailure(code: "Internal", message: "\(method): \(error)")
        }
    }

    /// A call with many answers; returns when the plugin ends it. Of answers that come faster than `each` takes them only the newest
    /// counts, and one that cannot be read ends the call. Throws `PluginFailure`, also when the task is cancelled.
    func follow(
        _ method: String, _ request: Value, _ types: (request: String, answer: String), _ each: (Value) async -> Void
    ) async throws {
        let answered = try type(types.answer, method)
        let (connection, bytes) = (connection, try Protobuf.encode(request, as: type(types.request, method)))
        let (answers, source) = AsyncStream<[UInt8]>.makeStream(bufferingPolicy: .bufferingNewest(1))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { source.finish() }
                do { try await connection.stream(method, bytes) { source.yield($0) } } catch let failure as GRPCFailure {
                    throw PluginFailure(failure)
                }
            }
            for await answer in answers {
                do { await each(try Protobuf.decode(answer, as: answered)) } catch {
                    throw PluginFailure(code: "Internal", message: "\(method): \(error)")
                }
            }
            try await group.waitForAll()
        }
    }

    private func type(_ name: String, _ method: String) throws(PluginFailure) -> TypeSchema {
        guard let type = messages.type(named: name) else {
            throw PluginFailure(code: "Unimplemented", message: "\(method) is not in the protocol")
        }
        return type
    }
}
