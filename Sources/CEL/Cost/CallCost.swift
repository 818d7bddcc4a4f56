/// What a call of a function costs: an estimate before, and the truth when it happens. Upstream's figures; a change to one changes which rules a
/// cluster admits.
struct CallCost: Sendable {
    enum Actual: Sendable {
        case fixed(UInt64)
        /// Known from the arguments, and charged before the call. The number is what can still be charged: more need not be counted.
        case arguments(@Sendable (Arguments, UInt64) throws(EvaluationError) -> UInt64)
        /// Known from the result only.
        case result(@Sendable (CELValue) -> UInt64)
    }

    let estimate: @Sendable (CallSite) -> CallEstimate
    let actual: Actual
    /// The cost where only the values told which overload is meant.
    private(set) var whenDispatched: Actual

    init(_ actual: Actual, _ estimate: @escaping @Sendable (CallSite) -> CallEstimate) {
        self.actual = actual
        self.estimate = estimate
        whenDispatched = actual
    }

    /// The same cost, but one where only the values told which overload is meant: upstream knows the costs of the language's own functions by overload.
    var onlyIfKnown: CallCost {
        var cost = self
        cost.whenDispatched = .fixed(1)
        return cost
    }

    /// A cost that the size of an argument decides.
    init(
        _ actual: @escaping @Sendable (Arguments) -> UInt64, _ estimate: @escaping @Sendable (CallSite) -> CallEstimate
    ) {
        self.init(.arguments { arguments, _ throws(EvaluationError) in actual(arguments) }, estimate)
    }

    static func fixed(_ cost: UInt64) -> CallCost { CallCost(.fixed(cost)) { _ in CallEstimate(Estimate(cost)) } }
    static let one = fixed(1)

    /// Reading the first operand once, or `factor` times.
    ///
    /// - Parameter keepsSize: whether the result is as long as that operand.
    static func traversing(_ factor: Double = 1, keepsSize: Bool = false) -> CallCost {
        CallCost {
            roundedUp(Double($0[0].costSize) * factor * CostUnit.traversal)
        } _: { site in
            let size = site.size(0)
            return CallEstimate(size * (factor * CostUnit.traversal), resultSize: keepsSize ? size : nil)
        }
    }

    /// Matching a pattern, the second operand, against a text, the first. One is added to the length of the text so that the pattern counts also for
    /// an empty one.
    static func matching(hasResult: Bool) -> CallCost {
        CallCost {
            let text = roundedUp((1 + Double($0[0].costSize)) * CostUnit.traversal)
            return Estimate.saturatingMultiply(text, roundedUp(Double($0[1].costSize) * CostUnit.pattern))
        } _: { site in
            let size = site.size(0)
            let cost = ((size + Estimate(1)) * CostUnit.traversal) * (site.size(1) * CostUnit.pattern)
            return CallEstimate(cost, resultSize: hasResult ? Estimate(min: 0, max: size.max) : nil)
        }
    }

    /// Comparing two values: reading the shorter one.
    static let comparing = CallCost {
        roundedUp(Double(min($0[0].costSize, $0[1].costSize)) * CostUnit.traversal)
    } _: { site in
        let most = min(site.size(0).max, site.size(1).max)
        return CallEstimate(Estimate(min: most > 0 ? 1 : 0, max: most) * CostUnit.traversal)
    }

    static func roundedUp(_ number: Double) -> UInt64 { Estimate.roundedUp(number) }
}

/// What a call is estimated to cost, and how large its result is if that is known.
struct CallEstimate {
    var cost: Estimate
    var resultSize: Estimate?

    init(_ cost: Estimate, resultSize: Estimate? = nil) {
        self.cost = cost
        self.resultSize = resultSize
    }
}

/// A call as the estimate sees it. Operands are the target, if there is one, and the arguments.
struct CallSite {
    let operands: [CostNode]
    let hasTarget: Bool
    let declaredSize: ([String]) -> Estimate?

    /// The size of an operand, as far as it is known.
    func size(_ index: Int) -> Estimate { index < operands.count ? size(of: operands[index]) : .unknown }

    func size(of node: CostNode) -> Estimate { node.computedSize ?? node.path.flatMap(declaredSize) ?? .unknown }

    /// The elements of a list or a map operand, `nil` where it is neither.
    func elements(of index: Int) -> CostNode? {
        guard index < operands.count, let type = operands[index].type.parameters.first else { return nil }
        return CostNode(path: operands[index].path.map { $0 + ["@items"] }, type: type, literal: nil, computedSize: nil)
    }
}

/// An operand of a call: where its value comes from, if that is a declared variable, and what is known of it.
struct CostNode {
    /// From the variable on: names of fields, `@items`, `@keys`, `@values`.
    let path: [String]?
    let type: CELType
    let literal: CELValue?
    let computedSize: Estimate?
}
