import APIModel
import Client
import Logging

/// Sends events in lists to a server. What it cannot take in time is lost, and said to be: a request never waits for it.
struct AuditWebhook: AuditBackend {
    let queue: AuditQueue
    private let server: BackendServer
    private let configuration: AuditConfiguration.Webhook

    /// - Throws: for a server that cannot be one.
    init(_ configuration: AuditConfiguration.Webhook) throws {
        self.configuration = configuration
        server = try BackendServer(configuration.server, userAgent: "kube-apiserver-audit")
        queue = AuditQueue(limit: configuration.bufferSize, overflow: .drop)
    }

    func run(_ log: Logger) async {
        var dropped = 0
        await withTaskCancellationHandler {
            while let events = await queue.take(upTo: configuration.batchSize, patience: configuration.batchWait) {
                // A task of its own: what is there is sent after this one was cancelled, too.
                await Task { await send(events, log) }.value
                guard queue.dropped > dropped else { continue }
                log.error("audit events are lost: the webhook is too slow", metadata: ["lost": "\(queue.dropped - dropped)"])
                dropped = queue.dropped
            }
        } onCancel: {
            queue.close()
        }
    }

    private func send(_ events: [AuditEvent], _ log: Logger) async {
        let list: Value = [
            "kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": .emptyObject, "items": .array(events.map(\.value)),
        ]
        do {
            _ = try await server.post(
                JSON.encode(list), timeout: .seconds(30), firstWait: configuration.initialBackoff, givesUp: { queue.isClosed })
        } catch {
            log.error("audit events are lost: \(error)", metadata: ["lost": "\(events.count)"])
        }
    }
}
