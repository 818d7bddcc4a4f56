public import APIModel
import FoundationEssentials
import SwiftASN1
import Synchronization
@_spi(FixedExpiryValidationTime) import X509

/// Tells who a client is from the certificates it showed.
public final class ClientCertificateVerifier: Sendable {
    public struct Identity: Sendable, Equatable {
        /// The leaf's common name.
        public var user: String
        /// The leaf's organizations.
        public var groups: [String]
        /// When the leaf expires, in seconds since 1970.
        public var expires: Whole
    }

    private struct Known {
        var identity: Identity
        var notAfter: Date
    }

    /// Leaves seen before, so that only the first request of a client pays for the signatures.
    private static let remembered = 1024
    private struct State {
        var roots: CertificateStore
        var known: [Leaf: Known] = [:]
    }

    /// A certificate in DER. Every request looks for its own, so it is told from others by the end of its signature, and compared as a whole.
    private struct Leaf: Hashable {
        let bytes: [UInt8]

        func hash(into hasher: inout Hasher) {
            bytes.withUnsafeBytes { hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: $0.suffix(16))) }
        }
    }

    private let state: Mutex<State>
    private let now: @Sendable () -> Whole

    /// - Parameters:
    ///   - caPEM: may hold several CAs.
    ///   - now: in seconds since 1970.
    public init(caPEM: String, now: @escaping @Sendable () -> Whole = { Timestamp.nowSeconds() }) throws {
        state = Mutex(State(roots: try Self.roots(caPEM)))
        self.now = now
    }

    /// From now on believes those of other CAs, and only those.
    /// - Throws: `PKIError`, and goes on as before, when they are not PEM.
    public func use(caPEM: String) throws {
        let new = State(roots: try Self.roots(caPEM))
        state.withLock { $0 = new }
    }

    private static func roots(_ pem: String) throws -> CertificateStore {
        do {
            return CertificateStore(try PEMDocument.parseMultiple(pemString: pem).map { try Certificate(pemDocument: $0) })
        } catch {
            throw PKIError("the client CA is not PEM", cause: error)
        }
    }

    /// The identity of a chain in DER, leaf first. Throws `PKIError` when no CA of this verifier vouches for it, or not now, or not for a
    /// client. Safe from any task.
    public func verify(_ chain: [[UInt8]]) async throws -> Identity {
        guard let leafBytes = chain.first else { throw PKIError("no certificate was shown") }
        let now = Date(timeIntervalSince1970: Double(now()))
        let (roots, known) = state.withLock { ($0.roots, $0.known[Leaf(bytes: leafBytes)]) }
        if let known, known.notAfter > now { return known.identity }
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
        var verifier = Verifier(rootCertificates: roots) { RFC5280Policy(fixedExpiryValidationTime: now) }
        guard case .validCertificate(let path) = await verifier.validate(leaf: leaf, intermediates: CertificateStore(others)) else {
            throw PKIError(
                leaf.notValidAfter < now || leaf.notValidBefore > now
                    ? "x509: certificate has expired or is not yet valid" : "x509: certificate signed by unknown authority")
        }
        let subject = Subject(leaf.subject)
        let identity = Identity(
            user: subject.user, groups: subject.groups, expires: Whole(Int64(leaf.notValidAfter.timeIntervalSince1970)))
        let notAfter = path.map(\.notValidAfter).min() ?? leaf.notValidAfter
        state.withLock { state in
            // Those of CAs that are none any more are not kept.
            guard state.roots == roots else { return }
            if state.known.count >= Self.remembered { state.known.removeAll() }
            state.known[Leaf(bytes: leafBytes)] = Known(identity: identity, notAfter: notAfter)
        }
        return identity
    }
}
