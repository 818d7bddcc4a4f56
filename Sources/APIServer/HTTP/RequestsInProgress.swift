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

    /// One of the user's places.
    /// - Throws: 429 when the user has as many as it may.
    func take(_ user: String, _ sort: Sort) throws(APIError) -> Held {
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
        return Held { [weak self] in
            self?.counts.withLock { counts in
                let count = counts[key, default: 1] - 1
                counts[key] = count > 0 ? count : nil
            }
        }
    }
}
