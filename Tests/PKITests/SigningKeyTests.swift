import APIModel
import PKI
import Testing

/// Keys of each kind, and files of them.
@Suite struct SigningKeyTests {
    private static let rsa = Result { try SigningKey.rsa() }

    private let claims = ServiceAccountClaims(
        issuer: "i", audiences: ["a"], namespace: "dev", serviceAccount: .init(name: "builder", uid: "u1"), issuedAt: 1000, lifetime: 3600,
        id: "j")

    @Test func anRSAKeySignsTokensOfServiceAccounts() throws {
        let key = try ServiceAccountKey(privateKeyPEM: try Self.rsa.get().pem)
        let token = try key.sign(claims)
        let parsed = try #require(JSONWebToken(token))
        #expect(parsed.header == ["alg": "RS256", "kid": .string(key.id)])
        #expect(try key.verify(token, now: 1000) == claims)
        let published = key.keySet["keys"][0]
        #expect(published["kty"] == "RSA" && published["alg"] == "RS256" && published["e"] == "AQAB")
        #expect(published["n"].string?.count == 342)
        #expect(VerificationKey.keys(of: key.keySet).contains { $0.vouches(for: parsed) })
        #expect(key.algorithms == ["RS256"])
    }

    @Test func keysOfBeforeAreStillGood() throws {
        let (old, new) = (try ServiceAccountKey(privateKeyPEM: try Self.rsa.get().pem), ServiceAccountKey())
        let both = try ServiceAccountKey(
            privateKeyPEM: new.privateKeyPEM, verificationKeys: [old.publicKeyPEM + new.publicKeyPEM, new.privateKeyPEM])
        #expect(try both.verify(try old.sign(claims), now: 1000) == claims)
        #expect(try both.verify(try both.sign(claims), now: 1000) == claims)
        #expect(both.keySet["keys"].elements.map { $0["kid"].string } == [old.id, new.id])
        #expect(both.algorithms == ["ES256", "RS256"])
        #expect(throws: ServiceAccountKey.TokenError.unknownKey) { try new.verify(try old.sign(claims), now: 1000) }
        #expect(throws: PKIError.self) {
            try ServiceAccountKey(privateKeyPEM: new.privateKeyPEM, verificationKeys: [old.publicKeyPEM])
        }
    }

    @Test func aCertificateIsAKeyToo() throws {
        let pair = try CertificateAuthority.create(commonName: "x").issueServer(commonName: "y", names: ["z"], addresses: [])
        let signing = try SigningKey(pem: pair.privateKeyPEM)
        #expect(try VerificationKey.keys(pem: pair.certificatePEM).map(\.id) == [signing.publicKey.id])
    }

    @Test func aSignatureFitsItsAlgorithmAndKey() throws {
        let (rsa, ec) = (try Self.rsa.get(), SigningKey())
        let token = try #require(JSONWebToken(try rsa.sign(["a": 1], algorithm: .ps384)))
        #expect(rsa.publicKey.vouches(for: token))
        #expect(!ec.publicKey.vouches(for: token))
        #expect(!rsa.publicKey.vouches(for: try #require(JSONWebToken(try ec.sign(["a": 1])))))
        #expect(throws: PKIError.self) { try rsa.sign(["a": 1], algorithm: .es256) }
    }

    @Test(
        arguments: [
            "", "x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "-----BEGIN THING-----\nAAAA\n-----END THING-----\n",
        ]) func whatIsNoKeyIsRefused(_ pem: String)
    {
        #expect(throws: PKIError.self) { try VerificationKey.keys(pem: pem) }
        #expect(throws: PKIError.self) { try SigningKey(pem: pem) }
    }
}
