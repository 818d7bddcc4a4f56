import APIModel
import CEL

/// Conditions that a request must fulfil before a webhook is called or a policy looks at it.
struct MatchConditions: Sendable {
    private let conditions: [(name: String, expression: AdmissionExpression)]
    /// For metrics; `nil` for those that tell none.
    private let owner: MatchConditionMetrics.Owner?

    init(_ conditions: Value, in environment: Environment, of owner: MatchConditionMetrics.Owner? = nil) {
        self.owner = owner
        self.conditions = conditions.elements.map { condition in
            (condition["name"].string ?? "", AdmissionExpression(condition["expression"].string ?? "", in: environment))
        }
    }

    var isEmpty: Bool { conditions.isEmpty }

    enum Outcome: Equatable {
        case matches
        /// One of them is false, whatever the others are.
        case doesNot
        /// None is false, and some have no value: the failure policy decides.
        case failed(String)
    }

    func evaluate(_ input: ExpressionInput, _ request: AdmissionRequest) async -> Outcome {
        guard !isEmpty else { return .matches }
        let begin = ContinuousClock.now
        var errors: [String] = []
        let outcome = await evaluate(input, &errors)
        if let owner {
            request.registry.admissionMetrics.webhooks.conditions.evaluated(
                owner, request.operation, since: begin, failures: errors.count, outcome)
        }
        return outcome
    }

    private func evaluate(_ input: ExpressionInput, _ errors: inout [String]) async -> Outcome {
        var remaining = CostLimit.matchConditions
        for condition in conditions {
            do throws(AdmissionExpression.Failure) {
                if case .bool(false) = try await condition.expression.evaluate(input, remaining: &remaining) { return .doesNot }
            } catch {
                if case .budget(let message) = error { return .failed(message) }
                errors.append(error.message)
            }
        }
        return Aggregate.text(errors).map(Outcome.failed) ?? .matches
    }
}
