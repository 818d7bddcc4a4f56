import SwiftASN1
import X509

/// A certificate signing request (PKCS#10) that somebody else made: what it asks for, and that its maker holds the key.
public struct SigningRequest: Sendable {
    /// The subject's common name.
    public var user: String
    /// The subject's organizations.
    public var groups: [String]
    private let isSigned: Bool

    /// - Throws: `PKIError` unless `pem` begins with a request in PEM. Whether it is signed with its own key `checkSignature` tells.
    public init(pem: String) throws {
        guard let document = try? PEMDocument.parseMultiple(pemString: pem).first, document.discriminator == "CERTIFICATE REQUEST" else {
            throw PKIError("PEM block type must be CERTIFICATE REQUEST")
        }
        let request: CertificateSigningRequest
        do {
            request = try CertificateSigningRequest(pemDocument: document)
        } catch {
            throw PKIError("malformed certificate request", cause: error)
        }
        let subject = Subject(request.subject)
        (user, groups) = (subject.user, subject.groups)
        isSigned = request.publicKey.isValidSignature(request.signature, for: request)
    }

    /// - Throws: `PKIError` when the signature is not that of the key in the request.
    public func checkSignature() throws {
        guard isSigned else { throw PKIError("x509: the signature of the certificate request is not that of its key") }
    }
}

/// A chain of certificates as a signer hands it out.
public enum CertificateChain {
    /// - Throws: `PKIError` unless `pem` is certificates in PEM and nothing else.
    public static func check(pem: String) throws {
        guard let documents = try? PEMDocument.parseMultiple(pemString: pem), !documents.isEmpty else {
            throw PKIError("must contain at least one CERTIFICATE PEM block")
        }
        for document in documents {
            guard document.discriminator == "CERTIFICATE" else {
                throw PKIError("only CERTIFICATE PEM blocks are allowed, found \"\(document.discriminator)\"")
            }
            do { _ = try Certificate(pemDocument: document) } catch { throw PKIError("malformed certificate", cause: error) }
        }
    }
}
