public import APIModel
import Synchronization

/// Answers that hold for a while. So many that what somebody asks on purpose fills no memory; when there are more, all are asked for anew.
/// Safe from any thread.
public final class Remembered<Question: Hashable & Sendable, Answer: Sendable>: Sendable {
    private static var most: Int { 1024 }

    private let now: @Sendable () -> Whole
    private let answers = Mutex<[Question: (answer: Answer, until: Whole)]>([:])

    /// - Parameter now: in seconds.
    public init(now: @escaping @Sendable () -> Whole) { self.now = now }

    /// `nil` when there is none that still holds.
    public subscript(question: Question) -> Answer? {
        answers.withLock { answers in
            guard let known = answers[question], now() < known.until else { return nil }
            return known.answer
        }
    }

    public func remember(_ question: Question, _ answer: Answer, for seconds: Int64) {
        answers.withLock { answers in
            if answers.count >= Self.most { answers.removeAll() }
            answers[question] = (answer, now() + Whole(seconds))
        }
    }
}
