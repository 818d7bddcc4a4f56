public import APIModel
import Crypto
import SwiftASN1

/// Signs and verifies the tokens of service accounts, with ES256.
public struct ServiceAccountKey: Sendable {
    public enum TokenError: Error, Equatable, CustomStringConvertible {
        case malformed(String)
        /// Not signed with this key; another issuer's token perhaps.
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

    private let key: P256.Signing.PrivateKey
    /// As in the header of tokens and in the key set: the hash of the public key.
    public let id: String

    public init() { self.init(P256.Signing.PrivateKey()) }

    /// Throws for anything but a P-256 key.
    public init(privateKeyPEM: String) throws {
        do {
            self.init(try P256.Signing.PrivateKey(pemRepresentation: privateKeyPEM))
        } catch {
            throw PKIError("the service account key is no EC P-256 key in PEM; other kinds are not supported", cause: error)
        }
    }

    private init(_ key: P256.Signing.PrivateKey) {
        self.key = key
        id = Base64URL.encode(SHA256.hash(data: key.publicKey.derRepresentation))
    }

    public var privateKeyPEM: String { key.pemRepresentation + "\n" }
    public var publicKeyPEM: String { key.publicKey.pemRepresentation + "\n" }

    /// What `/openid/v1/jwks` answers.
    public var keySet: Value {
        let point = key.publicKey.rawRepresentation
        let half = point.count / 2
        return [
            "keys": .array([
                [
                    "use": .string("sig"), "kty": .string("EC"), "kid": .string(id), "crv": .string("P-256"), "alg": .string("ES256"),
                    "x": .string(Base64URL.encode(point.prefix(half))), "y": .string(Base64URL.encode(point.suffix(half))),
                ]
            ])
        ]
    }

    public func sign(_ claims: ServiceAccountClaims) throws -> String {
        let header = JSON.encode(["alg": .string("ES256"), "kid": .string(id)])
        let content = Base64URL.encode(header) + "." + Base64URL.encode(JSON.encode(claims.value))
        return try content + "." + Base64URL.encode(key.signature(for: Array(content.utf8)).rawRepresentation)
    }

    /// The claims of a token of this key that is valid at `now`, in seconds since 1970. Audience, and whether the account and the pod still
    /// exist, are the caller's to check.
    public func verify(_ token: String, now: Whole) throws(TokenError) -> ServiceAccountClaims {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Base64URL.decode(parts[0]), let payload = Base64URL.decode(parts[1]),
            let signature = Base64URL.decode(parts[2])
        else {
            throw .malformed("not three parts of base64url")
        }
        guard let header = try? JSON.decode(header), let payload = try? JSON.decode(payload) else { throw .malformed("not JSON") }
        guard header["alg"].string == "ES256", header["kid"].string ?? id == id else { throw .unknownKey }
        guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature),
            key.publicKey.isValidSignature(signature, for: Array("\(parts[0]).\(parts[1])".utf8))
        else { throw .badSignature }
        guard let claims = ServiceAccountClaims(payload) else { throw .malformed("claims are missing") }
        if now >= claims.expires { throw .expired }
        if now < claims.notBefore { throw .notYetValid }
        return claims
    }
}

enum Base64URL {
    static func encode(_ bytes: some Sequence<UInt8>) -> String {
        String(
            decoding: Base64.encode(Array(bytes)).utf8.filter { $0 != UInt8(ascii: "=") }.map { byte in
                switch byte {
                case UInt8(ascii: "+"): UInt8(ascii: "-")
                case UInt8(ascii: "/"): UInt8(ascii: "_")
                default: byte
                }
            }, as: UTF8.self)
    }

    /// `nil` for what is not base64url without padding.
    static func decode(_ text: Substring) -> [UInt8]? {
        var plain: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "-"): plain.append(UInt8(ascii: "+"))
            case UInt8(ascii: "_"): plain.append(UInt8(ascii: "/"))
            case UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="), UInt8(ascii: "\n"), UInt8(ascii: "\r"): return nil
            default: plain.append(byte)
            }
        }
        while plain.count % 4 != 0 { plain.append(UInt8(ascii: "=")) }
        return Base64.decode(String(decoding: plain, as: UTF8.self))
    }
}
