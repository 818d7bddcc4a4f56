internal import Crypto

/// SHA-256 as names are made of it.
public enum Digest {
    /// In 64 hexadecimal digits.
    public static func hexadecimal(_ text: String) -> String {
        let digits = Array("0123456789abcdef")
        return String(SHA256.hash(data: Array(text.utf8)).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
