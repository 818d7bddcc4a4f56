/// `&&` and `||`: one term that decides makes up for errors in the others, whatever their order.
final class LogicNode: Node {
    private let terms: [any Node]
    /// The value of a term that decides: false for `&&`, true for `||`.
    private let decisive: Bool

    init(_ terms: [any Node], decisive: Bool) {
        self.terms = terms
        self.decisive = decisive
    }

    func evaluate(_ evaluation: Evaluation) throws(EvaluationError) -> CELValue {
        var failure: EvaluationError?
        for term in terms {
            do throws(EvaluationError) {
                guard case .bool(let value) = try term.evaluate(evaluation) else { throw .noSuchOverload }
                if value == decisive { return .bool(decisive) }
            } catch {
                if error.isFinal { throw error }
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return .bool(!decisive)
    }
}

/// `condition ? one : other`
final class ConditionalNode: Node {
    private let condition: any Node
    private let one: any Node
    private let other: any Node

    init(_ condition: any Node, _ one: any Node, _ other: any Node) {
        self.condition = condition
        self.one = one
        self.other = other
    }

    func evaluate(_ evaluation: Evaluation) throws(EvaluationError) -> CELValue {
        guard case .bool(let value) = try condition.evaluate(evaluation) else { throw .noSuchOverload }
        return try value ? one.evaluate(evaluation) : other.evaluate(evaluation)
    }
}

/// `==` and `!=`
final class EqualityNode: Node {
    private let left: any Node
    private let right: any Node
    private let isNegated: Bool

    init(_ left: any Node, _ right: any Node, isNegated: Bool) {
        self.left = left
        self.right = right
        self.isNegated = isNegated
    }

    func evaluate(_ evaluation: Evaluation) throws(EvaluationError) -> CELValue {
        let left = try left.evaluate(evaluation)
        let right = try right.evaluate(evaluation)
        try evaluation.charge(cost(left, right))
        if isNegated {
            // What cannot be compared is not the same.
            return .bool(!(try evaluation.attempt { () throws(EvaluationError) in try evaluation.areEqual(left, right) } ?? false))
        }
        return .bool(try evaluation.areEqual(left, right))
    }

    private func cost(_ left: CELValue, _ right: CELValue) -> UInt64 {
        switch (left, right) {
        case (.int, .int), (.bool, .bool), (.double, .double): 1
        // Objects of libraries are small.
        case (.object, _) where !isNegated: 1
        default: CallCost.roundedUp(Double(min(left.costSize, right.costSize)) * CostUnit.traversal)
        }
    }
}

/// `in` a list of which all elements are known: a look into a set.
final class MembershipNode: Node {
    private let value: any Node
    private let members: Set<ScalarKey>

    init(_ value: any Node, _ members: Set<ScalarKey>) {
        self.value = value
        self.members = members
    }

    func evaluate(_ evaluation: Evaluation) throws(EvaluationError) -> CELValue {
        .bool(ScalarKey(try value.evaluate(evaluation)).map(members.contains) ?? false)
    }
}

/// `a.or(b)` and `a.orValue(b)`, which evaluate `b` only if there is nothing in `a`.
final class OptionalOrNode: Node {
    private let optional: any Node
    private let alternative: any Node
    private let unwraps: Bool

    init(_ optional: any Node, _ alternative: any Node, unwraps: Bool) {
        self.optional = optional
        self.alternative = alternative
        self.unwraps = unwraps
    }

    func evaluate(_ evaluation: Evaluation) throws(EvaluationError) -> CELValue {
        let value = try optional.evaluate(evaluation)
        guard case .optional(let inner) = value else { return value }
        if let present = inner.value { return unwraps ? present : value }
        return try alternative.evaluate(evaluation)
    }
}
