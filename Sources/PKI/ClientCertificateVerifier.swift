import FoundationEssentials
import SwiftASN1
import Synchronization
import X509

/// Tells who a client is from the certificates it showed.
public final class ClientCertificateVerifier: Sendable {
    public struct Identity: Sendable, Equatable {
        /// The leaf's common name.
        public var user: String
        /// The leaf's organizations.
        public var groups: [String]
    }

    private struct Known {
        var identity: Identity
        var notAfter: Date
    }

    /// Leaves seen before, so that only the first request of a client pays for the signatures.
    private static let remembered = 1024
    private let known = Mutex<[[UInt8]: Known]>([:])
    private let roots: CertificateStore

    /// `caPEM` may hold several CAs.
    public init(caPEM: String) throws {
        do {
            roots = CertificateStore(try PEMDocument.parseMultiple(pemString: caPEM).map { try Certificate(pemDocument: $0) })
        } catch {
            throw PKIError("the client CA is not PEM", cause: error)
        }
    }

    /// The identity of a chain in DER, leaf first. Throws `PKIError` when no CA of this verifier vouches for it, or not now, or not for a
    /// client. Safe from any task.
    public func verify(_ chain: [[UInt8]]) async throws -> Identity {
        guard let leafBytes = chain.first else { throw PKIError("no certificate was shown") }
        if let known = known.withLock({ $0[leafBytes] }), known.notAfter > Date() { return known.identity }
        let leaf: Certificate
        let others: [Certificate]
        do {
            leaf = try Certificate(derEncoded: leafBytes)
            others = try chain.dropFirst().map { try Certificate(derEncoded: $0) }
        } catch {
            throw PKIError("malformed certificate", cause: error)
        }
        if let usages = try leaf.extensions.extendedKeyUsage, !usages.contains(.clientAuth), !usages.contains(.any) {
            throw PKIError("x509: certificate specifies an incompatible key usage")
        }
        var verifier = Verifier(rootCertificates: roots) { RFC5280Policy() }
        guard case .validCertificate(let path) = await verifier.validate(leaf: leaf, intermediates: CertificateStore(others)) else {
            throw PKIError(
                leaf.notValidAfter < Date()
                    ? "x509: certificate has expired or is not yet valid" : "x509: certificate signed by unknown authority")
        }
        let subject = Subject(leaf.subject)
        let identity = Identity(user: subject.user, groups: subject.groups)
        let notAfter = path.map(\.notValidAfter).min() ?? leaf.notValidAfter
        known.withLock { known in
            if known.count >= Self.remembered { known.removeAll() }
            known[leafBytes] = Known(identity: identity, notAfter: notAfter)
        }
        return identity
    }
}
