internal import APIServer
internal import ArgumentParser
internal import PKI

/// One other issuer whose tokens are believed. Names are upstream's; `--authentication-config` says more.
struct OpenIDOptions: ParsableArguments {
    @Option(name: .customLong("oidc-issuer-url"), help: "The issuer, as its tokens name it: a URL of https.")
    var issuerURL: String?

    @Option(name: .customLong("oidc-client-id"), help: "Whom its tokens must be for.")
    var clientID: String?

    @Option(name: .customLong("oidc-username-claim"), help: "The claim that names the user. Default: sub.")
    var usernameClaim: String?

    @Option(
        name: .customLong("oidc-username-prefix"),
        help: "What stands before those names; - for nothing. Default: the issuer and #, but nothing before email.")
    var usernamePrefix: String?

    @Option(name: .customLong("oidc-groups-claim"), help: "The claim that names the user's groups: a string or a list of strings.")
    var groupsClaim: String?

    @Option(name: .customLong("oidc-groups-prefix"), help: "What stands before those names.")
    var groupsPrefix: String?

    @Option(name: .customLong("oidc-required-claim"), help: "A claim that must say just this: KEY=VALUE. May be given several times.")
    var requiredClaim: [String] = []

    @Option(name: .customLong("oidc-signing-algs"), help: "By what tokens may be signed, with commas between. Default: RS256.")
    var signingAlgorithms: String?

    @Option(name: .customLong("oidc-ca-file"), help: "The authorities of the issuer's server, in PEM. Default: the system's.")
    var authorityFile: String?

    func validate() throws {
        guard (issuerURL ?? "").isEmpty == (clientID ?? "").isEmpty else {
            throw ValidationError("oidc-issuer-url and oidc-client-id must be specified together")
        }
        if issuerURL == nil {
            let others: [(flag: String, isGiven: Bool)] = [
                ("username-claim", usernameClaim != nil), ("username-prefix", usernamePrefix != nil), ("groups-claim", groupsClaim != nil),
                ("groups-prefix", groupsPrefix != nil), ("required-claim", !requiredClaim.isEmpty),
                ("signing-algs", signingAlgorithms != nil), ("ca-file", authorityFile != nil),
            ]
            if let other = others.first(where: { $0.isGiven }) { throw ValidationError("--oidc-\(other.flag) needs --oidc-issuer-url") }
        }
        _ = try requiredClaims
        _ = try algorithms
    }

    private var requiredClaims: [(name: String, value: String)] {
        get throws {
            var seen: Set<String> = []
            return try CommaList.split(requiredClaim).map { text in
                let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { String($0) }
                guard parts.count == 2, !parts[0].isEmpty else { throw ValidationError("--oidc-required-claim: \(text) is not KEY=VALUE") }
                guard seen.insert(parts[0]).inserted else { throw ValidationError("--oidc-required-claim: \(parts[0]) is given twice") }
                return (parts[0], parts[1])
            }
        }
    }

    private var algorithms: Set<SigningAlgorithm> {
        get throws {
            guard let signingAlgorithms else { return [.rs256] }
            return Set(
                try CommaList.split([signingAlgorithms]).map { name in
                    guard let algorithm = SigningAlgorithm(rawValue: name) else {
                        let all = SigningAlgorithm.allCases.map(\.rawValue).joined(separator: ", ")
                        throw ValidationError("--oidc-signing-algs: unsupported signing alg: \"\(name)\"; \(all) are supported")
                    }
                    return algorithm
                })
        }
    }

    /// `nil` without an issuer.
    func configuration(_ ownIssuers: [String]) throws -> AuthenticationConfiguration? {
        guard let issuerURL, let clientID else { return nil }
        var flags = OpenIDFlags(issuerURL: issuerURL, clientID: clientID)
        if let usernameClaim { flags.usernameClaim = usernameClaim }
        if let usernamePrefix, !usernamePrefix.isEmpty { flags.usernamePrefix = usernamePrefix == "-" ? "" : usernamePrefix }
        flags.groupsClaim = groupsClaim
        flags.groupsPrefix = groupsPrefix ?? ""
        flags.requiredClaims = try requiredClaims
        flags.algorithms = try algorithms
        flags.authorities = try authorityFile.map { try TextFile.read($0, of: "--oidc-ca-file") }
        do { return try flags.configuration(ownIssuers: ownIssuers) } catch { throw StartupFailure("--oidc-issuer-url: \(error)") }
    }
}
