internal import APIModel

/// A compiled expression. Immutable: shared by any number of tasks.
public final class Program: Sendable {
    /// What the expression evaluates to.
    public let type: CELType
    /// What it costs at least and at most, by the sizes that its environment declares.
    public let cost: Estimate
    private let root: any Node
    private let localCount: Int
    /// The variables that the expression uses, and their places.
    private let inputs: [(name: String, slot: Int)]
    private let slotCount: Int

    init(_ checked: CheckedExpression, in environment: Environment) throws(CompilationError) {
        type = checked.type
        cost = CostEstimator.cost(of: checked, root: environment.variables.first?.type)
        var planner = Planner(checked, environment)
        do throws(EvaluationError) { root = try planner.plan(checked.tree) } catch { throw CompilationError(instantiation: error) }
        localCount = planner.localCount
        slotCount = environment.variables.count
        inputs = planner.used.sorted().map { (environment.variables[$0].name, $0) }
    }

    /// Whether the expression names a variable.
    public func uses(_ variable: String) -> Bool { inputs.contains { $0.name == variable } }

    /// Evaluates the expression.
    ///
    /// Runs to its end on the calling thread. It ends early when it has spent `budget`, which is charged with what it cost either way, or when the
    /// calling task is cancelled.
    public func evaluate(_ variables: Variables = [:], budget: inout Budget) throws(EvaluationError) -> CELValue {
        var values = [CELValue?](repeating: nil, count: slotCount)
        for (name, slot) in inputs { values[slot] = variables[name] }
        let evaluation = Evaluation(inputs: values, localCount: localCount, limit: budget.limit)
        defer { budget.spent = Estimate.saturatingAdd(budget.spent, evaluation.cost) }
        return try root.evaluate(evaluation)
    }
}

/// The values of variables, by name.
public struct Variables: Sendable, ExpressibleByDictionaryLiteral {
    private var values: [(name: String, value: CELValue)]

    public init(dictionaryLiteral elements: (String, CELValue)...) { values = elements.map { ($0.0, $0.1) } }

    /// The value of a variable, `nil` where there is none. There are few, so they are not hashed.
    public subscript(name: String) -> CELValue? {
        get { values.first { $0.name == name }?.value }
        set {
            values.removeAll { $0.name == name }
            if let newValue { values.append((name, newValue)) }
        }
    }
}

/// What evaluations may cost.
public struct Budget: Sendable {
    /// What one evaluation may cost.
    public let limit: UInt64
    /// What all evaluations so far did cost.
    public internal(set) var spent: UInt64 = 0

    public init(limit: UInt64 = CostLimit.perCall) { self.limit = limit }
}
