import APIModel
import HTTPServer

/// One thing that can be healthy or not.
public struct HealthCheck: Sendable {
    /// `scheduler`, `store-0` …
    public var name: String
    /// `nil` when it is well, or else what is wrong. Must answer within a second or so.
    public var problem: @Sendable () async -> String?

    public init(_ name: String, problem: @escaping @Sendable () async -> String?) {
        self.name = name
        self.problem = problem
    }
}

/// `/livez`, `/readyz` and `/healthz`, whole or one check (`/readyz/store`), in words with `?verbose`.
struct Health: Sendable {
    static let paths: Set = ["livez", "readyz", "healthz"]

    /// The checks of each path.
    var checks: [String: [HealthCheck]]
    let metrics = HealthMetrics()

    /// The path of each endpoint and of each of its checks.
    var index: [String] { checks.flatMap { endpoint, checks in ["/\(endpoint)"] + checks.map { "/\(endpoint)/\($0.name)" } } }

    func answer(_ request: Request, path: String) async -> Response? {
        let parts = path.split(separator: "/").map(String.init)
        guard let endpoint = parts.first, let checks = checks[endpoint], parts.count <= 2 else { return nil }
        if parts.count == 2 {
            guard let check = checks.first(where: { $0.name == parts[1] }) else { return nil }
            guard let problem = await problem(check, endpoint) else { return Responses.text("ok") }
            return Responses.text("internal server error: \(problem)\n", code: 500)
        }
        let excluded = Set(request.query.filter { $0.name == "exclude" }.map(\.value))
        var lines: [String] = []
        var failed: [String] = []
        for check in checks {
            if excluded.contains(check.name) {
                lines.append("[+]\(check.name) excluded: ok")
            } else if await problem(check, endpoint) != nil {
                failed.append(check.name)
                lines.append("[-]\(check.name) failed: reason withheld")
            } else {
                lines.append("[+]\(check.name) ok")
            }
        }
        let unknown = excluded.subtracting(checks.map(\.name)).sorted()
        if !unknown.isEmpty {
            let names = unknown.map(FieldError.quoted).joined(separator: ",")
            lines.append("warn: some health checks cannot be excluded: no matches for \(names)")
        }
        guard failed.isEmpty else { return Responses.text(lines.joined(separator: "\n") + "\n\(endpoint) check failed\n", code: 500) }
        guard request.query("verbose") != nil else { return Responses.text("ok") }
        return Responses.text(lines.joined(separator: "\n") + "\n\(endpoint) check passed\n")
    }

    private func problem(_ check: HealthCheck, _ endpoint: String) async -> String? {
        let problem = await check.problem()
        metrics.checked(check.name, endpoint, isWell: problem == nil)
        return problem
    }
}
