import NIOCore
import Synchronization

/// Things on their way to the one task that waits for them. Unbounded: whoever puts in bounds what there can be.
final class Mailbox<Element: Sendable>: Sendable {
    private struct State {
        var elements = CircularBuffer<Element>()
        var end: Result<Void, any Error>?
        var reader: CheckedContinuation<Element?, any Error>?
    }
    private let state = Mutex(State())

    func put(_ element: Element) {
        let reader = state.withLock { state in
            guard state.end == nil else { return nil as CheckedContinuation<Element?, any Error>? }
            if let reader = state.reader.take() { return reader }
            state.elements.append(element)
            return nil
        }
        reader?.resume(returning: element)
    }

    /// Nothing comes any more. Only the first call counts; what is here is still delivered.
    func finish(_ end: Result<Void, any Error> = .success(())) {
        let reader = state.withLock { state in
            guard state.end == nil else { return nil as CheckedContinuation<Element?, any Error>? }
            state.end = end
            return state.reader.take()
        }
        reader?.resume(with: end.map { nil })
    }

    /// The next one, `nil` at the end. One task at a time.
    func next() async throws -> Element? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (reader: CheckedContinuation<Element?, any Error>) in
                let answer: Result<Element?, any Error>? = state.withLock { state in
                    if let element = state.elements.popFirst() { return .success(element) }
                    if let end = state.end { return end.map { nil } }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    precondition(state.reader == nil, "one task at a time waits")
                    state.reader = reader
                    return nil
                }
                if let answer { reader.resume(with: answer) }
            }
        } onCancel: {
            state.withLock { $0.reader.take() }?.resume(throwing: CancellationError())
        }
    }
}
