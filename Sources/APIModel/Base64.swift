/// Base64 with the standard alphabet and padding, as Kubernetes has bytes in JSON.
public enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let pad = UInt8(ascii: "=")
    /// The value of each byte of the alphabet, 255 for others.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, letter) in alphabet.enumerated() { values[Int(letter)] = UInt8(value) }
        return values
    }()

    public static func encode(_ bytes: some Collection<UInt8>) -> String {
        let bytes = Array(bytes)
        return String(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { text in
            var out = 0
            for start in stride(from: 0, to: bytes.count, by: 3) {
                let count = min(3, bytes.count - start)
                let word = (0..<3).reduce(UInt32(0)) { $0 << 8 | ($1 < count ? UInt32(bytes[start + $1]) : 0) }
                for position in 0..<4 {
                    text[out + position] = position <= count ? alphabet[Int(word >> UInt32(18 - 6 * position) & 63)] : pad
                }
                out += 4
            }
            return out
        }
    }

    /// The bytes, or `nil` for text that is not base64. Line breaks are skipped, as Go does.
    public static func decode(_ text: String) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(text.utf8.count / 4 * 3)
        var word: UInt32 = 0
        var letters = 0
        var pads = 0
        for byte in text.utf8 where byte != UInt8(ascii: "\n") && byte != UInt8(ascii: "\r") {
            if byte == pad {
                pads += 1
                guard pads <= 2, letters >= 2, letters + pads <= 4 else { return nil }
                continue
            }
            let value = values[Int(byte)]
            guard value < 64, pads == 0 else { return nil }
            word = word << 6 | UInt32(value)
            letters += 1
            if letters == 4 {
                result += [UInt8(truncatingIfNeeded: word >> 16), UInt8(truncatingIfNeeded: word >> 8), UInt8(truncatingIfNeeded: word)]
                (word, letters) = (0, 0)
            }
        }
        switch (letters, pads) {
        case (0, 0): return result
        case (2, 2): return result + [UInt8(truncatingIfNeeded: word >> 4)]
        case (3, 1): return result + [UInt8(truncatingIfNeeded: word >> 10), UInt8(truncatingIfNeeded: word >> 2)]
        default: return nil
        }
    }
}
