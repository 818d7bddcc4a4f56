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

    /// A token of `account` that is good for `lifetime` seconds from now, as long as the account exists and what it is bound to.
    func token(_ account: Object, audiences: [String], lifetime: Whole, binding: Binding = Binding()) throws -> (
        text: String, expires: Whole, id: String
    ) {
        let claims = ServiceAccountClaims(
            issuer: issuer, audiences: audiences, namespace: account.namespace, serviceAccount: .init(name: account.name, uid: account.uid),
            pod: binding.pod,
            node: binding.node, secret: binding.secret, issuedAt: Clock.seconds, lifetime: lifetime, id: UniqueID.make())
        return (try key.sign(claims), claims.expires, claims.id)
    }

    /// The objects without which a token is worth nothing.
    struct Binding {
        var pod: ServiceAccountClaims.Reference?
        var node: ServiceAccountClaims.Reference?
        var secret: ServiceAccountClaims.Reference?
    }
}
