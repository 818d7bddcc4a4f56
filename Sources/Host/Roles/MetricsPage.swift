internal import APIModel
internal import Client
internal import HTTPServer
internal import HTTPTypes

/// A component's own figures, for those whom the API lets `get` the path: who that is, it is asked for each bearer token.
struct MetricsPage: Sendable {
    static let path = "/metrics"

    let client: any Client
    /// The figures in Prometheus' text.
    let text: @Sendable () -> String

    private static let tokenReviews = GroupVersionResource(group: "authentication.k8s.io", version: "v1", resource: "tokenreviews")
    private static let accessReviews = GroupVersionResource(group: "authorization.k8s.io", version: "v1", resource: "subjectaccessreviews")

    func respond(to request: Request) async -> Response {
        guard request.method == .get else { return HealthEndpoint.text("Method Not Allowed", .methodNotAllowed) }
        do {
            guard let user = try await user(of: request) else { return HealthEndpoint.text("Unauthorized", .unauthorized) }
            guard try await isAllowed(user) else {
                let name = user["username"].string ?? ""
                return HealthEndpoint.text("forbidden: User \"\(name)\" cannot get path \"\(Self.path)\"", .forbidden)
            }
        } catch {
            return HealthEndpoint.text("internal server error: \(error)\n", .internalServerError)
        }
        return .full(
            status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"], body: [Array(text().utf8)])
    }

    /// The user as a TokenReview tells it; `nil` for a token that nobody has.
    private func user(of request: Request) async throws -> Value? {
        let parts = (request.headers[.authorization] ?? "").split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        let review: Value = ["spec": ["token": .string(String(parts[1]))]]
        let status = try await client.create(Self.tokenReviews, review).value["status"]
        return status["authenticated"].bool == true ? status["user"] : nil
    }

    private func isAllowed(_ user: Value) async throws -> Bool {
        let review: Value = [
            "spec": [
                "user": user["username"], "uid": user["uid"], "groups": user["groups"], "extra": user["extra"],
                "nonResourceAttributes": ["path": .string(Self.path), "verb": "get"],
            ]
        ]
        return try await client.create(Self.accessReviews, review).value["status"]["allowed"].bool == true
    }
}
