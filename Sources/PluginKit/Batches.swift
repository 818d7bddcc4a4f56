internal import Glibc
internal import Synchronization

/// Does something for each of many, several at a time: what waits for the API waits together.
public enum Batches {
    /// How many at a time. More would only wait for each other.
    private static let width = 16
    /// Of a thread that decodes what the API answers.
    private static let stack = 1 << 20

    /// First for one, then for twice as many each time, so that few find out what cannot be: a quota is full, say. After a batch in which
    /// one threw, or returned `false` for there is no use in going on, no other begins.
    ///
    /// - Returns: those that it was done for, in their order, and the first error.
    public static func slowStart<Item: Sendable>(_ items: [Item], _ body: @escaping @Sendable (Item) throws -> Bool)
        -> (done: [Item], error: (any Error)?)
    {
        var done: [Item] = []
        var (size, start) = (1, 0)
        while start < items.count {
            let batch = Array(items[start..<min(items.count, start + size)])
            let outcome = each(batch, body)
            done += outcome.done
            if outcome.error != nil || outcome.done.count < batch.count { return (done, outcome.error) }
            (start, size) = (start + size, size * 2)
        }
        return (done, nil)
    }

    /// For all, whatever becomes of the others.
    ///
    /// - Returns: those that it was done for, in their order, and the first error.
    @discardableResult
    public static func all<Item: Sendable>(_ items: [Item], _ body: @escaping @Sendable (Item) throws -> Void)
        -> (done: [Item], error: (any Error)?)
    {
        each(items) {
            try body($0)
            return true
        }
    }

    private static func each<Item: Sendable>(_ items: [Item], _ body: @escaping @Sendable (Item) throws -> Bool)
        -> (done: [Item], error: (any Error)?)
    {
        let results = Results(items.count)
        let work: @Sendable () -> Void = {
            while let index = results.take() { results.set(index, Result { try body(items[index]) }) }
        }
        // The caller's own thread is one of them.
        let threads = (1..<max(1, min(width, items.count))).compactMap { _ in start(work) }
        work()
        for thread in threads { pthread_join(thread, nil) }
        let outcomes = results.all
        let done = zip(items, outcomes).filter { (try? $1.get()) == true }.map(\.0)
        let error = outcomes.lazy.compactMap { if case .failure(let error) = $0 { error } else { nil } }.first
        return (done, error)
    }

    private final class Results: Sendable {
        private let state: Mutex<(next: Int, outcomes: [Result<Bool, any Error>])>
        private let count: Int

        init(_ count: Int) {
            self.count = count
            state = Mutex((0, Array(repeating: .success(false), count: count)))
        }

        func take() -> Int? {
            state.withLock { state in
                guard state.next < count else { return nil }
                defer { state.next += 1 }
                return state.next
            }
        }

        func set(_ index: Int, _ outcome: Result<Bool, any Error>) { state.withLock { $0.outcomes[index] = outcome } }

        var all: [Result<Bool, any Error>] { state.withLock { $0.outcomes } }
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// `nil` where the system gives none: the others do its part.
    private static func start(_ work: @escaping @Sendable () -> Void) -> pthread_t? {
        let argument = Unmanaged.passRetained(Body(work)).toOpaque()
        var thread: pthread_t = 0
        let status = withUnsafeTemporaryAllocation(of: pthread_attr_t.self, capacity: 1) { buffer in
            let attributes = buffer.baseAddress!
            pthread_attr_init(attributes)
            pthread_attr_setstacksize(attributes, stack)
            defer { pthread_attr_destroy(attributes) }
            return pthread_create(
                &thread, attributes,
                { argument in
                    Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue().run()
                    return nil
                }, argument)
        }
        if status == 0 { return thread }
        Unmanaged<Body>.fromOpaque(argument).release()
        return nil
    }
}
