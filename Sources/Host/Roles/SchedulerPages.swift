internal import APIModel
internal import HTTPServer
internal import HTTPTypes
internal import Scheduler

/// What the scheduler of this process tells about its decisions: `GET /scheduler/decisions/NAMESPACE/POD` the one that was made, `POST
/// /scheduler/decisions` with a Pod the one that would be; `GET /scheduler/waiting` which Pods have a Node and wait.
enum SchedulerPages {
    static let first = "scheduler"
    static let decisions = "/\(first)/decisions"
    static let waiting = "/\(first)/waiting"

    static func answer(_ request: Request, _ scheduler: Scheduler?) async throws -> Value {
        guard let scheduler else { throw unavailable("the scheduler is not running") }
        let parts = request.path.split(separator: "/").dropFirst().map(String.init)
        switch (request.method, parts.count) {
        case (.get, 3) where parts[0] == "decisions":
            guard let found = scheduler.explanation(namespace: parts[1], name: parts[2]) else {
                throw APIError(
                    code: 404, reason: .notFound, message: "no decision about \(parts[1])/\(parts[2]) is among the last ones",
                    details: .emptyObject)
            }
            return found
        case (.post, 1) where parts[0] == "decisions":
            let pod: Value
            do { pod = try JSON.decode(try await request.body.collect(upTo: 3 << 20)) } catch {
                throw APIError.badRequest("the body is no pod in JSON: \(error)")
            }
            guard pod["kind"].string == "Pod" else { throw APIError.badRequest("the body is no pod") }
            guard let found = await scheduler.consider(Object(pod)) else {
                throw unavailable("the pod is another scheduler's, or the scheduler does not run yet")
            }
            return found
        case (.get, 1) where parts[0] == "waiting":
            guard let found = await scheduler.waiting() else { throw unavailable("the scheduler does not run yet") }
            return found
        default: throw APIError(code: 404, reason: .notFound, message: "there is no such page", details: .emptyObject)
        }
    }

    private static func unavailable(_ why: String) -> APIError {
        APIError(code: 503, reason: .serviceUnavailable, message: why, details: .emptyObject)
    }
}
