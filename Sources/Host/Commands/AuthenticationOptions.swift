internal import APIServer
internal import ArgumentParser
internal import Client
internal import PKI

/// Who is let in beside those with a certificate, a static token or a service account. Names are upstream's.
struct AuthenticationOptions: ParsableArguments {
    @Flag(help: "Let new nodes in by Secrets of the type bootstrap.kubernetes.io/token in kube-system.")
    var enableBootstrapTokenAuth = false

    @Option(help: "A kubeconfig that says whom to ask about tokens that are unknown here.")
    var authenticationTokenWebhookConfigFile: String?

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

    /// - Parameter authority: of proxies in front whose headers are believed, in PEM. `nil`: none is.
    func apply(to configuration: inout APIServer.Configuration, requestHeaderAuthority authority: String?) throws {
        configuration.acceptsBootstrapTokens = enableBootstrapTokenAuth
        if let file = authenticationTokenWebhookConfigFile {
            do {
                configuration.tokenWebhook = try WebhookTokens(ClientConfiguration.load(kubeconfig: file))
            } catch {
                throw StartupFailure("--authentication-token-webhook-config-file: \(file): \(error)")
            }
        }
        guard let authority else { return }
        do {
            var headers = RequestHeaders(try ClientCertificateVerifier(caPEM: authority))
            headers.allowedNames = Set(CommaList.split([requestHeaderAllowedNames]))
            headers.userHeaders = CommaList.split([requestHeaderUsernameHeaders])
            headers.uidHeaders = CommaList.split([requestHeaderUIDHeaders])
            headers.groupHeaders = CommaList.split([requestHeaderGroupHeaders])
            headers.extraPrefixes = CommaList.split([requestHeaderExtraHeadersPrefix])
            configuration.requestHeaders = headers
        } catch {
            throw StartupFailure("--requestheader-client-ca-file: \(error)")
        }
    }
}
