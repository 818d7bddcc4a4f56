internal import Glibc

/// How much expressions may cost, as upstream limits them.
public enum CostLimit {
    /// The estimate of one rule or message expression of a custom resource.
    public static let perExpression: UInt64 = 10_000_000
    /// The sum of the estimates of all rules of one schema.
    public static let perSchema: UInt64 = 100_000_000
    /// One evaluation.
    public static let perCall: UInt64 = 1_000_000
    /// All evaluations for one object, or for one binding of a policy.
    public static let perRequest: UInt64 = 10_000_000
    /// All match conditions of one webhook or policy for one object.
    public static let matchConditions: UInt64 = 2_500_000
    /// The text that a message expression makes, in bytes.
    public static let longestMessage = 5 * 1024

    /// The refusal of what is estimated to cost more than `limit`, `nil` for what is not.
    ///
    /// - Parameter what: `estimated rule cost`, for one.
    public static func refusal(of cost: UInt64, limit: UInt64, what: String) -> String? {
        guard cost > limit else { return nil }
        let factor = Double(cost) / Double(limit)
        // Beyond a hundredfold the estimate says no more than that.
        let text =
            factor > 100
            ? "more than 100x" : factor < 1.5 ? "\(NumberText.fixed(factor, digits: 6))x" : "\(NumberText.fixed(factor, digits: 1))x"
        return
            "\(what) exceeds budget by factor of \(text) (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where "
            + "arrays, maps, and strings are declared)"
    }

    /// The cost of a rule that runs once for each of `count` values.
    public static func total(_ cost: UInt64, times count: UInt64) -> UInt64 { Estimate.saturatingMultiply(cost, count) }
}
