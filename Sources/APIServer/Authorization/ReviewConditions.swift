import APIModel
import CEL

/// Conditions that a question must fulfil before a webhook is asked: expressions about the `spec` of a SubjectAccessReview.
struct ReviewConditions: Sendable {
    static let most = 64

    private let programs: [(text: String, program: Program)]
    private let usesFieldSelector: Bool
    private let usesLabelSelector: Bool

    init(_ programs: [(text: String, program: Program)] = []) {
        self.programs = programs
        usesFieldSelector = programs.contains { Self.environment.selects("fieldSelector", in: $0.text) }
        usesLabelSelector = programs.contains { Self.environment.selects("labelSelector", in: $0.text) }
    }

    /// - Throws: `ConfigurationProblem` unless it compiles and comes to true or false.
    static func compile(_ text: String) throws -> (text: String, program: Program) {
        let program: Program
        do { program = try environment.compile(text) } catch { throw ConfigurationProblem("\(error)") }
        guard program.type == .bool else { throw ConfigurationProblem("must evaluate to bool but got \(program.type)") }
        return (text, program)
    }

    private static let environment: Environment = {
        let strings = DeclaredType.list(of: .string)
        let requirement = DeclaredType.object(
            "kubernetes.SelectorRequirement", ["key": .string, "operator": .string, "values": strings])
        func selector(_ kind: String) -> DeclaredType {
            .object("kubernetes.\(kind)SelectorAttributes", ["rawSelector": .string, "requirements": .list(of: requirement)])
        }
        let resource = DeclaredType.object(
            "kubernetes.ResourceAttributes",
            [
                "namespace": .string, "verb": .string, "group": .string, "version": .string, "resource": .string, "subresource": .string,
                "name": .string, "fieldSelector": selector("Field"), "labelSelector": selector("Label"),
            ])
        let request = DeclaredType.object(
            "kubernetes.SubjectAccessReviewSpec",
            [
                "resourceAttributes": resource,
                "nonResourceAttributes": .object("kubernetes.NonResourceAttributes", ["path": .string, "verb": .string]), "user": .string,
                "groups": strings, "extra": .map(of: strings), "uid": .string,
            ])
        return Environment.kubernetes.with([Variable("request", request)])
    }()

    enum Outcome: Equatable {
        case matches
        /// One of them is false, whatever the others are.
        case doesNot
        /// None is false, and some have no value.
        case failed(String)
    }

    /// - Parameter told: how that went, unless there is nothing to evaluate.
    func evaluate(_ attributes: Attributes, _ told: AuthorizationMetrics.Telling?) -> Outcome {
        guard !programs.isEmpty else { return .matches }
        let begin = ContinuousClock.now
        var problems: [String] = []
        let outcome = evaluate(attributes, &problems)
        told?.evaluated(outcome, hasFailed: !problems.isEmpty, since: begin)
        return outcome
    }

    private func evaluate(_ attributes: Attributes, _ problems: inout [String]) -> Outcome {
        let variables: Variables = ["request": CELValue(AccessQuestion.fields(attributes, usesFieldSelector, usesLabelSelector))]
        for (text, program) in programs {
            var budget = Budget()
            do {
                if case .bool(false) = try program.evaluate(variables, budget: &budget) { return .doesNot }
            } catch {
                problems.append("cel evaluation error: expression '\(text)' resulted in error: \(error.message)")
            }
        }
        return Aggregate.text(problems).map(Outcome.failed) ?? .matches
    }
}
