import APIModel
import PKI
import Testing

@Suite struct ServiceAccountKeyTests {
    private let claims = ServiceAccountClaims(
        issuer: "https://kubernetes.default.svc.cluster.local", audiences: ["https://kubernetes.default.svc.cluster.local"],
        namespace: "dev",
        serviceAccount: .init(name: "builder", uid: "u1"), pod: .init(name: "p", uid: "u2"), node: .init(name: "n", uid: "u3"),
        issuedAt: 1000, lifetime: 3600, warnAfter: 4000,
        id: "j")

    @Test func verifiesItsOwnTokensInTime() throws {
        let key = ServiceAccountKey()
        let token = try key.sign(claims)
        #expect(try key.verify(token, now: 1000) == claims)
        #expect(try key.verify(token, now: 4599).user == "system:serviceaccount:dev:builder")
        #expect(throws: ServiceAccountKey.TokenError.expired) { try key.verify(token, now: 4600) }
        #expect(throws: ServiceAccountKey.TokenError.notYetValid) { try key.verify(token, now: 999) }
        #expect(try ServiceAccountKey(privateKeyPEM: key.privateKeyPEM).verify(token, now: 1000) == claims)
    }

    @Test func refusesWhatItDidNotSign() throws {
        let key = ServiceAccountKey()
        let token = try key.sign(claims)
        let other = try ServiceAccountKey().sign(claims)
        #expect(throws: ServiceAccountKey.TokenError.unknownKey) { try key.verify(other, now: 1000) }
        var parts = token.split(separator: ".")
        parts[2] = other.split(separator: ".")[2]
        #expect(throws: ServiceAccountKey.TokenError.badSignature) { try key.verify(parts.joined(separator: "."), now: 1000) }
        // {"alg":"none"}
        #expect(throws: ServiceAccountKey.TokenError.unknownKey) { try key.verify("eyJhbGciOiJub25lIn0.\(parts[1]).", now: 1000) }
        for nonsense in ["", "a.b", "a.b.c", "....", "\(token)."] {
            #expect(throws: ServiceAccountKey.TokenError.self) { try key.verify(nonsense, now: 1000) }
        }
    }

    @Test func saysInThePayloadWhatUpstreamSays() throws {
        let payload = try #require(try ServiceAccountKey().sign(claims).split(separator: ".").dropFirst().first)
        let padded =
            String(payload.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }) + String(repeating: "=", count: (4 - payload.count % 4) % 4)
        let json = String(decoding: try #require(Base64.decode(padded)), as: UTF8.self)
        #expect(
            json
                == #"{"aud":["https://kubernetes.default.svc.cluster.local"],"exp":4600,"iat":1000,"iss":"https://kubernetes.default.svc.cluster.local","jti":"j","#
                + #""kubernetes.io":{"namespace":"dev","node":{"name":"n","uid":"u3"},"pod":{"name":"p","uid":"u2"},"serviceaccount":{"name":"builder","uid":"u1"},"warnafter":4000},"#
                + #""nbf":1000,"sub":"system:serviceaccount:dev:builder"}"#)
    }

    @Test func publishesItsKey() throws {
        let key = ServiceAccountKey()
        let set = key.keySet["keys"][0]
        #expect(set["kid"].string == key.id && set["alg"] == "ES256" && set["crv"] == "P-256" && set["kty"] == "EC" && set["use"] == "sig")
        #expect(set["x"].string?.count == 43 && set["y"].string?.count == 43)
        #expect(throws: PKIError.self) { try ServiceAccountKey(privateKeyPEM: key.publicKeyPEM) }
    }
}
