public import NIOCore

/// Takes requests to an API and brings back the answers, as bytes: over the network, or to whoever answers within the process.
///
/// Both methods throw `APIError` for every answer but a good one and when the API cannot be reached, `CancellationError` when the task is
/// cancelled. Safe from any task.
public protocol Carrier: Sendable {
    typealias Headers = [(name: String, value: String)]
    typealias Pieces = any AsyncSequence<ByteBuffer, any Error> & Sendable

    /// The body of the answer. `path` has the query, percent-encoded.
    func send(_ method: String, _ path: String, headers: Headers, body: [UInt8]) async throws -> [UInt8]

    /// The body of the answer to a GET as it comes.
    func stream(_ path: String, headers: Headers) async throws -> Pieces
}
