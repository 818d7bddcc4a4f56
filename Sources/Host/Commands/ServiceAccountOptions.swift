internal import APIModel
internal import APIServer
internal import ArgumentParser
internal import PKI

/// The tokens of service accounts: who signs them, and with what. Names are upstream's.
struct ServiceAccountOptions: ParsableArguments {
    @Option(
        name: .customLong("service-account-issuer"),
        help: "The issuer of service account tokens. Further ones are what it was called before: their tokens are still good.")
    var issuers: [String] = []

    @Option(
        name: .customLong("service-account-key-file"),
        help: """
            Keys that service account tokens may be signed with, RSA or EC, public or private, in PEM. May be given several times; that of \
            --service-account-signing-key-file must be among them. Default: that one alone.
            """)
    var keyFiles: [String] = []

    @Option(
        name: .customLong("service-account-signing-key-file"),
        help: "The private key that signs service account tokens, RSA or EC, in PEM. Default: the one under --data-dir.")
    var signingKeyFile: String?

    @Option(
        name: .customLong("service-account-jwks-uri"),
        help: "Where others find the public keys, if that is not below the issuer: a URL of https.")
    var keySetURL: String?

    @Option(help: "What this server calls itself in tokens, with commas between. Default: the issuers.")
    var apiAudiences: String?

    @Option(
        name: .customLong("service-account-max-token-expiration"),
        help: "For how long at most a token is good that somebody asks for, as 24h. Default: as long as they ask for.")
    var longestLifetime: String?

    @Option(
        name: .customLong("service-account-extend-token-expiration"),
        help: "Whether the token that every pod gets is good for a year, for clients that never read it again.")
    var extendsTokensOfPods = true

    @Option(name: .customLong("service-account-lookup"), help: "Whether it is looked up that a token's account and secret exist: always.")
    var looksUp = true

    private var longestSeconds: Int64? {
        get throws {
            guard let longestLifetime else { return nil }
            guard let span = GoDuration.parse(longestLifetime), span >= .zero else {
                throw ValidationError("--service-account-max-token-expiration: \(longestLifetime) is not a duration, as in 1m30s")
            }
            guard span != .zero else { return nil }
            guard span >= .seconds(3600), span <= .seconds(Int64(1) << 32) else {
                throw ValidationError("the service-account-max-token-expiration must be between 1 hour and 2^32 seconds")
            }
            return span.components.seconds
        }
    }

    func validate() throws {
        _ = try longestSeconds
        guard looksUp else { throw ValidationError("--service-account-lookup: false would let in whoever was deleted, and is not there") }
        var seen: Set<String> = []
        for issuer in issuers {
            guard !issuer.isEmpty else { throw ValidationError("service-account-issuer should not be an empty string") }
            if issuer.contains(":"), WebhookURL(issuer) == nil {
                throw ValidationError("service-account-issuer \"\(issuer)\" contained a ':' but was not a valid URL")
            }
            guard seen.insert(issuer).inserted else { throw ValidationError("service-account-issuer \"\(issuer)\" is already specified") }
        }
        guard keyFiles.isEmpty || signingKeyFile != nil else {
            throw ValidationError("--service-account-key-file needs --service-account-signing-key-file")
        }
        if let keySetURL, WebhookURL(keySetURL)?.scheme != "https" {
            throw ValidationError("service-account-jwks-uri requires https scheme, parsed as: \(keySetURL)")
        }
    }

    /// `nil` where no file names one.
    func key() throws -> ServiceAccountKey? {
        guard let signingKeyFile else { return nil }
        let signing = "--service-account-signing-key-file"
        let text = try TextFile.read(signingKeyFile, of: signing)
        do {
            let own = try ServiceAccountKey(privateKeyPEM: text)
            guard !keyFiles.isEmpty else { return own }
        } catch {
            throw StartupFailure("\(signing): \(signingKeyFile): \(error)")
        }
        let flag = "--service-account-key-file"
        let files = try keyFiles.map { try TextFile.read($0, of: flag) }
        do {
            return try ServiceAccountKey(privateKeyPEM: text, verificationKeys: files)
        } catch {
            throw StartupFailure("\(flag): \(keyFiles.joined(separator: ", ")): \(error)")
        }
    }

    func apply(to configuration: inout APIServer.Configuration) throws {
        configuration.longestTokenLifetime = try longestSeconds.map { Whole($0) }
        configuration.extendsTokensOfPods = extendsTokensOfPods
        if let first = issuers.first {
            configuration.issuer = first
            configuration.formerIssuers = Array(issuers.dropFirst())
            configuration.audiences = issuers
        }
        if let apiAudiences { configuration.audiences = CommaList.split([apiAudiences]) }
        configuration.keySetURL = keySetURL
    }
}
