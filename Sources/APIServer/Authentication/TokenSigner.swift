import APIModel
import PKI

/// Makes the tokens of service accounts.
struct TokenSigner: Sendable {
    let key: ServiceAccountKey
    /// The `iss` of tokens, and where `/.well-known/openid-configuration` says it is.
    let issuer: String
    /// Others whose tokens are good: what this one was called before.
    var formerIssuers: [String] = []
    /// Whom a token is for when nobody says.
    let audiences: [String]
    /// For how many seconds at most a token is good that was asked for. `nil`: as many as were asked for.
    var longestLifetime: Whole?
    /// Whether the tokens that every pod gets are good for longer than was asked for.
    var extendsThoseOfPods = true

    /// What is asked for in the volume that every pod gets: no other token is good for as long by chance.
    static let lifetimeOfPods: Whole = 3607
    private static let year: Whole = 365 * 86_400

    /// A token of `account` that is good for `lifetime` seconds from now, as long as the account exists and what it is bound to.
    ///
    /// One that every pod gets is good for a year, since there are clients that never read it again; its use is told once it is older than
    /// was asked for.
    /// - Returns: `expires`, what was asked for.
    func token(_ account: Object, audiences: [String], lifetime: Whole, binding: Binding = Binding()) throws -> (
        text: String, expires: Whole, id: String
    ) {
        let now = Clock.seconds
        let isExtended =
            extendsThoseOfPods && binding.pod != nil && lifetime == Self.lifetimeOfPods && audiences.allSatisfy(self.audiences.contains)
        let claims = ServiceAccountClaims(
            issuer: issuer, audiences: audiences, namespace: account.namespace, serviceAccount: .init(name: account.name, uid: account.uid),
            pod: binding.pod,
            node: binding.node, secret: binding.secret, issuedAt: now, lifetime: isExtended ? Self.year : lifetime,
            warnAfter: isExtended ? now + lifetime : nil, id: UniqueID.make())
        return (try key.sign(claims), now + lifetime, claims.id)
    }

    /// The objects without which a token is worth nothing.
    struct Binding {
        var pod: ServiceAccountClaims.Reference?
        var node: ServiceAccountClaims.Reference?
        var secret: ServiceAccountClaims.Reference?
    }
}
