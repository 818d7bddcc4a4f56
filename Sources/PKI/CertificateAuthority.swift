public import APIModel
import Crypto
import FoundationEssentials
import SwiftASN1
import X509

/// Issues certificates. Keys are ECDSA P-256.
public struct CertificateAuthority: Sendable {
    private static let lifetime = 10.0 * 365 * 24 * 3600
    private static let leafLifetime = 365.0 * 24 * 3600
    /// Clocks of a cluster differ a little.
    private static let backdated = 300.0

    public let pair: KeyPair
    private let certificate: Certificate
    private let key: Certificate.PrivateKey

    public var certificatePEM: String { pair.certificatePEM }

    /// A new one, good for ten years from `now`, in seconds since 1970, as everywhere here.
    public static func create(commonName: String, now: Whole = Timestamp.nowSeconds()) throws -> CertificateAuthority {
        let key = P256.Signing.PrivateKey()
        let publicKey = Certificate.PublicKey(key.publicKey)
        let subject = try Subject(user: commonName, groups: []).distinguishedName()
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: publicKey, notValidBefore: Date(at: now, plus: -backdated),
            notValidAfter: Date(at: now, plus: lifetime), issuer: subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(digitalSignature: true, keyEncipherment: true, keyCertSign: true))
                SubjectKeyIdentifier(hash: publicKey)
            },
            issuerPrivateKey: .init(key))
        return try CertificateAuthority(
            KeyPair(certificatePEM: certificate.serializeAsPEM().pemString + "\n", privateKeyPEM: key.pemRepresentation + "\n"))
    }

    /// One that exists. Throws when the key is not the certificate's or it is no CA.
    public init(_ pair: KeyPair) throws {
        self.pair = pair
        do {
            certificate = try Certificate(pemEncoded: pair.certificatePEM)
            key = try Certificate.PrivateKey(pemEncoded: pair.privateKeyPEM)
        } catch {
            throw PKIError("the CA's certificate or key is not PEM", cause: error)
        }
        guard key.publicKey == certificate.publicKey else { throw PKIError("the CA's key does not belong to its certificate") }
        guard case .isCertificateAuthority = try certificate.extensions.basicConstraints else {
            throw PKIError("the certificate is no CA's")
        }
    }

    /// A server's certificate, good for a year. `names` are DNS names, `addresses` IP addresses.
    public func issueServer(
        commonName: String, names: [String], addresses: [String], groups: [String] = [], alsoClient: Bool = false,
        now: Whole = Timestamp.nowSeconds()
    ) throws -> KeyPair {
        let alternatives =
            try names.map { GeneralName.dnsName($0) }
            + addresses.map { address in
                guard let bytes = IPLiteral.bytes(address) else { throw PKIError("\(address) is no IP address") }
                return .ipAddress(ASN1OctetString(contentBytes: bytes[...]))
            }
        return try issue(
            Subject(user: commonName, groups: groups), usages: alsoClient ? [.serverAuth, .clientAuth] : [.serverAuth],
            alternatives: alternatives, now: now)
    }

    /// A client's certificate, good for a year: the API takes `user` and `groups` from it.
    public func issueClient(user: String, groups: [String] = [], now: Whole = Timestamp.nowSeconds()) throws -> KeyPair {
        try issue(Subject(user: user, groups: groups), usages: [.clientAuth], alternatives: [], now: now)
    }

    /// Signs a certificate for a key that somebody else holds.
    func sign(
        _ publicKey: Certificate.PublicKey, for subject: Subject, usages: [ExtendedKeyUsage.Usage], alternatives: [GeneralName],
        lifetime: Double, now: Whole
    ) throws -> Certificate {
        try Certificate(
            version: .v3, serialNumber: .init(), publicKey: publicKey, notValidBefore: Date(at: now, plus: -Self.backdated),
            notValidAfter: min(Date(at: now, plus: lifetime), certificate.notValidAfter), issuer: certificate.subject,
            subject: try subject.distinguishedName(),
            signatureAlgorithm: key.publicKey.isP256 ? .ecdsaWithSHA256 : .sha256WithRSAEncryption,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true, keyEncipherment: true))
                try ExtendedKeyUsage(usages)
                try AuthorityKeyIdentifier(keyIdentifier: certificate.extensions.subjectKeyIdentifier?.keyIdentifier)
                if !alternatives.isEmpty { SubjectAlternativeNames(alternatives) }
            },
            issuerPrivateKey: key)
    }

    private func issue(_ subject: Subject, usages: [ExtendedKeyUsage.Usage], alternatives: [GeneralName], now: Whole) throws
        -> KeyPair
    {
        let key = P256.Signing.PrivateKey()
        let certificate = try sign(
            .init(key.publicKey), for: subject, usages: usages, alternatives: alternatives, lifetime: Self.leafLifetime, now: now)
        return KeyPair(certificatePEM: try certificate.serializeAsPEM().pemString + "\n", privateKeyPEM: key.pemRepresentation + "\n")
    }

    func issued(_ leaf: Certificate) -> Bool { certificate.publicKey.isValidSignature(leaf.signature, for: leaf) }
}

extension Date {
    fileprivate init(at seconds: Whole, plus span: Double) { self.init(timeIntervalSince1970: Double(seconds) + span) }
}

extension Certificate.PublicKey {
    fileprivate var isP256: Bool { P256.Signing.PublicKey(self) != nil }
}
