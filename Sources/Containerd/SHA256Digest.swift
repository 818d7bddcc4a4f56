internal import APIModel
internal import Crypto

/// `sha256:` and the digest of the content, as images name their parts.
func digest(_ content: [UInt8]) -> String { "sha256:" + SHA256.hash(data: content).hexadecimal }
