import APIServer
import ArgumentParser
import Testing

@testable import Host

/// What the flags of authentication, authorization and TLS refuse, and how they say it.
@Suite struct AccessOptionsTests {
    private static func told(_ type: (some ParsableArguments).Type, _ arguments: [String]) -> String {
        do {
            _ = try type.parse(arguments)
            return "good"
        } catch {
            return type.message(for: error)
        }
    }

    @Test(
        arguments: [
            (["--oidc-issuer-url", "https://x"], "must be specified together"), (["--oidc-client-id", "x"], "must be specified together"),
            (["--oidc-groups-claim", "g"], "--oidc-groups-claim needs --oidc-issuer-url"),
            (
                ["--oidc-issuer-url", "https://x", "--oidc-client-id", "a", "--oidc-signing-algs", "none"],
                "unsupported signing alg: \"none\""
            ),
            (["--oidc-issuer-url", "https://x", "--oidc-client-id", "a", "--oidc-required-claim", "a"], "is not KEY=VALUE"),
            (["--oidc-issuer-url", "https://x", "--oidc-client-id", "a", "--oidc-required-claim", "a=b,a=c"], "given twice"),
            (["--oidc-issuer-url", "https://x", "--oidc-client-id", "a", "--authentication-config", "f"], "mutually exclusive"),
            (["--oidc-issuer-url", "https://x", "--oidc-client-id", "a", "--oidc-signing-algs", "RS256,ES384"], "good"),
            (["--authentication-config", "f", "--anonymous-auth=false"], "good"),
            (["--authentication-token-webhook-version", "v2"], "unsupported webhook authenticator version \"v2\""),
            (["--authentication-token-webhook-cache-ttl", "soon"], "is not a duration"),
        ]) func authentication(_ arguments: [String], _ why: String)
    {
        let told = Self.told(AuthenticationOptions.self, arguments)
        #expect(told.contains(why), "\(told)")
    }

    @Test(
        arguments: [
            ([], "good"), (["--authorization-mode", "ABAC"], "ABAC is not supported"),
            (["--authorization-mode", "Magic"], "not a valid mode"),
            (["--authorization-mode", "RBAC,RBAC"], "more than once"), (["--authorization-mode", "Webhook"], "config file not passed"),
            (["--authorization-webhook-config-file", "f"], "without mode Webhook"),
            (["--authorization-config", "f", "--authorization-mode", "RBAC"], "can not be specified when"),
            (["--authorization-config", "f"], "good"),
            (["--authorization-mode", "Webhook,RBAC", "--authorization-webhook-config-file", "f"], "good"),
            (["--authorization-webhook-version", "v2"], "unsupported webhook authorizer version"),
            (["--authorization-webhook-cache-authorized-ttl", "soon"], "is not a duration"),
        ]) func authorization(_ arguments: [String], _ why: String)
    {
        let told = Self.told(AuthorizationOptions.self, arguments)
        #expect(told.contains(why), "\(told)")
    }

    @Test(
        arguments: [
            ([], "good"), (["--audit-log-path", "l"], "--audit-policy-file is missing"),
            (["--audit-log-mode", "later"], "invalid audit log mode later, allowed modes are \"batch,blocking,blocking-strict\""),
            (["--audit-log-format", "xml"], "invalid audit log format xml, allowed formats are \"legacy,json\""),
            (["--audit-log-version", "audit.k8s.io/v1beta1"], "invalid group version, allowed versions are [\"audit.k8s.io/v1\"]"),
            (["--audit-log-maxage=-1"], "--audit-log-maxage -1 can't be a negative number"),
            (["--audit-log-mode", "batch", "--audit-log-batch-max-size", "0"], "max batch size 0, must be a positive number"),
            (["--audit-log-batch-max-size", "0"], "good"),
            (["--audit-log-mode", "batch", "--audit-log-batch-throttle-enable"], "throttle QPS 0.0, must be a positive number"),
            (["--audit-log-truncate-max-event-size", "0"], "max event size 0, must be a positive number"),
            (
                ["--audit-log-truncate-max-batch-size", "10", "--audit-log-truncate-enabled"],
                "max batch size 10, must be greater than max event size (102400)"
            ),
            (["--audit-log-batch-max-wait", "soon"], "is not a duration"), (["--audit-log-compress"], "good"),
            (["--audit-webhook-mode", "never"], "invalid audit webhook mode never"),
            (["--audit-webhook-batch-throttle-burst", "0"], "throttle burst 0, must be a positive number"),
            (["--audit-webhook-batch-throttle-burst", "0", "--audit-webhook-batch-throttle-enable=false"], "good"),
            (["--audit-webhook-initial-backoff", "10"], "is not a duration"),
            (["--audit-webhook-batch-initial-backoff", "1s", "--audit-webhook-batch-max-wait", "100ms"], "good"),
            (["--audit-webhook-version", "v1"], "invalid group version"),
        ]) func audit(_ arguments: [String], _ why: String)
    {
        let told = Self.told(AuditOptions.self, arguments)
        #expect(told.contains(why), "\(told)")
    }

