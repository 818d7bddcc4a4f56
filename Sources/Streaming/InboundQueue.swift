package import NIOCore
import Synchronization

/// Bytes on their way from an event loop to the one task that reads them.
package final class InboundQueue: Sendable {
    private struct State {
        var pieces = CircularBuffer<ByteBuffer>()
        var bytes = 0
        var full = false
        var end: Result<Void, any Error>?
        var reader: CheckedContinuation<ByteBuffer?, any Error>?
    }

    /// Above this the connection is not read, below half of it it is read again.
    private static let limit = 256 * 1024
    private let state = Mutex(State())
    private let resumeReading: @Sendable () -> Void

    /// `resumeReading` is called, from any thread, when a full queue has room again.
    package init(resumeReading: @escaping @Sendable () -> Void) { self.resumeReading = resumeReading }

    /// Adds a piece. `false` when the connection should not be read until `resumeReading`.
    package func push(_ piece: ByteBuffer) -> Bool {
        guard piece.readableBytes > 0 else { return true }
        let (reader, room) = state.withLock { state -> (CheckedContinuation<ByteBuffer?, any Error>?, Bool) in
            guard state.end == nil else { return (nil, true) }
            if let reader = state.reader {
                state.reader = nil
                return (reader, true)
            }
            state.pieces.append(piece)
            state.bytes += piece.readableBytes
            if state.bytes > Self.limit { state.full = true }
            return (nil, !state.full)
        }
        reader?.resume(returning: piece)
        return room
    }

    /// Nothing comes any more: the end, or the error that broke it off. Pieces already here are still read. Only the first call counts.
    package func finish(_ end: Result<Void, any Error> = .success(())) {
        let reader = state.withLock { state in
            guard state.end == nil else { return nil as CheckedContinuation<ByteBuffer?, any Error>? }
            state.end = end
            return state.reader.take()
        }
        reader?.resume(with: end.map { nil })
    }

    /// The next piece, `nil` at the end. One task at a time.
    package func next() async throws -> ByteBuffer? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (reader: CheckedContinuation<ByteBuffer?, any Error>) in
                var roomAgain = false
                let answer: Result<ByteBuffer?, any Error>? = state.withLock { state in
                    if let piece = state.pieces.popFirst() {
                        state.bytes -= piece.readableBytes
                        if state.full, state.bytes < Self.limit / 2 {
                            state.full = false
                            roomAgain = true
                        }
                        return .success(piece)
                    }
                    if let end = state.end { return end.map { nil } }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    precondition(state.reader == nil, "one task at a time reads a connection")
                    state.reader = reader
                    return nil
                }
                if roomAgain { resumeReading() }
                if let answer { reader.resume(with: answer) }
            }
        } onCancel: {
            state.withLock { $0.reader.take() }?.resume(throwing: CancellationError())
        }
    }
}
