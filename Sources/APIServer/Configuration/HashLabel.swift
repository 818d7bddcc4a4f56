import APIModel
import Crypto

/// What stands in labels for names that are nobody else's business.
enum HashLabel {
    /// Empty for nothing.
    static func of(_ text: String) -> String { of(Array(text.utf8)) }

    static func of(_ bytes: [UInt8]) -> String {
        bytes.isEmpty ? "" : "sha256:" + SHA256.hash(data: bytes).hexadecimal
    }
}
