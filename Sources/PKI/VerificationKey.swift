public import APIModel
import Crypto
import CryptoExtras
import FoundationEssentials
import SwiftASN1
import X509

/// A public key that tokens are checked with: RSA of at least 2048 bits, or EC on P-256, P-384 or P-521.
public struct VerificationKey: Sendable {
    private enum Key: Sendable {
        case rsa(_RSA.Signing.PublicKey)
        case p256(P256.Signing.PublicKey)
        case p384(P384.Signing.PublicKey)
        case p521(P521.Signing.PublicKey)
    }

    private let key: Key
    /// What tokens and key sets call it; in sets of ours the hash of the key, as upstream's.
    public let id: String

    init(_ key: _RSA.Signing.PublicKey) { self.init(.rsa(key), key.derRepresentation) }
    init(_ key: P256.Signing.PublicKey) { self.init(.p256(key), key.derRepresentation) }
    init(_ key: P384.Signing.PublicKey) { self.init(.p384(key), key.derRepresentation) }
    init(_ key: P521.Signing.PublicKey) { self.init(.p521(key), key.derRepresentation) }

    private init(_ key: Key, _ der: Data) {
        self.key = key
        id = Base64URL.encode(SHA256.hash(data: der))
    }

    // MARK: PEM

    /// All keys of a file, as `--service-account-key-file` takes it: public keys, private keys, certificates.
    /// - Throws: `PKIError` for a file without a key, and for a key of another kind.
    public static func keys(pem: String) throws -> [VerificationKey] {
        let blocks: [PEMDocument]
        do { blocks = try PEMDocument.parseMultiple(pemString: pem) } catch { throw PKIError("not PEM", cause: error) }
        let keys = try blocks.filter { $0.discriminator != "EC PARAMETERS" }.map(Self.init)
        guard !keys.isEmpty else { throw PKIError("data does not contain any valid RSA or ECDSA public keys") }
        return keys
    }

    private init(_ block: PEMDocument) throws {
        let der = block.derBytes
        switch block.discriminator {
        case "PUBLIC KEY", "RSA PUBLIC KEY": try self.init(der: der)
        case "CERTIFICATE": try self.init(der: Certificate(pemDocument: block).publicKey.serializeAsPEM().derBytes)
        case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY": self = try SigningKey(pem: block.pemString).publicKey
        default: throw PKIError("\(block.discriminator) is no key")
        }
    }

    private init(der: [UInt8]) throws {
        if let key = try? P256.Signing.PublicKey(derRepresentation: der) {
            self.init(key)
        } else if let key = try? P384.Signing.PublicKey(derRepresentation: der) {
            self.init(key)
        } else if let key = try? P521.Signing.PublicKey(derRepresentation: der) {
            self.init(key)
        } else if let key = try? _RSA.Signing.PublicKey(derRepresentation: der) {
            self.init(key)
        } else {
            throw PKIError("the key is neither RSA of at least 2048 bits nor EC on P-256, P-384 or P-521")
        }
    }

    /// The key in PEM.
    public var pem: String {
        switch key {
        case .rsa(let key): key.pemRepresentation + "\n"
        case .p256(let key): key.pemRepresentation + "\n"
        case .p384(let key): key.pemRepresentation + "\n"
        case .p521(let key): key.pemRepresentation + "\n"
        }
    }

    // MARK: JWK

    /// The keys of a key set that can be used here; others are passed over, as newer issuers have newer keys.
    public static func keys(of set: Value) -> [VerificationKey] { set["keys"].elements.compactMap(Self.init) }

    /// `nil` for a key of another kind, and for one that is none.
    init?(_ jwk: Value) {
        func number(_ name: String) -> [UInt8]? { jwk[name].string.flatMap { Base64URL.decode($0[...]) } }
        let key: Key
        switch (jwk["kty"].string, jwk["crv"].string) {
        case ("RSA", _):
            guard let n = number("n"), let e = number("e"), let found = try? _RSA.Signing.PublicKey(n: n, e: e) else { return nil }
            key = .rsa(found)
        case ("EC", let curve?):
            guard let x = number("x"), let y = number("y"), let found = Self.point(curve, x + y) else { return nil }
            key = found
        default: return nil
        }
        self.key = key
        id = jwk["kid"].string ?? ""
    }

