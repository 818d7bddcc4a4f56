internal import Glibc

/// Numbers as Go writes them.
enum NumberText {
    /// The shortest text that reads as the same number, `%g`: `1e+06`, `0.0001`, `100`.
    static func shortest(_ number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-Inf" : "+Inf" }
        let (digits, exponent) = decimal(number)
        let sign = number.sign == .minus ? "-" : ""
        if exponent < -4 || exponent >= 6 {
            return sign + scientific(digits, exponent)
        }
        return sign + fixed(digits, exponent)
    }

    /// The shortest text without an exponent: `1000000.0`.
    static func plain(_ number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-Inf" : "+Inf" }
        let (digits, exponent) = decimal(number)
        return (number.sign == .minus ? "-" : "") + fixed(digits, exponent)
    }

    /// The digits of the number, and the power of ten of the first.
    private static func decimal(_ number: Double) -> (digits: [UInt8], exponent: Int) {
        let parts = number.magnitude.description.utf8.split(separator: UInt8(ascii: "e"))
        let mantissa = parts[0].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        var exponent = mantissa[0].count - 1 + (parts.count > 1 ? Int(String(decoding: parts[1], as: UTF8.self)) ?? 0 : 0)
        var digits = Array(mantissa.joined())
        while digits.count > 1, digits.first == UInt8(ascii: "0") {
            digits.removeFirst()
            exponent -= 1
        }
        while digits.count > 1, digits.last == UInt8(ascii: "0") { digits.removeLast() }
        return digits == [UInt8(ascii: "0")] ? (digits, 0) : (digits, exponent)
    }

    private static func scientific(_ digits: [UInt8], _ exponent: Int) -> String {
        var text = String(decoding: digits.prefix(1), as: UTF8.self)
        if digits.count > 1 { text += "." + String(decoding: digits.dropFirst(), as: UTF8.self) }
        return text + "e\(exponent < 0 ? "-" : "+")\(abs(exponent) < 10 ? "0" : "")\(abs(exponent))"
    }

    private static func fixed(_ digits: [UInt8], _ exponent: Int) -> String {
        let zeros = { (count: Int) in String(repeating: "0", count: max(count, 0)) }
        if exponent < 0 { return "0." + zeros(-exponent - 1) + String(decoding: digits, as: UTF8.self) }
        let whole = String(decoding: digits.prefix(exponent + 1), as: UTF8.self) + zeros(exponent + 1 - digits.count)
        return digits.count > exponent + 1 ? "\(whole).\(String(decoding: digits.dropFirst(exponent + 1), as: UTF8.self))" : whole
    }

    /// With exactly this many digits after the point, rounded to even: `%.6f`.
    static func fixed(_ number: Double, digits: Int) -> String { format("%.*f", number, digits) }
    /// One digit before the point and exactly this many after it: `%.6e`.
    static func scientific(_ number: Double, digits: Int) -> String { format("%.*e", number, digits) }

    private static func format(_ format: String, _ number: Double, _ digits: Int) -> String {
        var bytes = [CChar](repeating: 0, count: 400 + digits)
        let count = withVaList([Int32(clamping: digits), number]) { vsnprintf(&bytes, bytes.count, format, $0) }
        return String(decoding: bytes.prefix(Int(max(count, 0))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
