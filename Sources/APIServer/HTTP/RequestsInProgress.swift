import APIModel
import HTTPServer
import Synchronization

/// How many requests of each user are in progress, so that one user, or one that has gone wrong, does not have all there are.
final class RequestsInProgress: Sendable {
    enum Sort: Hashable, Sendable {
        case read, write
        /// Until somebody ends it: a watch, a log, a terminal.
        case lasting

        init(_ info: RequestInfo) {
            if info.verb == "watch" || Self.conversations.contains(info.subresource) {
                self = .lasting
            } else {
                self = info.verb == "get" || info.verb == "list" || info.verb == "head" ? .read : .write
            }
        }

        private static let conversations: Set = ["exec", "attach", "portforward", "log", "proxy"]
    }

    private struct Key: Hashable {
        var user: String
        var sort: Sort
    }

    /// One of a user's places, taken until the last reference to it goes.
    final class Place: Sendable {
        private let release: @Sendable () -> Void

        fileprivate init(release: @escaping @Sendable () -> Void) { self.release = release }

        deinit { release() }

        /// The response, which has the place until it is out.
        func held(by response: Response) -> Response {
            switch response {
            case .full: return response
            case .stream(let status, let headers, let write):
                return .stream(status: status, headers: headers) { writer in
                    defer { withExtendedLifetime(self) {} }
                    try await write(writer)
                }
            case .upgrade(let headers, let run):
                return .upgrade(headers: headers) { connection in
                    defer { withExtendedLifetime(self) {} }
                    try await run(connection)
                }
            }
        }
    }

    private let limits: Limits
    private let counts = Mutex<[Key: Int]>([:])

    init(limits: Limits) { self.limits = limits }

    private func limit(_ sort: Sort) -> Int {
        switch sort {
        case .read: limits.readsPerUser
        case .write: limits.writesPerUser
        case .lasting: limits.lastingPerUser
        }
    }

    /// - Throws: 429 when the user has as many as it may.
    func take(_ user: String, _ info: RequestInfo) throws(APIError) -> Place {
        let sort = Sort(info)
        let key = Key(user: user, sort: sort)
        let isTaken = counts.withLock { counts in
            guard counts[key, default: 0] < limit(sort) else { return false }
            counts[key, default: 0] += 1
            return true
        }
        guard isTaken else {
            throw APIError(
                code: 429, reason: .tooManyRequests, message: "Too many requests, please try again later.",
                details: ["retryAfterSeconds": 1])
        }
        return Place { [weak self] in
            self?.counts.withLock { counts in
                let count = counts[key, default: 1] - 1
                counts[key] = count > 0 ? count : nil
            }
        }
    }
}
