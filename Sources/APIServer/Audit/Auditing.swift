import APIModel
import HTTPServer
import HTTPTypes
import Logging

/// Writes requests down, as a policy says.
public struct Auditing: Sendable {
    private let policy: AuditPolicy
    let backends: [AuditBackend]
    let metrics = AuditMetrics()

    private static let id = HTTPField.Name("Audit-Id")
    private static let forwarded = HTTPField.Name("X-Forwarded-For")
    private static let realIP = HTTPField.Name("X-Real-Ip")

    /// `nil` when nothing is written down anywhere.
    /// - Throws: `ConfigurationProblem`, or what is wrong with the file.
    public init?(_ configuration: AuditConfiguration) throws {
        let log = Logger(label: "audit")
        var backends: [AuditBackend] = []
        if let file = configuration.log { backends.append(AuditBackend(try AuditLog(file, metrics, log), file.delivery, metrics)) }
        if let webhook = configuration.webhook {
            backends.append(AuditBackend(try AuditWebhook(webhook, metrics, log), webhook.delivery, metrics))
        }
        guard !backends.isEmpty else { return nil }
        policy = configuration.policy
        self.backends = backends
    }

    /// What is to be written down of a request, `nil` when that is nothing.
    ///
    /// - Parameter user: who sent it; `nil` when its credentials are not good.
    func record(_ request: Request, _ info: RequestInfo, user: UserInfo?, received: AuditEvent.Moment) -> AuditRecord? {
        let asked = user ?? UserInfo(name: "")
        let decision = policy.decision(Attributes(user: asked, info), isKnown: user != nil)
        metrics.decided(decision.level)
        guard decision.level > .none else { return nil }
        let given = Self.id.flatMap { request.header($0) }
        let subject = AuditEvent.Subject(
            id: given.flatMap { $0.isEmpty ? nil : $0 } ?? UniqueID.make(), level: decision.level,
            omitsManagedFields: decision.omitsManagedFields, info: info, uri: Self.uri(of: request), user: asked,
            sources: Self.sources(of: request), userAgent: request.header(.userAgent) ?? "", received: received)
        return AuditRecord(subject, decision, backends, metrics)
    }

    private static func uri(of request: Request) -> String {
        guard !request.query.isEmpty else { return request.path }
        return request.path + "?"
            + request.query.map { "\(QueryText.encode($0.name))=\(QueryText.encode($0.value))" }.joined(separator: "&")
    }

    /// Those that proxies tell of, and the one that the connection comes from.
    private static func sources(of request: Request) -> [String] {
        var sources: [String] = []
        func add(_ text: some StringProtocol) {
            let text = text.trimmed
            if !text.isEmpty, !sources.contains(text) { sources.append(text) }
        }
        for text in forwarded.map({ request.headers[values: $0] }) ?? [] {
            for address in text.split(separator: ",") { add(address) }
        }
        if let text = realIP.flatMap({ request.header($0) }) { add(text) }
        let address = request.remoteAddress
        add(address.lastIndex(of: ":").map { String(address[..<$0]).filter { $0 != "[" && $0 != "]" } } ?? address)
        return sources
    }
}
