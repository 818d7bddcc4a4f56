import APIModel
import PKI

/// Secrets of the type `kubernetes.io/tls` whose certificate and key nobody can serve with.
enum TLSSecretWarning {
    static func of(_ secret: Value) -> [String] {
        guard secret["type"].string == "kubernetes.io/tls" else { return [] }
        let text = { (field: String) in
            String(decoding: secret["data"][field].string.flatMap { Base64.decode($0) } ?? [], as: UTF8.self)
        }
        return problem(certificate: text("tls.crt"), key: text("tls.key")).map { ["tls: \($0)"] } ?? []
    }

    private static func problem(certificate: String, key: String) -> String? {
        let (certificates, keys) = (blocks(certificate), blocks(key))
        let isKey = { (block: String) in block.hasSuffix("PRIVATE KEY") }
        if !certificates.contains("CERTIFICATE") {
            if certificates.isEmpty { return "failed to find any PEM data in certificate input" }
            if certificates.count == 1, isKey(certificates[0]) {
                return
                    "failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched"
            }
            return "failed to find \"CERTIFICATE\" PEM block in certificate input after skipping \(skipped(certificates))"
        }
        if !keys.contains(where: isKey) {
            if keys.isEmpty { return "failed to find any PEM data in key input" }
            if keys == ["CERTIFICATE"] { return "found a certificate rather than a key in the PEM for the private key" }
            return "failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping \(skipped(keys))"
        }
        do {
            try KeyPair(certificatePEM: certificate, privateKeyPEM: key).check()
            return nil
        } catch {
            return (error as? PKIError)?.cause == nil ? "private key does not match public key" : "failed to parse private key"
        }
    }

    private static func skipped(_ blocks: [String]) -> String { "PEM blocks of the following types: [\(blocks.joined(separator: " "))]" }

    /// What each block of a PEM document is.
    private static func blocks(_ text: String) -> [String] {
        text.split(whereSeparator: \.isNewline).compactMap { line in
            line.hasPrefix("-----BEGIN ") && line.hasSuffix("-----") ? String(line.dropFirst(11).dropLast(5)) : nil
        }
    }
}
