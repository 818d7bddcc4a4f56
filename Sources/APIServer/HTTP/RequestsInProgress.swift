import APIModel
import HTTPServer
import Synchronization

/// How many requests are in progress that last, of each user, so that one that has gone wrong does not have all there are; and, where there
/// is no priority and fairness, how many others, of all users together.
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

    private struct Counts {
        var reads = 0
        var writes = 0
        /// By user.
        var lasting: [String: Int] = [:]
    }

    private let limits: Limits
    private let counts = Mutex(Counts())

    init(limits: Limits) { self.limits = limits }

    static func tooMany(retryAfter seconds: Int64) -> APIError {
        APIError(
            code: 429, reason: .tooManyRequests, message: "Too many requests, please try again later.",
            details: ["retryAfterSeconds": .int(seconds)])
    }

    /// One place among those of requests of a sort.
    /// - Throws: 429 when all are taken.
    func take(_ user: String, _ sort: Sort) throws(APIError) -> Held {
        guard counts.withLock({ add(user, sort, to: &$0) }) else { throw Self.tooMany(retryAfter: 1) }
        return Held { [weak self] in self?.counts.withLock { Self.remove(user, sort, from: &$0) } }
    }

    private func add(_ user: String, _ sort: Sort, to counts: inout Counts) -> Bool {
        switch sort {
        case .read:
            guard limits.reads == 0 || counts.reads < limits.reads else { return false }
            counts.reads += 1
        case .write:
            guard limits.writes == 0 || counts.writes < limits.writes else { return false }
            counts.writes += 1
        case .lasting:
            guard counts.lasting[user, default: 0] < limits.lastingPerUser else { return false }
            counts.lasting[user, default: 0] += 1
        }
        return true
    }

    private static func remove(_ user: String, _ sort: Sort, from counts: inout Counts) {
        switch sort {
        case .read: counts.reads -= 1
        case .write: counts.writes -= 1
        case .lasting:
            let count = counts.lasting[user, default: 1] - 1
            counts.lasting[user] = count > 0 ? count : nil
        }
    }
}
