import APIModel
import HTTPServer

/// How long a client waits for its answer, as `?timeout=` says: what it asked for is broken off then. Upstream bounds every request so; here
/// those are bounded that ask for it, for less than upstream's minute.
enum RequestTimeout {
    private static let longest = Duration.seconds(60)

    /// `nil` for one that waits as long as it takes.
    /// - Throws: 400 for what is no duration.
    static func of(_ request: Request) throws(APIError) -> Duration? {
        guard let text = request.query("timeout"), !text.isEmpty else { return nil }
        do {
            let span = Duration.nanoseconds(try GoDuration.nanoseconds(text))
            return span > .zero && span < longest ? span : nil
        } catch {
            throw .badRequest("invalid timeout specified in the request URL - \(error)")
        }
    }

    static let isOver = APIError(
        code: 504, reason: .timeout, message: "Timeout: request did not complete within requested timeout - context deadline exceeded",
        details: .emptyObject)

    /// Runs `body`, which is cancelled after `limit`, and returns once it has ended: nothing goes on behind the client's back.
    static func limit<T: Sendable>(_ limit: Duration, _ body: @escaping @Sendable () async -> T) async -> (value: T, isCancelled: Bool)? {
        await withTaskGroup(of: T?.self) { group in
            group.addTask { await body() }
            group.addTask {
                try? await Task.sleep(for: limit)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            if let first { return (first, false) }
            while let next = await group.next() { if let value = next { return (value, true) } }
            return nil
        }
    }
}
