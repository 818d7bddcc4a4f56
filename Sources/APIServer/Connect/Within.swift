import HTTPServer
import NIOCore
import Synchronization

/// What was waited for did not come in time.
struct TookTooLong: Error, CustomStringConvertible {
    var span: Duration
    var description: String { "no answer within \(span)" }
}

/// Runs `body`, which is cancelled after `span`.
/// - Throws: what `body` throws, or `TookTooLong`.
func within<T: Sendable>(_ span: Duration, _ body: @escaping @Sendable () async throws -> T) async throws -> T {
    try await withThrowingTaskGroup(of: T.self) { group in
        group.addTask(operation: body)
        group.addTask {
            try await Task.sleep(for: span)
            throw TookTooLong(span: span)
        }
        defer { group.cancelAll() }
        guard let first = try await group.next() else { throw CancellationError() }
        return first
    }
}

extension Response {
    /// The whole body.
    /// - Throws: `RequestBody.TooLarge` past `limit` bytes.
    func collected(upTo limit: Int) async throws -> [UInt8] {
        switch self {
        case .full(_, _, let body): return Array(body.joined())
        case .upgrade: return []
        case .stream(_, _, let write):
            let gathered = Mutex<[UInt8]>([])
            try await write(
                BodyWriter { piece in
                    try gathered.withLock { gathered in
                        guard gathered.count + piece.readableBytes <= limit else { throw RequestBody.TooLarge() }
                        gathered.append(contentsOf: piece.readableBytesView)
                    }
                })
            return gathered.withLock { $0 }
        }
    }
}
