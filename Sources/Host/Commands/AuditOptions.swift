internal import APIModel
internal import APIServer
internal import ArgumentParser
internal import Client

/// What is written down of requests. Names are upstream's.
struct AuditOptions: ParsableArguments {
    @Option(help: "What to write down of which requests: a Policy of audit.k8s.io/v1. Without it, nothing is.")
    var auditPolicyFile: String?

    @OptionGroup var log: AuditLogOptions
    @OptionGroup var webhook: AuditWebhookOptions

    func validate() throws {
        guard auditPolicyFile != nil || log.auditLogPath == nil && webhook.auditWebhookConfigFile == nil else {
            throw ValidationError("--audit-policy-file is missing: without a policy nothing is written down")
        }
    }

    /// `nil` when nothing is to be written down.
    func auditing() throws -> Auditing? {
        guard let auditPolicyFile else { return nil }
        let policy: AuditPolicy
        do {
            policy = try AuditPolicy(TextFile.read(auditPolicyFile, of: "--audit-policy-file"))
        } catch let problem as ConfigurationProblem {
            throw StartupFailure("--audit-policy-file: \(auditPolicyFile): \(problem)")
        }
        var configuration = AuditConfiguration(policy: policy)
        configuration.log = try log.log()
        do {
            configuration.webhook = try webhook.webhook()
            return try Auditing(configuration)
        } catch let problem as ConfigurationProblem {
            throw StartupFailure("--audit-webhook-config-file: \(problem)")
        } catch let problem as ClientConfiguration.Problem {
            throw StartupFailure("--audit-webhook-config-file: \(problem)")
        } catch {
            throw StartupFailure("--audit-log-path: \(error)")
        }
    }
}
