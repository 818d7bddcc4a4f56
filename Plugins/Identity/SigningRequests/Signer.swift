internal import APIModel
internal import FoundationEssentials
internal import PluginKit
internal import SwiftASN1
internal import X509

/// One of the signers that a cluster has by itself: whom it signs for.
enum SignerRules {
    private static let rules: [String: @Sendable (RequestedCertificate) -> String?] = [
        "kubernetes.io/kube-apiserver-client": { clientProblem($0.usages) },
        "kubernetes.io/kube-apiserver-client-kubelet": { $0.kubeletClientProblem },
        "kubernetes.io/kubelet-serving": { $0.kubeletServingProblem }, "kubernetes.io/legacy-unknown": { _ in nil },
    ]

    static func isOurs(_ signer: String) -> Bool { rules[signer] != nil }

    /// Why the signer refuses, `nil` where it does not.
    static func problem(_ signer: String, _ request: RequestedCertificate) -> String? { rules[signer]?(request) }

    private static func clientProblem(_ usages: Set<String>) -> String? {
        let known: Set = ["digital signature", "key encipherment", "client auth"]
        if let other = usages.subtracting(known).min() { return "invalid usage for client certificate: \(other)" }
        return usages.contains("client auth") ? nil : "missing required usage for client certificate: client auth"
    }
}

/// Signs with the cluster's CA. Rules: upstream `pkg/controller/certificates/authority`.
struct Signer: Sendable {
    /// Clocks of a cluster differ a little.
    private static let backdate: Whole = 300
    /// What lasts shorter than that is not made shorter still.
    private static let short: Whole = 8 * 3600
    private static let least: Whole = 600

    private let certificate: Certificate
    private let key: Certificate.PrivateKey
    /// The longest that anybody gets, in seconds.
    let duration: Whole

    /// - Throws: where the two are no PEM or do not belong together.
    init(certificate: String, key: String, duration: Whole) throws {
        self.certificate = try Certificate(pemEncoded: certificate)
        self.key = try Certificate.PrivateKey(pemEncoded: key)
        self.duration = duration
        guard self.key.publicKey == self.certificate.publicKey else {
            throw ComponentError.invalid("config.key: does not belong to config.certificate")
        }
    }

    /// For how many seconds a certificate is good.
    /// - Parameter wanted: `spec.expirationSeconds`.
    static func seconds(wanted: Whole?, most: Whole) -> Whole { wanted.map { $0 > most ? most : max(least, $0) } ?? most }

    /// The certificate in PEM.
    /// - Throws: for usages that there are not, and when the CA itself has expired.
    func sign(_ requested: RequestedCertificate, wanted: Whole?, now: Whole) throws -> String {
        let (usage, purposes, unknown) = Usages.extensions(of: requested.usages)
        if let unknown { throw ComponentError.fault("unrecognized usage values: [\"\(unknown)\"]") }
        let seconds = Self.seconds(wanted: wanted, most: duration)
        let end = now + seconds - (seconds < Self.short ? 0 : Self.backdate)
        let (current, last) = (Self.date(now), certificate.notValidAfter)
        guard current < last else {
            throw ComponentError.fault("refusing to sign a certificate that expired in the past: NotAfter=\(last)")
        }
        let issued = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: requested.request.publicKey,
            notValidBefore: Self.date(now - Self.backdate), notValidAfter: min(Self.date(end), last), issuer: certificate.subject,
            subject: requested.request.subject,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                if usage != KeyUsage() { Critical(usage) }
                if !purposes.isEmpty { try ExtendedKeyUsage(purposes) }
                try AuthorityKeyIdentifier(keyIdentifier: certificate.extensions.subjectKeyIdentifier?.keyIdentifier)
                if !requested.alternatives.isEmpty { SubjectAlternativeNames(requested.alternatives) }
            },
            issuerPrivateKey: key)
        return try issued.serializeAsPEM().pemString + "\n"
    }

    private static func date(_ seconds: Whole) -> Date { Date(timeIntervalSince1970: Double(seconds.int64)) }
}
