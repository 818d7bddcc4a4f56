internal import APIModel
internal import Crypto

/// SHA-256 as names are made of it.
public enum Digest {
    /// In 64 hexadecimal digits.
    public static func hexadecimal(_ text: String) -> String {
        SHA256.hash(data: Array(text.utf8)).hexadecimal
    }
}
