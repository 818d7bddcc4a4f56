internal import SwiftASN1
internal import X509

/// Key usages as CertificateSigningRequests name them.
enum Usages {
    private static let keys: [String: any WritableKeyPath<KeyUsage, Bool> & Sendable] = [
        "signing": \.digitalSignature, "digital signature": \.digitalSignature, "content commitment": \.nonRepudiation,
        "key encipherment": \.keyEncipherment, "key agreement": \.keyAgreement, "data encipherment": \.dataEncipherment,
        "cert sign": \.keyCertSign, "crl sign": \.cRLSign, "encipher only": \.encipherOnly, "decipher only": \.decipherOnly,
    ]

    private static let extended: [String: ExtendedKeyUsage.Usage] = [
        "any": .any, "server auth": .serverAuth, "client auth": .clientAuth, "code signing": .codeSigning,
        "email protection": .emailProtection, "s/mime": .emailProtection, "ipsec end system": .init(oid: [1, 3, 6, 1, 5, 5, 7, 3, 5]),
        "ipsec tunnel": .init(oid: [1, 3, 6, 1, 5, 5, 7, 3, 6]), "ipsec user": .init(oid: [1, 3, 6, 1, 5, 5, 7, 3, 7]),
        "timestamping": .timeStamping, "ocsp signing": .ocspSigning, "microsoft sgc": .init(oid: [1, 3, 6, 1, 4, 1, 311, 10, 3, 3]),
        "netscape sgc": .init(oid: [2, 16, 840, 1, 113730, 4, 1]),
    ]

    /// What the extensions of a certificate say, and the first name that means nothing, `nil` where each does.
    static func extensions(of names: Set<String>) -> (KeyUsage, [ExtendedKeyUsage.Usage], unknown: String?) {
        var usage = KeyUsage()
        var purposes: [ExtendedKeyUsage.Usage] = []
        for name in names.sorted() {
            if let path = keys[name] {
                usage[keyPath: path] = true
            } else if let purpose = extended[name] {
                if !purposes.contains(purpose) { purposes.append(purpose) }
            } else {
                return (usage, purposes, name)
            }
        }
        return (usage, purposes, nil)
    }
}
