internal import APIModel
internal import Synchronization

/// Where the scheduling thread's answer to a question goes. One that is dropped without an answer answers nothing.
package final class Reply: Sendable {
    private let continuation: Mutex<CheckedContinuation<Value?, Never>?>

    init(_ continuation: CheckedContinuation<Value?, Never>) { self.continuation = Mutex(continuation) }

    deinit { answer(nil) }

    /// The first answer counts.
    func answer(_ value: Value?) {
        continuation.withLock { continuation in
            defer { continuation = nil }
            return continuation
        }?.resume(returning: value)
    }
}
