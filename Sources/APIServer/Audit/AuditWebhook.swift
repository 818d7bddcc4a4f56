import APIModel
import Client
import Logging

/// Sends events in lists to a server. Safe from any task.
struct AuditWebhook: AuditSink {
    private let server: BackendServer
    private let initialBackoff: Duration
    private let metrics: AuditMetrics
    private let log: Logger

    /// - Throws: for a server that cannot be one.
    init(_ configuration: AuditConfiguration.Webhook, _ metrics: AuditMetrics, _ log: Logger) throws {
        server = try BackendServer(configuration.server, userAgent: "kube-apiserver-audit")
        initialBackoff = configuration.initialBackoff
        self.metrics = metrics
        self.log = log
    }

    func encode(_ event: AuditEvent) -> [UInt8] { event.json }

    func write(_ events: [[UInt8]]) async throws {
        let list =
            Array(#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":["#.utf8)
            + Array(events.joined(separator: CollectionOfOne(UInt8(ascii: ",")))) + Array("]}".utf8)
        do {
            _ = try await server.post(list, timeout: .seconds(30), firstWait: initialBackoff)
        } catch {
            metrics.lost(events.count, by: "webhook")
            log.error("audit events are lost: \(error)", metadata: ["lost": "\(events.count)"])
            throw error
        }
    }
}
