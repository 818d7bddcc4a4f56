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

    func validate() throws {
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

    func apply(to configuration: inout APIServer.Configuration) {
        if let first = issuers.first {
            configuration.issuer = first
            configuration.formerIssuers = Array(issuers.dropFirst())
            configuration.audiences = issuers
        }
        if let apiAudiences { configuration.audiences = CommaList.split([apiAudiences]) }
        configuration.keySetURL = keySetURL
    }
}
