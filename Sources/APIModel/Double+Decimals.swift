extension Double {
    /// With six digits behind the point, as messages show ratios.
    public var sixDecimals: String {
        guard isFinite, magnitude < 1e12 else { return self == .infinity ? "+Inf" : description }
        let millionths = Int64((magnitude * 1e6).rounded())
        let fraction = String(millionths % 1_000_000)
        return "\(sign == .minus ? "-" : "")\(millionths / 1_000_000).\(String(repeating: "0", count: 6 - fraction.count))\(fraction)"
    }
}
