/// A whole number that somebody else chose: of an object, a query, an annotation, a file, the runtime.
///
/// Its operators stop at the largest and the smallest number there is, and a number of another width made of it is cut to what fits, so
/// that nothing reckoned with it ends the process. What would be wrong when cut is refused where it is read, by validation.
@frozen
public struct Whole: Hashable, Sendable {
    /// The number itself. Plain arithmetic on it can end the process.
    public let int64: Int64

    @inlinable
    public init(_ number: some BinaryInteger) { int64 = Int64(clamping: number) }

    /// Without the fraction, cut to what fits; 0 where it is no number.
    @inlinable
    public init(_ number: Double) {
        int64 = number.isNaN ? 0 : Int64(exactly: number.rounded(.towardZero)) ?? (number < 0 ? .min : .max)
    }

    public static let min = Whole(Int64.min)
    public static let max = Whole(Int64.max)
}

extension Whole: Comparable, ExpressibleByIntegerLiteral, LosslessStringConvertible {
    @inlinable
    public init(integerLiteral value: Int64) { int64 = value }

    /// The number that decimal digits with or without a sign say; `nil` for anything else and for what does not fit.
    public init?(_ text: some StringProtocol) {
        guard let number = Int64(text) else { return nil }
        int64 = number
    }

    public init?(_ text: String) {
        guard let number = Int64(text) else { return nil }
        int64 = number
    }

    public var description: String { String(int64) }

    @inlinable
    public static func < (left: Whole, right: Whole) -> Bool { left.int64 < right.int64 }
}

extension Whole: AdditiveArithmetic {
    @inlinable
    public static func + (left: Whole, right: Whole) -> Whole {
        let (sum, isBeyond) = left.int64.addingReportingOverflow(right.int64)
        return isBeyond ? (right < 0 ? .min : .max) : Whole(sum)
    }

    @inlinable
    public static func - (left: Whole, right: Whole) -> Whole {
        let (difference, isBeyond) = left.int64.subtractingReportingOverflow(right.int64)
        return isBeyond ? (right < 0 ? .max : .min) : Whole(difference)
    }

    @inlinable
    public static func * (left: Whole, right: Whole) -> Whole {
        let (product, isBeyond) = left.int64.multipliedReportingOverflow(by: right.int64)
        return isBeyond ? ((left < 0) == (right < 0) ? .max : .min) : Whole(product)
    }

    /// Towards zero; by zero, 0.
    @inlinable
    public static func / (left: Whole, right: Whole) -> Whole {
        guard right != 0 else { return 0 }
        let (quotient, isBeyond) = left.int64.dividedReportingOverflow(by: right.int64)
        return isBeyond ? .max : Whole(quotient)
    }

    /// What `/` leaves; by zero, 0.
    @inlinable
    public static func % (left: Whole, right: Whole) -> Whole {
        right == 0 ? 0 : Whole(left.int64.remainderReportingOverflow(dividingBy: right.int64).partialValue)
    }

    @inlinable
    public static prefix func - (number: Whole) -> Whole { 0 - number }

    /// `left` doubled `right` times.
    @inlinable
    public static func << (left: Whole, right: Int) -> Whole {
        (0..<Swift.max(0, Swift.min(right, 64))).reduce(left) { doubled, _ in doubled + doubled }
    }

    @inlinable
    public static func *= (left: inout Whole, right: Whole) { left = left * right }
}

extension FixedWidthInteger {
    /// Cut to what fits.
    @inlinable
    public init(_ whole: Whole) { self.init(clamping: whole.int64) }
}

extension Double {
    @inlinable
    public init(_ whole: Whole) { self.init(whole.int64) }
}
