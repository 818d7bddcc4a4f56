/// The least and the most that something can cost, or the bounds of a value's size. Sums and products that are too large stay at the largest number.
public struct Estimate: Sendable, Hashable {
    public var min: UInt64
    public var max: UInt64

    public init(min: UInt64, max: UInt64) {
        self.min = min
        self.max = max
    }

    init(_ fixed: UInt64) { self.init(min: fixed, max: fixed) }

    static let unknown = Estimate(min: 0, max: .max)
    /// What a union starts from.
    static let nothing = Estimate(min: .max, max: 0)

    static func + (left: Estimate, right: Estimate) -> Estimate {
        Estimate(min: saturatingAdd(left.min, right.min), max: saturatingAdd(left.max, right.max))
    }
    static func += (left: inout Estimate, right: Estimate) { left = left + right }
    static func * (left: Estimate, right: Estimate) -> Estimate {
        Estimate(min: saturatingMultiply(left.min, right.min), max: saturatingMultiply(left.max, right.max))
    }
    /// Rounded up.
    static func * (left: Estimate, factor: Double) -> Estimate {
        Estimate(min: saturatingMultiply(left.min, factor), max: saturatingMultiply(left.max, factor))
    }
    func union(_ other: Estimate) -> Estimate { Estimate(min: Swift.min(min, other.min), max: Swift.max(max, other.max)) }

    static func saturatingAdd(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let (sum, isBeyond) = left.addingReportingOverflow(right)
        return isBeyond ? .max : sum
    }
    static func saturatingMultiply(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let (product, isBeyond) = left.multipliedReportingOverflow(by: right)
        return isBeyond ? .max : product
    }
    static func saturatingMultiply(_ left: UInt64, _ factor: Double) -> UInt64 { roundedUp(Double(left) * factor) }

    static func roundedUp(_ number: Double) -> UInt64 {
        let ceiling = number.rounded(.up)
        return ceiling >= 0x1p64 ? .max : ceiling > 0 ? UInt64(ceiling) : 0
    }
}

/// The units that costs are made of, as upstream has them.
enum CostUnit {
    static let list = Estimate(10)
    static let map = Estimate(30)
    static let structure = Estimate(40)
    /// For each character, of reading a string once.
    static let traversal = 0.1
    /// For each character of a pattern, of matching it.
    static let pattern = 0.25
}