    @Test(
        arguments: [
            (["--tls-min-version", "VersionTLS10"], "is not spoken here"), (["--tls-min-version", "TLS"], "unknown tls version"),
            (["--tls-cipher-suites", "TLS_RSA_WITH_RC4_128_SHA"], "not supported or doesn't exist"),
            (["--tls-cipher-suites", "TLS_AES_128_GCM_SHA256"], "none of them is of TLS 1.2"),
            (["--tls-sni-cert-key", "only"], "expected comma separated certificate and key file paths"),
            (["--tls-sni-cert-key", "a,b:c"], "good"), (["--tls-curve-preferences", "29,23,4588"], "good"),
            (["--tls-curve-preferences", "29,29"], "duplicate curve preference 29"),
            (["--tls-curve-preferences", "70000"], "curve preference 70000 is out of range (must be 1-65535)"),
            (["--tls-curve-preferences", "1"], "curve preference 1 is not supported"),
            (["--tls-curve-preferences", "X25519"], "is not a number"),
        ]) func tls(_ arguments: [String], _ why: String)
    {
        let told = Self.told(TLSOptions.self, arguments)
        #expect(told.contains(why), "\(told)")
    }

    @Test(
        arguments: [
            (["--event-ttl", "24h", "--service-node-port-range", "20000-20100", "--allow-privileged=true"], "good"),
            (["--event-ttl", "0s"], "--event-ttl: 0s is not a duration"), (["--event-ttl", "long"], "--event-ttl: long is not a duration"),
            (["--service-node-port-range", "20000+99"], "good"), (["--service-node-port-range", "30000"], "good"),
            (["--service-node-port-range", "0-5"], "is not a range of ports"),
            (["--service-node-port-range", "200-100"], "is not a range of ports"),
            (["--service-node-port-range", "65000+1000"], "is not a range of ports"),
            (["--service-node-port-range", "-"], "is not a range of ports"), (["--allow-privileged=false"], "is not there"),
        ]) func objects(_ arguments: [String], _ why: String)
    {
        let told = Self.told(ObjectOptions.self, arguments)
        #expect(told.contains(why), "\(told)")
    }

    @Test(
        arguments: [
            (["--cors-allowed-origins", "//a\\.com(:|$),^b$"], "good"),
            (["--cors-allowed-origins", ""], "empty value in --cors-allowed-origins"),
            (["--cors-allowed-origins", "//a$,"], "empty value in --cors-allowed-origins"),
            (["--cors-allowed-origins", "a.com"], "does not pin to start/end of host"),
            (["--cors-allowed-origins", "^a.com"], "does not pin to start/end of host"),
            (["--cors-allowed-origins", "//(a$"], "has an invalid regular expression"),
            (["--strict-transport-security-directives", "max-age=31536000,includeSubDomains,preload"], "good"),
            (["--strict-transport-security-directives", "max-age"], "allowed values: max-age=expireTime"),
            (["--strict-transport-security-directives", "preload, "], "empty value in strict-transport-security-directives"),
        ]) func browsers(_ arguments: [String], _ why: String)
    {
        let told = Self.told(BrowserOptions.self, arguments)
        #expect(told.contains(why), "\(told)")
    }

    @Test(
        arguments: [
            (["--service-account-issuer", "https://a", "--service-account-issuer", "https://a"], "is already specified"),
            (["--service-account-issuer", ""], "should not be an empty string"),
            (["--service-account-lookup=false"], "--service-account-lookup"), (["--service-account-lookup=true"], "good"),
            (["--service-account-key-file", "f"], "needs --service-account-signing-key-file"),
            (["--service-account-jwks-uri", "http://x"], "requires https scheme"),
            (["--service-account-max-token-expiration", "1m"], "must be between 1 hour and 2^32 seconds"),
            (["--service-account-max-token-expiration", "24h", "--service-account-extend-token-expiration=false"], "good"),
            (["--service-account-issuer", "https://a", "--service-account-issuer", "b", "--api-audiences", "x,y"], "good"),
        ]) func serviceAccounts(_ arguments: [String], _ why: String)
    {
        let told = Self.told(ServiceAccountOptions.self, arguments)
        #expect(told.contains(why), "\(told)")
    }
}
