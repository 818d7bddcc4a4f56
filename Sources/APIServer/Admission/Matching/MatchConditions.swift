import APIModel
import CEL

/// Conditions that a request must fulfil before a webhook is called or a policy looks at it.
struct MatchConditions: Sendable {
    private let conditions: [(name: String, expression: AdmissionExpression)]

    init(_ conditions: Value, in environment: Environment) {
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

    func evaluate(_ input: ExpressionInput) async -> Outcome {
        var remaining = CostLimit.matchConditions
        var errors: [String] = []
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
