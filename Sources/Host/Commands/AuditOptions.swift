internal import APIModel
internal import APIServer
internal import ArgumentParser
internal import Client

/// What is written down of requests. Names are upstream's.
struct AuditOptions: ParsableArguments {
    @Option(help: "What to write down of which requests: a Policy of audit.k8s.io/v1. Without it, nothing is.")
    var auditPolicyFile: String?

    @Option(help: "The file to append audit events to; - is standard output.")
    var auditLogPath: String?

    @Option(help: "How events are written: json, or legacy, which is a line of words.")
    var auditLogFormat = "json"

    @Option(name: .customLong("audit-log-maxage"), help: "For how many days files that were put aside are kept; 0 for ever.")
    var auditLogMaxAge = 0

    @Option(name: .customLong("audit-log-maxbackup"), help: "How many files that were put aside are kept; 0 all.")
    var auditLogMaxBackup = 0

    @Option(name: .customLong("audit-log-maxsize"), help: "The megabytes past which the file is put aside; 0 for 100.")
    var auditLogMaxSize = 0

    @Option(help: "A kubeconfig that says where to send audit events.")
    var auditWebhookConfigFile: String?

    @Option(help: "How many events are sent at once at most.")
    var auditWebhookBatchMaxSize = 400

    @Option(help: "How many seconds events wait for others to be sent with.")
    var auditWebhookBatchMaxWait = 30.0

    @Option(help: "How many events may wait to be sent; what comes beyond is lost, and counted.")
    var auditWebhookBatchBufferSize = 10_000

    @Option(help: "How many seconds pass before the first attempt to send again.")
    var auditWebhookInitialBackoff = 10.0

    func validate() throws {
        guard AuditConfiguration.Format(rawValue: auditLogFormat) != nil else {
            throw ValidationError("--audit-log-format: \(auditLogFormat) is none; json and legacy are")
        }
        for (flag, number) in [
            ("maxage", auditLogMaxAge), ("maxbackup", auditLogMaxBackup), ("maxsize", auditLogMaxSize),
        ] where !(0...1_000_000).contains(number) {
            throw ValidationError("--audit-log-\(flag): \(number) is not a number from 0 to 1000000")
        }
        guard (1...100_000).contains(auditWebhookBatchMaxSize) else {
            throw ValidationError("--audit-webhook-batch-max-size: \(auditWebhookBatchMaxSize) is not a number from 1 to 100000")
        }
        guard (0...3600).contains(auditWebhookBatchMaxWait) else {
            throw ValidationError("--audit-webhook-batch-max-wait: \(auditWebhookBatchMaxWait) is not a number of seconds up to an hour")
        }
        guard (1...1_000_000).contains(auditWebhookBatchBufferSize) else {
            throw ValidationError("--audit-webhook-batch-buffer-size: \(auditWebhookBatchBufferSize) is not a number from 1 to 1000000")
        }
        guard auditWebhookBatchMaxSize <= auditWebhookBatchBufferSize else {
            throw ValidationError("--audit-webhook-batch-max-size is larger than --audit-webhook-batch-buffer-size")
        }
        guard (0...3600).contains(auditWebhookInitialBackoff) else {
            throw ValidationError("--audit-webhook-initial-backoff: \(auditWebhookInitialBackoff) is not a number of seconds up to an hour")
        }
        guard auditPolicyFile != nil || auditLogPath == nil && auditWebhookConfigFile == nil else {
            throw ValidationError("--audit-policy-file is missing: without a policy nothing is written down")
        }
    }

    /// `nil` when nothing is to be written down.
    func auditing() throws -> Auditing? {
        guard let auditPolicyFile else { return nil }
        do {
            var configuration = AuditConfiguration(policy: try AuditPolicy(TextFile.read(auditPolicyFile, of: "--audit-policy-file")))
            configuration.log = auditLogPath.map(log)
            if let auditWebhookConfigFile {
                var webhook = AuditConfiguration.Webhook(server: try ClientConfiguration.load(kubeconfig: auditWebhookConfigFile))
                webhook.batchSize = auditWebhookBatchMaxSize
                webhook.bufferSize = auditWebhookBatchBufferSize
                webhook.initialBackoff = .milliseconds(Int(auditWebhookInitialBackoff * 1000))
                webhook.batchWait = .milliseconds(Int(auditWebhookBatchMaxWait * 1000))
                configuration.webhook = webhook
            }
            return try Auditing(configuration)
        } catch let problem as ConfigurationProblem {
            throw StartupFailure("--audit-policy-file: \(auditPolicyFile): \(problem)")
        } catch let problem as ClientConfiguration.Problem {
            throw StartupFailure("--audit-webhook-config-file: \(problem)")
        }
    }

    private func log(_ path: String) -> AuditConfiguration.Log {
        var log = AuditConfiguration.Log(path: path)
        log.format = AuditConfiguration.Format(rawValue: auditLogFormat) ?? .json
        if auditLogMaxSize > 0 { log.maxSize = Int64(auditLogMaxSize) << 20 }
        log.maxBackups = auditLogMaxBackup > 0 ? auditLogMaxBackup : nil
        log.maxAge = auditLogMaxAge > 0 ? auditLogMaxAge : nil
        return log
    }
}
