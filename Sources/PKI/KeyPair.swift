public import APIModel
import FoundationEssentials
import SwiftASN1
import X509

/// A certificate and its private key, in PEM.
public struct KeyPair: Sendable, Equatable {
    public var certificatePEM: String
    public var privateKeyPEM: String

    public init(certificatePEM: String, privateKeyPEM: String) {
        self.certificatePEM = certificatePEM
        self.privateKeyPEM = privateKeyPEM
    }

    /// - Throws: `PKIError` unless the certificate can be read and the key is its own.
    public func check() throws {
        let (certificate, key): (Certificate, Certificate.PrivateKey)
        do {
            guard let leaf = try PEMDocument.parseMultiple(pemString: certificatePEM).first else { throw PKIError("there is none") }
            (certificate, key) = (try Certificate(pemDocument: leaf), try Certificate.PrivateKey(pemEncoded: privateKeyPEM))
        } catch {
            throw PKIError("the certificate or its key is not PEM", cause: error)
        }
        guard key.publicKey == certificate.publicKey else { throw PKIError("the key does not belong to the certificate") }
    }

    /// The first certificate of the chain; `nil` when it cannot be read.
    private var leaf: Certificate? {
        guard let leaf = try? PEMDocument.parseMultiple(pemString: certificatePEM).first else { return nil }
        return try? Certificate(pemDocument: leaf)
    }

    /// The names that the certificate is for; its common name where it has no others.
    public var names: [String] {
        guard let certificate = leaf else { return [] }
        let names = ((try? certificate.extensions.subjectAlternativeNames)?.flatMap(Array.init) ?? []).compactMap { name in
            if case .dnsName(let name) = name { name } else { String?.none }
        }
        let common = Subject(certificate.subject).user
        return names.isEmpty && !common.isEmpty ? [common] : names
    }

    /// When the certificate is good, in seconds since 1970; `nil` when it cannot be read.
    public var life: Range<Whole>? {
        guard let certificate = leaf else { return nil }
        let (begin, end) = (certificate.notValidBefore.timeIntervalSince1970, certificate.notValidAfter.timeIntervalSince1970)
        return begin < end ? Whole(begin)..<Whole(end) : nil
    }

    /// Whether less than a third of the certificate's life is still to come, or it cannot be read.
    public func isDue(at now: Whole) -> Bool {
        guard let life else { return true }
        return life.upperBound - now <= (life.upperBound - life.lowerBound) / 3
    }

    /// Whether this still serves: issued by `authority`, with more than a third of its life before it, and good for every one of `names` and
    /// `addresses`.
    func serves(
        _ authority: CertificateAuthority, names: [String], addresses: [String], user: String, groups: [String], now: Whole
    ) -> Bool {
        guard let certificate = try? Certificate(pemEncoded: certificatePEM),
            let key = try? Certificate.PrivateKey(pemEncoded: privateKeyPEM),
            key.publicKey == certificate.publicKey,
            authority.issued(certificate), !isDue(at: now),
            Subject(certificate.subject) == Subject(user: user, groups: groups)
        else { return false }
        let covered = Set((try? certificate.extensions.subjectAlternativeNames)?.flatMap(Array.init) ?? [])
        return names.allSatisfy { covered.contains(.dnsName($0)) }
            && addresses.allSatisfy { address in
                IPLiteral.bytes(address).map { covered.contains(.ipAddress(.init(contentBytes: $0[...]))) } ?? false
            }
    }
}

/// Who a certificate is for: the common name is the user, the organizations are its groups.
struct Subject: Equatable {
    var user: String
    var groups: [String]

    init(user: String, groups: [String]) {
        self.user = user
        self.groups = groups
    }

    init(_ name: DistinguishedName) {
        let attributes = name.flatMap(Array.init)
        func values(_ type: ASN1ObjectIdentifier) -> [String] { attributes.filter { $0.type == type }.compactMap { String($0.value) } }
        user = values(.RDNAttributeType.commonName).last ?? ""
        groups = values(.RDNAttributeType.organizationName)
    }

    /// Organizations first, then the common name, as upstream orders them.
    func distinguishedName() throws -> DistinguishedName {
        var names = groups.map { RelativeDistinguishedName(.init(type: .RDNAttributeType.organizationName, utf8String: $0)) }
        names.append(RelativeDistinguishedName(.init(type: .RDNAttributeType.commonName, utf8String: user)))
        return DistinguishedName(names)
    }
}
