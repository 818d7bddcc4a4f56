import APIModel
import NIOCore
import NIOPosix
import Streaming

/// What a storage driver, or the way to it, answered instead of a result.
struct CSIFailure: Error, CustomStringConvertible {
    /// The name of gRPC's code.
    var code: String
    var message: String

    /// As Go prints a gRPC status, which is how upstream shows it.
    var description: String { "rpc error: code = \(code) desc = \(message)" }

    /// Whether nothing of what was asked for is under way any more. Upstream: `isFinalError`.
    var isFinal: Bool { !["Canceled", "DeadlineExceeded", "Unavailable", "ResourceExhausted", "Aborted"].contains(code) }

    static let late = CSIFailure(code: "DeadlineExceeded", message: "context deadline exceeded")
}

/// A plugin's socket, and calls of what it serves, with messages of `Catalogue.csi`. Safe from any task.
final class CSISocket: Sendable {
    let path: String
    private let connection: GRPCConnection

    /// What was begun is better known to have ended: a cancelled task waits for it this much longer.
    private static let patience = Duration.seconds(2)
    /// What a plugin gets beyond its time before nobody waits for its own word any more.
    private static let margin = Duration.seconds(1)

    init(_ path: String) {
        self.path = path
        connection = GRPCConnection(to: .unix(path: path), on: .singleton)
    }

    deinit { connection.close() }

    /// One call, which ends when its time is over whatever the plugin does. Throws `CSIFailure`, and `CancellationError` when the task was
    /// cancelled; the plugin may carry out later what was given up.
    /// - Parameters:
    ///   - method: `csi.v1.Node/NodeGetInfo`.
    ///   - types: names of the messages.
    func call(_ method: String, _ request: Value, _ types: (request: String, answer: String), within limit: Duration) async throws -> Value
    {
        guard let asked = Catalogue.csi.type(named: types.request), let answered = Catalogue.csi.type(named: types.answer) else {
            throw CSIFailure(code: "Unimplemented", message: "\(method) is not in the CSI protocol")
        }
        do {
            let (connection, bytes) = (connection, try Protobuf.encode(request, as: asked))
            let answer = try await abandonable(within: limit + Self.margin, patience: Self.patience, late: CSIFailure.late) {
                try await connection.call(method, bytes, timeout: limit).get()
            }
            return try Protobuf.decode(answer, as: answered)
        } catch let failure as GRPCFailure {
            throw CSIFailure(code: failure.code, message: failure.message)
        } catch let error as Protobuf.Error {
            throw CSIFailure(code: "Internal", message: "\(method): \(error)")
        }
    }
}
