internal import APIServer
internal import ArgumentParser
internal import Client

/// The server that is told of requests. Names are upstream's.
struct AuditWebhookOptions: ParsableArguments {
    @Option(help: "A kubeconfig that says where to send audit events.")
    var auditWebhookConfigFile: String?

    @Option(help: "The group and version that events are sent in.")
    var auditWebhookVersion = "audit.k8s.io/v1"

    @Option(help: "How long it takes to the first attempt to send again.")
    var auditWebhookInitialBackoff = "10s"

    // An older name.
    @Option(help: .hidden)
    var auditWebhookBatchInitialBackoff: String?

    @Option(
        help: "When requests go on: batch (at once), blocking (when the server has answered), blocking-strict (when it has taken them).")
    var auditWebhookMode = "batch"

    @Option(help: "How many events may wait to be sent; what comes beyond is lost, and counted. In the mode batch alone.")
    var auditWebhookBatchBufferSize = 10_000

    @Option(help: "How many events are sent at once at most. In the mode batch alone.")
    var auditWebhookBatchMaxSize = 400

    @Option(help: "How long events wait for others to be sent with. In the mode batch alone.")
    var auditWebhookBatchMaxWait = "30s"

    @Option(help: "Whether batches are held back. In the mode batch alone.")
    var auditWebhookBatchThrottleEnable = true

    @Option(name: .customLong("audit-webhook-batch-throttle-qps"), help: "How many batches go in a second.")
    var auditWebhookBatchThrottleQPS = 10.0

    @Option(help: "How many batches go at once after a rest.")
    var auditWebhookBatchThrottleBurst = 15

    @Flag(help: "Whether large events lose their objects, and large batches are divided.")
    var auditWebhookTruncateEnabled = false

    @Option(help: "The bytes past which an event loses its objects.")
    var auditWebhookTruncateMaxEventSize = 100 * 1024

    @Option(help: "The bytes past which a batch is divided.")
    var auditWebhookTruncateMaxBatchSize = 10 * 1024 * 1024

    private var delivery: AuditDeliveryOptions {
        AuditDeliveryOptions(
            plugin: "webhook", mode: auditWebhookMode, bufferSize: auditWebhookBatchBufferSize, maxSize: auditWebhookBatchMaxSize,
            maxWait: auditWebhookBatchMaxWait, isThrottled: auditWebhookBatchThrottleEnable, throttleQPS: auditWebhookBatchThrottleQPS,
            throttleBurst: auditWebhookBatchThrottleBurst, isTruncated: auditWebhookTruncateEnabled,
            maxEventSize: auditWebhookTruncateMaxEventSize, maxBatchSize: auditWebhookTruncateMaxBatchSize, version: auditWebhookVersion)
    }

    private func backoff() throws -> Duration {
        try AuditDeliveryOptions.duration(
            auditWebhookBatchInitialBackoff ?? auditWebhookInitialBackoff, of: "--audit-webhook-initial-backoff")
    }

    func validate() throws {
        _ = try delivery.delivery()
        _ = try backoff()
    }

    /// `nil` without a server.
    func webhook() throws -> AuditConfiguration.Webhook? {
        guard let auditWebhookConfigFile else { return nil }
        var webhook = AuditConfiguration.Webhook(server: try ClientConfiguration.load(kubeconfig: auditWebhookConfigFile))
        webhook.delivery = try delivery.delivery()
        webhook.initialBackoff = try backoff()
        return webhook
    }
}
