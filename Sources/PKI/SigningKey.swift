public import APIModel
import Crypto
import CryptoExtras
import FoundationEssentials
import SwiftASN1

/// A private key that signs tokens: RSA of at least 2048 bits, or EC on P-256, P-384 or P-521.
public struct SigningKey: Sendable {
    private enum Key: Sendable {
        case rsa(_RSA.Signing.PrivateKey)
        case p256(P256.Signing.PrivateKey)
        case p384(P384.Signing.PrivateKey)
        case p521(P521.Signing.PrivateKey)
    }

    private let key: Key
    public let publicKey: VerificationKey

    /// A new one on P-256.
    public init() { self.init(P256.Signing.PrivateKey()) }

    private init(_ key: P256.Signing.PrivateKey) { self.init(.p256(key), VerificationKey(key.publicKey)) }

    private init(_ key: Key, _ publicKey: VerificationKey) {
        self.key = key
        self.publicKey = publicKey
    }

    /// The first private key of a file.
    /// - Throws: `PKIError` for a file without one, and for a key of another kind.
    public init(pem: String) throws {
        let blocks = (try? PEMDocument.parseMultiple(pemString: pem)) ?? []
        guard let text = blocks.first(where: { $0.discriminator.hasSuffix("PRIVATE KEY") })?.pemString else {
            throw PKIError("there is no private key in PEM")
        }
        if let key = try? P256.Signing.PrivateKey(pemRepresentation: text) {
            self.init(key)
        } else if let key = try? P384.Signing.PrivateKey(pemRepresentation: text) {
            self.init(.p384(key), VerificationKey(key.publicKey))
        } else if let key = try? P521.Signing.PrivateKey(pemRepresentation: text) {
            self.init(.p521(key), VerificationKey(key.publicKey))
        } else if let key = try? _RSA.Signing.PrivateKey(pemRepresentation: text) {
            self.init(.rsa(key), VerificationKey(key.publicKey))
        } else {
            throw PKIError("the key is neither RSA of at least 2048 bits nor EC on P-256, P-384 or P-521")
        }
    }

    /// A new RSA key.
    public static func rsa() throws -> SigningKey {
        let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        return try SigningKey(pem: key.pemRepresentation)
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

    /// A token that says `payload`.
    ///
    /// - Parameters:
    ///   - id: what the token calls the key.
    ///   - algorithm: for an RSA key; an EC key has but one.
    public func sign(_ payload: Value, id: String? = nil, algorithm: SigningAlgorithm? = nil) throws -> String {
        let algorithm = algorithm ?? publicKey.algorithm
        let header = JSON.encode(["alg": .string(algorithm.rawValue), "kid": .string(id ?? publicKey.id)])
        let content = Base64URL.encode(header) + "." + Base64URL.encode(JSON.encode(payload))
        return try content + "." + Base64URL.encode(signature(of: Array(content.utf8), algorithm))
    }

    private func signature(of content: [UInt8], _ algorithm: SigningAlgorithm) throws -> Data {
        switch key {
        case .rsa(let key): try Self.signature(of: content, key, algorithm)
        case .p256(let key): try key.signature(for: content).rawRepresentation
        case .p384(let key): try key.signature(for: content).rawRepresentation
        case .p521(let key): try key.signature(for: content).rawRepresentation
        }
    }

    private static func signature(of content: [UInt8], _ key: _RSA.Signing.PrivateKey, _ algorithm: SigningAlgorithm) throws -> Data {
        switch algorithm {
        case .rs256: try key.signature(for: SHA256.hash(data: content), padding: .insecurePKCS1v1_5).rawRepresentation
        case .rs384: try key.signature(for: SHA384.hash(data: content), padding: .insecurePKCS1v1_5).rawRepresentation
        case .rs512: try key.signature(for: SHA512.hash(data: content), padding: .insecurePKCS1v1_5).rawRepresentation
        case .ps256: try key.signature(for: SHA256.hash(data: content), padding: .PSS).rawRepresentation
        case .ps384: try key.signature(for: SHA384.hash(data: content), padding: .PSS).rawRepresentation
        case .ps512: try key.signature(for: SHA512.hash(data: content), padding: .PSS).rawRepresentation
        case .es256, .es384, .es512: throw PKIError("\(algorithm.rawValue) does not sign with an RSA key")
        }
    }
}
