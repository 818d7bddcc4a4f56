import APIModel
import Crypto
import SwiftASN1
import X509

/// A request that somebody sign a certificate (PKCS#10), and the key that it is for: a new one on P-256.
public struct CertificateRequest: Sendable {
    public let pem: String
    public let keyPEM: String

    /// - Parameters:
    ///   - names: DNS names the certificate is to be for.
    ///   - addresses: IP addresses it is to be for.
    /// - Throws: `PKIError` for an address that is none.
    public init(user: String, groups: [String], names: [String] = [], addresses: [String] = []) throws {
        let key = P256.Signing.PrivateKey()
        let alternatives =
            try names.map { GeneralName.dnsName($0) }
            + addresses.map { address in
                guard let bytes = IPLiteral.bytes(address) else { throw PKIError("\(address) is no IP address") }
                return .ipAddress(ASN1OctetString(contentBytes: bytes[...]))
            }
        var attributes: [CertificateSigningRequest.Attribute] = []
        if !alternatives.isEmpty {
            let extensions = try Certificate.Extensions { SubjectAlternativeNames(alternatives) }
            attributes.append(try .init(ExtensionRequest(extensions: extensions)))
        }
        let request = try CertificateSigningRequest(
            version: .v1, subject: Subject(user: user, groups: groups).distinguishedName(), privateKey: .init(key),
            attributes: .init(attributes), signatureAlgorithm: .ecdsaWithSHA256)
        pem = try request.serializeAsPEM().pemString + "\n"
        keyPEM = key.pemRepresentation + "\n"
    }
}
