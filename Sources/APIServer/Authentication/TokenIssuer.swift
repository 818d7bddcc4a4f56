public import APIModel

/// Signs and checks the tokens of service accounts. Safe from any task.
public protocol TokenIssuer: Sendable {
    /// The `iss` of tokens, and where `/.well-known/openid-configuration` says it is.
    var issuer: String { get }
    /// The signing algorithm's name in JWS: `RS256`, `ES256`.
    var algorithm: String { get }
    /// A compact JWS over `claims`.
    func sign(_ claims: Value) throws -> String
    /// The claims of a token whose signature is good, `nil` for any other text.
    func verify(_ token: String) -> Value?
    /// The public keys as a JSON Web Key Set.
    var keySet: Value { get }
}
