/// A fixed-point number with a suffix, as requests, limits and capacities are written: `500m`, `1.5Gi`, `2e3`.
///
/// Exact to a billionth; what is finer is rounded away from zero when read, as upstream does. Values beyond about 10^29 are cut to that.
public struct Quantity: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// How the canonical form is written. It does not count for equality.
    public enum Format: Sendable { case decimalSI, binarySI, decimalExponent }

    private var nanos: Int128
    public var format: Format

    public struct ParseError: Error, Sendable, CustomStringConvertible {
        public var description: String
    }

    public init(value: Int64, format: Format = .decimalSI) {
        self.nanos = Int128(value) * Self.unit
        self.format = format
    }

    public init(milliValue: Int64, format: Format = .decimalSI) {
        self.nanos = Int128(milliValue) * 1_000_000
        self.format = format
    }

    public static let zero = Quantity(value: 0)

    /// - Throws: `ParseError` with upstream's words.
    public init(_ text: String) throws(ParseError) {
        var rest = Substring(text).utf8
        var isNegative = false
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            isNegative = sign == UInt8(ascii: "-")
            rest = rest.dropFirst()
        }
        var mantissa: Int128 = 0
        var fractionDigits = 0
        var digits = 0
        var seenDot = false
        var isInexact = false
        while let byte = rest.first {
            if byte == UInt8(ascii: "."), !seenDot {
                seenDot = true
            } else if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
                digits += 1
                if mantissa < Self.limit / 10 {
                    mantissa = mantissa * 10 + Int128(byte - UInt8(ascii: "0"))
                    if seenDot { fractionDigits += 1 }
                } else if seenDot {
                    isInexact = isInexact || byte != UInt8(ascii: "0")
                } else {
                    fractionDigits -= 1
                }
            } else {
                break
            }
            rest = rest.dropFirst()
        }
        guard digits > 0 else { throw Self.wrongFormat }
        guard let suffix = Self.suffix(String(Substring(rest))) else {
            throw Self.looksLikeSuffix(rest) ? ParseError(description: "unable to parse quantity's suffix") : Self.wrongFormat
        }
        format = suffix.format

        // mantissa × 10^(exponent) × 2^(shift), in billionths.
        var value = mantissa
        for _ in 0..<suffix.shift { value = Self.times(value, 2) }
        var exponent = suffix.exponent - fractionDigits + 9
        while exponent > 0, value != 0, value < Self.limit {
            value = Self.times(value, 10)
            exponent -= 1
        }
        while exponent < 0, value != 0 {
            let (quotient, remainder) = value.quotientAndRemainder(dividingBy: 10)
            isInexact = isInexact || remainder != 0
            value = quotient
            exponent += 1
        }
        if isInexact { value = min(value + 1, Self.limit) }
        nanos = isNegative ? -value : value
    }

    /// The canonical form of `text`.
    public static func canonical(_ text: String) throws(ParseError) -> String { try Quantity(text).description }

    /// Rounded away from zero, cut to what fits.
    public var value: Whole { rounded(to: Self.unit) }
    /// Thousandths, rounded away from zero, cut to what fits.
    public var milliValue: Whole { rounded(to: 1_000_000) }
    /// The nearest double.
    public var approximateDouble: Double { Double(nanos) / 1e9 }
    public var isZero: Bool { nanos == 0 }
    public var signum: Int { Int(nanos.signum()) }
    /// Whether it is a whole number.
    public var isWhole: Bool { nanos % Self.unit == 0 }
    /// Whether it is so many times `other`, which must not be 0.
    func isMultiple(of other: Quantity) -> Bool { nanos % other.nanos == 0 }

    public static func == (left: Quantity, right: Quantity) -> Bool { left.nanos == right.nanos }
    public static func < (left: Quantity, right: Quantity) -> Bool { left.nanos < right.nanos }
    public func hash(into hasher: inout Hasher) { hasher.combine(nanos) }

    /// The format is the left one's, or the right one's where the left is zero. Cut to the largest value there is.
    public static func + (left: Quantity, right: Quantity) -> Quantity {
        let (sum, isBeyond) = left.nanos.addingReportingOverflow(right.nanos)
        // Only two of one sign add up to more than there is.
        let nanos = isBeyond ? (left.nanos < 0 ? -limit : limit) : min(max(sum, -limit), limit)
        return Quantity(nanos: nanos, format: left.isZero ? right.format : left.format)
    }
    public static func - (left: Quantity, right: Quantity) -> Quantity { left + Quantity(nanos: -right.nanos, format: right.format) }
    public static func += (left: inout Quantity, right: Quantity) { left = left + right }
    public static func -= (left: inout Quantity, right: Quantity) { left = left - right }

    public var description: String {
        guard nanos != 0 else { return "0" }
        switch format {
        case .binarySI where isWhole && nanos.magnitude >= 1024 * Self.unit.magnitude:
            var mantissa = nanos / Self.unit
            var power = 0
            while mantissa % 1024 == 0, power < Self.binarySuffixes.count - 1 {
                mantissa /= 1024
                power += 1
            }
            return "\(mantissa)\(Self.binarySuffixes[power])"
        case .binarySI, .decimalSI, .decimalExponent:
            var mantissa = nanos
            var exponent = -9
            while mantissa % 10 == 0 {
                mantissa /= 10
                exponent += 1
            }
            while exponent % 3 != 0 || exponent > 18 {
                mantissa *= 10
                exponent -= 1
            }
            if format == .decimalExponent { return exponent == 0 ? "\(mantissa)" : "\(mantissa)e\(exponent)" }
            return "\(mantissa)\(Self.decimalSuffixes[exponent / 3 + 3])"
        }
    }

    private init(nanos: Int128, format: Format) {
        self.nanos = nanos
        self.format = format
    }

    private func rounded(to unit: Int128) -> Whole {
        let (quotient, remainder) = nanos.quotientAndRemainder(dividingBy: unit)
        return Whole(quotient + remainder.signum())
    }

    private static let unit: Int128 = 1_000_000_000
    private static let limit: Int128 = 100_000_000_000_000_000_000_000_000_000_000_000_000
    private static let decimalSuffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"]
    private static let binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
    private static let wrongFormat = ParseError(
        description: "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")

    private static func times(_ value: Int128, _ factor: Int128) -> Int128 { value > limit / factor ? limit : value * factor }

    /// Whether the text is made as suffixes are: letters of units, a sign, digits.
    private static func looksLikeSuffix(_ text: Substring.UTF8View) -> Bool {
        var rest = text.drop { "eEinumkKMGTP".utf8.contains($0) }
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { rest = rest.dropFirst() }
        return rest.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private static func suffix(_ text: String) -> (format: Format, exponent: Int, shift: Int)? {
        if let power = binarySuffixes.firstIndex(of: text), power > 0 { return (.binarySI, 0, power * 10) }
        if let power = decimalSuffixes.firstIndex(of: text) { return (.decimalSI, (power - 3) * 3, 0) }
        if let first = text.first, first == "e" || first == "E", let exponent = Int(text.dropFirst()), (-59...59).contains(exponent) {
            return (.decimalExponent, exponent, 0)
        }
        return nil
    }
}

extension Value {
    /// A quantity, `nil` when there is none or it is not one, which the API does not let through.
    public var quantity: Quantity? {
        switch self {
        case .string(let text): try? Quantity(text)
        case .int(let int): try? Quantity(String(int))
        case .double(let double): try? Quantity(String(double))
        default: nil
        }
    }
}
