internal import APIModel
internal import APIServer
internal import ArgumentParser
internal import Client

/// Who decides what users may do. Names are upstream's.
struct AuthorizationOptions: ParsableArguments {
    @Option(help: "An AuthorizationConfiguration of apiserver.config.k8s.io/v1: who is asked, in order. Read again when it changes.")
    var authorizationConfig: String?

    @Option(
        help: "Who is asked, in order, with commas between: AlwaysAllow, AlwaysDeny, Node, RBAC, Webhook. Default: Node,RBAC.")
    var authorizationMode: String?

    @Option(help: "A kubeconfig that says whom the mode Webhook asks.")
    var authorizationWebhookConfigFile: String?

    @Option(help: "The version of the SubjectAccessReview that is sent: v1 or v1beta1. Default: v1beta1.")
    var authorizationWebhookVersion: String?

    @Option(
        name: .customLong("authorization-webhook-cache-authorized-ttl"),
        help: "How long it is believed that something is allowed. Default: 5m.")
    var authorizedLifetime: String?

    @Option(
        name: .customLong("authorization-webhook-cache-unauthorized-ttl"),
        help: "How long it is believed that something is not allowed. Default: 30s.")
    var unauthorizedLifetime: String?

    func validate() throws {
        let others = [
            authorizationMode, authorizationWebhookConfigFile, authorizationWebhookVersion, authorizedLifetime, unauthorizedLifetime,
        ]
        guard authorizationConfig == nil || others.allSatisfy({ $0 == nil }) else {
            throw ValidationError(
                "--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined")
        }
        let modes = try AuthorizationModes.parse(authorizationMode)
        guard authorizationConfig != nil || modes.contains(.webhook) == (authorizationWebhookConfigFile != nil) else {
            throw ValidationError(
                authorizationWebhookConfigFile == nil
                    ? "authorization-mode Webhook's authorization config file not passed"
                    : "cannot specify --authorization-webhook-config-file without mode Webhook")
        }
        _ = try settings
    }

    private var settings: WebhookAuthorizer.Settings {
        get throws {
            var settings = WebhookAuthorizer.Settings()
            if let version = authorizationWebhookVersion {
                guard ["v1", "v1beta1"].contains(version) else {
                    throw ValidationError(
                        "--authorization-webhook-version: unsupported webhook authorizer version \"\(version)\", supported versions are \"v1\", \"v1beta1\""
                    )
                }
                settings.version = version
            }
            func lifetime(_ text: String?, _ flag: String, _ standard: Duration) throws -> Duration {
                guard let text else { return standard }
                guard let span = GoDuration.parse(text), span >= .zero else {
                    throw ValidationError("--authorization-webhook-cache-\(flag)-ttl: \(text) is not a duration, as in 1m30s")
                }
                return span
            }
            settings.authorizedLifetime = try lifetime(authorizedLifetime, "authorized", settings.authorizedLifetime)
            settings.unauthorizedLifetime = try lifetime(unauthorizedLifetime, "unauthorized", settings.unauthorizedLifetime)
            return settings
        }
    }

    func apply(to configuration: inout APIServer.Configuration) throws {
        if let path = authorizationConfig {
            let flag = "--authorization-config"
            do {
                configuration.authorization = try AuthorizationConfiguration(TextFile.read(path, of: flag))
            } catch let problem as ConfigurationProblem {
                throw StartupFailure("\(flag): \(path): \(problem)")
            }
            configuration.authorizationFile = path
            return
        }
        var webhook: WebhookAuthorizer?
        if let file = authorizationWebhookConfigFile {
            do {
                webhook = try WebhookAuthorizer(ClientConfiguration.load(kubeconfig: file), settings)
            } catch {
                throw StartupFailure("--authorization-webhook-config-file: \(file): \(error)")
            }
        }
        configuration.authorization = AuthorizationConfiguration(try AuthorizationModes.parse(authorizationMode), webhook: webhook)
    }
}

/// `--authorization-mode`: upstream's names, in the order in which they are asked. What is not supported is refused by name.
enum AuthorizationModes {
    private static let unsupported: Set = ["ABAC"]
    private static let standard: [AuthorizationMode] = [.node, .rbac]
    private static var known: String { AuthorizationMode.allCases.map(\.rawValue).joined(separator: ", ") }

    static func parse(_ text: String?) throws -> [AuthorizationMode] {
        guard let text else { return standard }
        var modes: [AuthorizationMode] = []
        for name in text.split(separator: ",") {
            guard let mode = AuthorizationMode(rawValue: String(name)) else {
                throw ValidationError(
                    unsupported.contains(String(name))
                        ? "--authorization-mode: \(name) is not supported; \(known) are"
                        : "--authorization-mode: \"\(name)\" is not a valid mode; \(known) are")
            }
            guard !modes.contains(mode) else { throw ValidationError("--authorization-mode: \(name) is given more than once") }
            modes.append(mode)
        }
        guard !modes.isEmpty else { throw ValidationError("--authorization-mode: at least one mode must be given") }
        return modes
    }
}
