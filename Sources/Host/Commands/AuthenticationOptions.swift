internal import APIModel
internal import APIServer
internal import ArgumentParser
internal import Client
internal import Logging
internal import PKI

/// Who is let in beside those with a certificate, a static token or a service account. Names are upstream's.
struct AuthenticationOptions: ParsableArguments {
    @Flag(help: "Let new nodes in by Secrets of the type bootstrap.kubernetes.io/token in kube-system.")
    var enableBootstrapTokenAuth = false

    @Option(help: "A kubeconfig that says whom to ask about tokens that are unknown here.")
    var authenticationTokenWebhookConfigFile: String?

    @Option(help: "The version of the TokenReviews that are sent: v1beta1 or v1.")
    var authenticationTokenWebhookVersion = "v1beta1"

    @Option(
        name: .customLong("authentication-token-webhook-cache-ttl"),
        help: "For how long what it said is believed, as 2m; 0s for not at all.")
    var authenticationTokenWebhookLifetime = "2m"

    @Option(
        help: """
            An AuthenticationConfiguration of apiserver.config.k8s.io/v1: other issuers whose tokens are believed, and where one may come \
            without any. Read again when it changes.
            """)
    var authenticationConfig: String?

    @Option(help: "Whether requests without credentials are those of system:anonymous. Default: those for health and version are.")
    var anonymousAuth: Bool?

    @OptionGroup var openID: OpenIDOptions

    @Option(
        name: .customLong("requestheader-allowed-names"),
        help:
            "Common names of certificates whose headers are believed, with commas between. Default: all of --requestheader-client-ca-file.")
    var requestHeaderAllowedNames = ""

    @Option(name: .customLong("requestheader-username-headers"), help: "Headers that tell the user, with commas between.")
    var requestHeaderUsernameHeaders = "X-Remote-User"

    @Option(name: .customLong("requestheader-uid-headers"), help: "Headers that tell the user's uid, with commas between.")
    var requestHeaderUIDHeaders = "X-Remote-Uid"

    @Option(name: .customLong("requestheader-group-headers"), help: "Headers that tell the user's groups, with commas between.")
    var requestHeaderGroupHeaders = "X-Remote-Group"

    @Option(name: .customLong("requestheader-extra-headers-prefix"), help: "What headers begin with that tell more of the user.")
    var requestHeaderExtraHeadersPrefix = "X-Remote-Extra-"

    func validate() throws {
        guard authenticationConfig == nil || openID.issuerURL == nil else {
            throw ValidationError("authentication-config file and oidc-* flags are mutually exclusive")
        }
        guard WebhookTokens.versions.contains(authenticationTokenWebhookVersion) else {
            throw ValidationError(
                "--authentication-token-webhook-version: unsupported webhook authenticator version \"\(authenticationTokenWebhookVersion)\", "
                    + "supported versions are \"v1\", \"v1beta1\"")
        }
        _ = try webhookLifetime
    }

    private var webhookLifetime: Duration {
        get throws {
            guard let span = GoDuration.parse(authenticationTokenWebhookLifetime), span >= .zero else {
                throw ValidationError(
                    "--authentication-token-webhook-cache-ttl: \(authenticationTokenWebhookLifetime) is not a duration, as in 1m30s")
            }
            return span
        }
    }

    /// - Parameter proxies: checks the certificates of proxies in front whose headers are believed. `nil`: none is.
    func apply(to configuration: inout APIServer.Configuration, proxies: ClientCertificateVerifier?) throws {
        configuration.acceptsBootstrapTokens = enableBootstrapTokenAuth
        if let anonymousAuth { configuration.anonymous = anonymousAuth ? .everywhere : .nowhere }
        if let other = try otherIssuers(configuration.issuers) {
            configuration.issuedTokens = IssuedTokens(other)
            if let anonymous = other.anonymous {
                guard anonymousAuth == nil else {
                    throw StartupFailure(
                        "--anonymous-auth cannot be set when anonymous field is configured in authentication configuration file")
                }
                configuration.anonymous = anonymous
            }
        }
        if let file = authenticationTokenWebhookConfigFile {
            do {
                configuration.tokenWebhook = try WebhookTokens(
                    ClientConfiguration.load(kubeconfig: file), version: authenticationTokenWebhookVersion, lifetime: webhookLifetime)
            } catch {
                throw StartupFailure("--authentication-token-webhook-config-file: \(file): \(error)")
            }
        }
        guard let proxies else { return }
        var headers = RequestHeaders(proxies)
        headers.allowedNames = Set(CommaList.split([requestHeaderAllowedNames]))
        headers.userHeaders = CommaList.split([requestHeaderUsernameHeaders])
        headers.uidHeaders = CommaList.split([requestHeaderUIDHeaders])
        headers.groupHeaders = CommaList.split([requestHeaderGroupHeaders])
        headers.extraPrefixes = CommaList.split([requestHeaderExtraHeadersPrefix])
        configuration.requestHeaders = headers
    }

    private func otherIssuers(_ ownIssuers: [String]) throws -> AuthenticationConfiguration? {
        let flag = "--authentication-config"
        guard let path = authenticationConfig else { return try openID.configuration(ownIssuers) }
        do {
            return try AuthenticationConfiguration(TextFile.read(path, of: flag), ownIssuers: ownIssuers)
        } catch let problem as ConfigurationProblem {
            throw StartupFailure("\(flag): \(path): \(problem)")
        }
    }

    /// How often the file is looked at.
    private static let interval = Duration.seconds(10)

    /// Follows the file until the task is cancelled, if there is one.
    func follow(_ configuration: APIServer.Configuration, in group: inout RoleGroup) {
        guard let path = authenticationConfig, let tokens = configuration.issuedTokens else { return }
        let issuers = configuration.issuers
        group.add("authentication configuration") {
            await tokens.reload(path, ownIssuers: issuers, every: Self.interval, log: Logger(label: "authentication"))
        }
    }
}
