import APIModel
import PKI

/// The keys of one issuer as it publishes them. They are found when first needed, kept, and fetched again when a token names one that is not
/// among them. Who asks while they are fetched waits for the same answer.
actor IssuerKeys {
    private let issuer: String
    private let place: String
    private let documents: RemoteDocument
    nonisolated let fetches = KeyFetches()
    private var keysURL: String?
    private var keys: [VerificationKey] = []
    private var fetch: Task<[VerificationKey], any Error>?
    private var failure: (error: any Error, at: ContinuousClock.Instant)?

    /// How long an issuer that did not say where its keys are is left alone.
    private static let pause = Duration.seconds(10)

    init(issuer: String, discoveryURL: String?, _ documents: RemoteDocument) {
        self.issuer = issuer
        place = discoveryURL ?? "\(issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer)/.well-known/openid-configuration"
        self.documents = documents
    }

    /// Whether one of the issuer's keys has signed the token.
    /// - Throws: when the keys are not known and cannot be fetched.
    func vouch(for token: JSONWebToken) async throws -> Bool {
        if Self.vouch(keys, for: token) { return true }
        return Self.vouch(try await fetched(), for: token)
    }

    /// Asks the issuer, unless it is known where its keys are.
    /// - Throws: when it does not say.
    func discover() async throws { if keysURL == nil { _ = try await fetched() } }

    private static func vouch(_ keys: [VerificationKey], for token: JSONWebToken) -> Bool {
        keys.contains { (token.keyID ?? "").isEmpty || token.keyID == $0.id ? $0.vouches(for: token) : false }
    }

    private func fetched() async throws -> [VerificationKey] {
        if let fetch { return try await fetch.value }
        if keysURL == nil, let failure, failure.at.duration(to: .now) < Self.pause { throw failure.error }
        // A task of its own, since it is not only this caller who waits; the actor keeps it until it ends.
        let task = Task { try await load() }
        fetch = task
        defer { fetch = nil }
        do {
            keys = try await task.value
            failure = nil
            return keys
        } catch {
            failure = (error, .now)
            throw error
        }
    }

    private func load() async throws -> [VerificationKey] {
        let url = try await whereKeysAre()
        do {
            let bytes = try await documents.get(url)
            let keys = VerificationKey.keys(of: try JSON.decode(bytes))
            fetches.succeeded(bytes)
            return keys
        } catch {
            fetches.failed()
            throw error
        }
    }

    private func whereKeysAre() async throws -> String {
        if let keysURL { return keysURL }
        let document = try JSON.decode(try await documents.get(place))
        let told = document["issuer"].string ?? ""
        guard told == issuer else {
            throw TokenProblem(
                "issuer did not match the issuer returned by provider, expected \(FieldError.quoted(issuer)) got \(FieldError.quoted(told))"
            )
        }
        guard let url = document["jwks_uri"].string, !url.isEmpty else { throw TokenProblem("provider did not return JWKS URL") }
        keysURL = url
        return url
    }
}
