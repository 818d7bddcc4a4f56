import APIModel
import Client

/// The API as somebody sees it who hears of every change a while later. Only for reading: what feeds a cache.
struct DelayedClient: ForwardingClient {
    let base: any Client
    let delay: Duration
    /// What is heard of late; `nil` means everything.
    var only: Set<GroupVersionResource>?

    func watch(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> WatchStream {
        let changes = try await base.watch(resource, namespace: namespace, options: options)
        guard only?.contains(resource) ?? true else { return changes }
        let (late, queue) = AsyncThrowingStream.makeStream(of: (due: ContinuousClock.Instant, event: WatchEvent).self)
        let delay = delay
        let reader = Task {
            do {
                for try await event in changes { queue.yield((.now + delay, event)) }
                queue.finish()
            } catch {
                queue.finish(throwing: error)
            }
        }
        queue.onTermination = { _ in reader.cancel() }
        let reading = Reading(late)
        return WatchStream { try await reading.next() }
    }

    /// One task at a time calls it, as `WatchStream` promises.
    private actor Reading {
        private let events: AsyncThrowingStream<(due: ContinuousClock.Instant, event: WatchEvent), any Error>

        init(_ events: AsyncThrowingStream<(due: ContinuousClock.Instant, event: WatchEvent), any Error>) { self.events = events }

        func next() async throws -> WatchEvent? {
            for try await (due, event) in events {
                // Being late is what this is for.
                try await Task.sleep(until: due)
                return event
            }
            return nil
        }
    }

    func write<Answer: Sendable>(_ write: ForwardedWrite, _ send: () async throws -> Answer) async throws -> Answer {
        throw Unexpected("a cache writes")
    }

    func impersonating(_ user: String, groups: [String]) -> any Client { self }
}
