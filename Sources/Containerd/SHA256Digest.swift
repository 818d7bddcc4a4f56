internal import Crypto

/// `sha256:` and the digest of the content, as images name their parts.
func digest(_ content: [UInt8]) -> String {
    "sha256:"
        + SHA256.hash(data: content).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
}