    private static func point(_ curve: String, _ bytes: [UInt8]) -> Key? {
        switch curve {
        case "P-256": (try? P256.Signing.PublicKey(rawRepresentation: bytes)).map(Key.p256)
        case "P-384": (try? P384.Signing.PublicKey(rawRepresentation: bytes)).map(Key.p384)
        case "P-521": (try? P521.Signing.PublicKey(rawRepresentation: bytes)).map(Key.p521)
        default: nil
        }
    }

    /// As a key set has it.
    public var jwk: Value {
        func curve(_ name: String, _ algorithm: SigningAlgorithm, _ point: Data) -> Value {
            let half = point.count / 2
            return [
                "use": "sig", "kty": "EC", "kid": .string(id), "crv": .string(name), "alg": .string(algorithm.rawValue),
                "x": .string(Base64URL.encode(point.prefix(half))), "y": .string(Base64URL.encode(point.suffix(half))),
            ]
        }
        switch key {
        case .rsa(let key):
            let numbers = try? key.getKeyPrimitives()
            return [
                "use": "sig", "kty": "RSA", "kid": .string(id), "alg": .string(SigningAlgorithm.rs256.rawValue),
                "n": .string(Base64URL.encode(numbers?.modulus ?? Data())),
                "e": .string(Base64URL.encode(numbers?.publicExponent ?? Data())),
            ]
        case .p256(let key): return curve("P-256", .es256, key.rawRepresentation)
        case .p384(let key): return curve("P-384", .es384, key.rawRepresentation)
        case .p521(let key): return curve("P-521", .es512, key.rawRepresentation)
        }
    }

    /// What the key is used with in tokens of ours.
    public var algorithm: SigningAlgorithm {
        switch key {
        case .rsa: .rs256
        case .p256: .es256
        case .p384: .es384
        case .p521: .es512
        }
    }

    // MARK: Tokens

    /// Whether the token's signature is this key's, by the algorithm that the token names and that fits the key.
    public func vouches(for token: JSONWebToken) -> Bool {
        switch token.algorithm {
        case .rs256: isRSA(token, SHA256.self, .insecurePKCS1v1_5)
        case .rs384: isRSA(token, SHA384.self, .insecurePKCS1v1_5)
        case .rs512: isRSA(token, SHA512.self, .insecurePKCS1v1_5)
        case .ps256: isRSA(token, SHA256.self, .PSS)
        case .ps384: isRSA(token, SHA384.self, .PSS)
        case .ps512: isRSA(token, SHA512.self, .PSS)
        case .es256, .es384, .es512: token.algorithm == algorithm && isEC(token)
        case nil: false
        }
    }

    private func isRSA<Hash: HashFunction>(_ token: JSONWebToken, _ hash: Hash.Type, _ padding: _RSA.Signing.Padding) -> Bool {
        guard case .rsa(let key) = key else { return false }
        return key.isValidSignature(
            _RSA.Signing.RSASignature(rawRepresentation: token.signature), for: Hash.hash(data: token.content), padding: padding)
    }

    private func isEC(_ token: JSONWebToken) -> Bool {
        switch key {
        case .rsa: false
        case .p256(let key):
            (try? P256.Signing.ECDSASignature(rawRepresentation: token.signature)).map { key.isValidSignature($0, for: token.content) }
                ?? false
        case .p384(let key):
            (try? P384.Signing.ECDSASignature(rawRepresentation: token.signature)).map { key.isValidSignature($0, for: token.content) }
                ?? false
        case .p521(let key):
            (try? P521.Signing.ECDSASignature(rawRepresentation: token.signature)).map { key.isValidSignature($0, for: token.content) }
                ?? false
        }
    }
}
