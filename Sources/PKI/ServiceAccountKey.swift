public import APIModel

/// Signs the tokens of service accounts, and checks those that it or a key before or after it has signed.
public struct ServiceAccountKey: Sendable {
    public enum TokenError: Error, Equatable, CustomStringConvertible {
        case malformed(String)
        /// Not signed with one of these keys; another issuer's token perhaps.
        case unknownKey
        case badSignature
        case expired
        case notYetValid

        public var description: String {
            switch self {
            case .malformed(let what): "malformed token: \(what)"
            case .unknownKey: "the token is signed with a key that is not this cluster's"
            case .badSignature: "the token's signature is invalid"
            case .expired: "the token has expired"
            case .notYetValid: "the token is not valid yet"
            }
        }
    }

    private let signing: SigningKey
    private let verifying: [VerificationKey]

    /// A new one, on P-256.
    public init() { self.init(SigningKey()) }

    private init(_ signing: SigningKey) { (self.signing, verifying) = (signing, [signing.publicKey]) }

    /// - Throws: `PKIError` for anything but an RSA or EC key.
    public init(privateKeyPEM: String) throws { self.init(try SigningKey(pem: privateKeyPEM)) }

    /// - Parameter verificationKeys: files of the keys that tokens may be signed with.
    /// - Throws: `PKIError`, also when the key that signs is none of them: nobody would believe its tokens.
    public init(privateKeyPEM: String, verificationKeys files: [String]) throws {
        signing = try SigningKey(pem: privateKeyPEM)
        var seen: Set<String> = []
        verifying = try files.flatMap(VerificationKey.keys(pem:)).filter { seen.insert($0.id).inserted }
        guard seen.contains(signing.publicKey.id) else { throw PKIError("the public key of the key that signs is not among them") }
    }

    /// As in the header of tokens and in the key set: the hash of the public key.
    public var id: String { signing.publicKey.id }

    public var privateKeyPEM: String { signing.pem }
    public var publicKeyPEM: String { signing.publicKey.pem }

    /// What `/openid/v1/jwks` answers.
    public var keySet: Value { ["keys": .array(verifying.map(\.jwk))] }

    /// What tokens may be signed with.
    public var algorithms: [String] { Set(verifying.map(\.algorithm.rawValue)).sorted() }

    public func sign(_ claims: ServiceAccountClaims) throws -> String { try signing.sign(claims.value) }

    /// The claims of a token of these keys that is valid at `now`, in seconds since 1970. Audience, and whether the account and the pod still
    /// exist, are the caller's to check.
    public func verify(_ token: String, now: Whole) throws(TokenError) -> ServiceAccountClaims {
        guard let token = JSONWebToken(token) else { throw .malformed("not three parts of base64url, of which two are JSON") }
        let candidates = verifying.filter { token.keyID == nil || token.keyID == $0.id }
        guard token.algorithm != nil, !candidates.isEmpty else { throw .unknownKey }
        guard candidates.contains(where: { $0.vouches(for: token) }) else { throw .badSignature }
        guard let claims = ServiceAccountClaims(token.payload) else { throw .malformed("claims are missing") }
        if now >= claims.expires { throw .expired }
        if now < claims.notBefore { throw .notYetValid }
        return claims
    }
}
