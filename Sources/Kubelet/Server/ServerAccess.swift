import APIModel
import Client
import HTTPServer
import HTTPTypes

/// Who may use the node's server, as the API says: client certificates of the cluster's CA and bearer tokens are believed, and what somebody
/// may do is a question of `nodes/…` sub-resources. Answers are remembered for a while, so that a scrape costs the API nothing. Safe from any
/// task.
final class ServerAccess: Sendable {
    private let nodeName: String
    private let client: any Client
    private let authenticate: KubeletConfiguration.Authenticate
    private let users: Remembered<String, KubeletUser?>
    private let decisions: Remembered<Question, Bool>

    private struct Question: Hashable {
        var user: KubeletUser
        var verb: String
        var subresource: String
    }

    private static let tokenReviews = GroupVersionResource(group: "authentication.k8s.io", version: "v1", resource: "tokenreviews")
    private static let accessReviews = GroupVersionResource(
        group: "authorization.k8s.io", version: "v1", resource: "subjectaccessreviews")

    /// How long upstream's kubelet believes an answer, in seconds.
    private static let userLifetime: Int64 = 120
    private static let allowedLifetime: Int64 = 300
    private static let refusedLifetime: Int64 = 30

    init(_ configuration: KubeletConfiguration, client: any Client, now: @escaping @Sendable () -> Whole = Clock.seconds) {
        nodeName = configuration.nodeName
        authenticate = configuration.authenticate
        self.client = client
        users = Remembered(now: now)
        decisions = Remembered(now: now)
    }

    /// What refuses the request; `nil` lets it pass.
    func refusal(of request: Request, _ path: [String]) async -> Response? {
        let user: KubeletUser
        do {
            guard let found = try await self.user(of: request) else { return .text(.unauthorized, "Unauthorized") }
            user = found
        } catch {
            return .text(.internalServerError, "Authentication error: \(error)")
        }
        let verb = Self.verbs[request.method] ?? ""
        let subresources = Self.subresources(of: path)
        for subresource in subresources {
            do {
                if try await isAllowed(Question(user: user, verb: verb, subresource: subresource)) { return nil }
            } catch {
                return .text(
                    .internalServerError,
                    "Authorization error (user=\(user.name), verb=\(verb), resource=nodes, subresource=\(subresource))")
            }
        }
        let listed = subresources.joined(separator: " ")
        return .text(.forbidden, "Forbidden (user=\(user.name), verb=\(verb), resource=nodes, subresource(s)=[\(listed)])")
    }

    // MARK: Who

    private func user(of request: Request) async throws -> KubeletUser? {
        if !request.peerCertificates.isEmpty, let user = await authenticate(request.peerCertificates) { return user.authenticated }
        guard let header = request.headers[.authorization] else { return nil }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        let token = String(parts[1])
        if let known = users[token] { return known }
        let user = try await review(token)
        users.remember(token, user, for: Self.userLifetime)
        return user
    }

    private func review(_ token: String) async throws -> KubeletUser? {
        let status = try await client.create(Self.tokenReviews, ["spec": ["token": .string(token)]]).value["status"]
        guard status["authenticated"].bool == true, let name = status[path: "user", "username"].string else { return nil }
        return KubeletUser(
            name: name, uid: status[path: "user", "uid"].string ?? "",
            groups: status[path: "user", "groups"].elements.compactMap(\.string), extra: status[path: "user", "extra"])
    }

    // MARK: What

    private static let verbs: [HTTPTypes.HTTPRequest.Method: String] = [
        .get: "get", .post: "create", .put: "update", .patch: "patch", .delete: "delete",
    ]

    /// What each path is called as a part of the node. All else is `proxy`.
    private static let parts = [
        "stats": ["stats"], "metrics": ["metrics"], "logs": ["log"], "checkpoint": ["checkpoint"], "statusz": ["statusz"],
        "flagz": ["configz"], "pods": ["pods", "proxy"], "runningpods": ["pods", "proxy"], "healthz": ["healthz", "proxy"],
        "configz": ["configz", "proxy"],
    ]

    /// Any one of them will do.
    static func subresources(of path: [String]) -> [String] { path.first.flatMap { parts[$0] } ?? ["proxy"] }

    private func isAllowed(_ question: Question) async throws -> Bool {
        if let known = decisions[question] { return known }
        let user = question.user
        let review: Value = [
            "spec": [
                "user": .string(user.name), "uid": user.uid.isEmpty ? .null : .string(user.uid), "groups": Value(user.groups),
                "extra": user.extra,
                "resourceAttributes": [
                    "verb": .string(question.verb), "version": "v1", "resource": "nodes", "subresource": .string(question.subresource),
                    "name": .string(nodeName),
                ],
            ]
        ]
        let isAllowed = try await client.create(Self.accessReviews, review).value[path: "status", "allowed"].bool == true
        decisions.remember(question, isAllowed, for: isAllowed ? Self.allowedLifetime : Self.refusedLifetime)
        return isAllowed
    }
}
