/// A step of a planned expression. Immutable and shared; what changes is in the evaluation.
protocol Node: Sendable {
    func evaluate(_ evaluation: Evaluation) throws(EvaluationError) -> CELValue
}

/// A value that is known before the evaluation. It costs nothing.
final class ConstantNode: Node {
    let value: CELValue
    init(_ value: CELValue) { self.value = value }
    func evaluate(_ evaluation: Evaluation) throws(EvaluationError) -> CELValue { value }
}

/// A value that cannot be had: evaluating it fails.
final class FailingNode: Node {
    private let error: EvaluationError
    init(_ error: EvaluationError) { self.error = error }
    func evaluate(_ evaluation: Evaluation) throws(EvaluationError) -> CELValue { throw error }
}

/// A variable of the environment.
final class InputNode: Node {
    private let slot: Int
    private let name: String

    init(_ slot: Int, _ name: String) {
        self.slot = slot
        self.name = name
    }

    func evaluate(_ evaluation: Evaluation) throws(EvaluationError) -> CELValue {
        guard let value = evaluation.inputs[slot] else { throw EvaluationError("no such attribute(s): \(name)") }
        return value
    }
}

/// A variable of a loop, or a name that an expression gave to a value. That value is evaluated when it is first needed.
final class LocalNode: Node {
    private let slot: Int
    private let initial: (any Node)?

    init(_ slot: Int, initial: (any Node)? = nil) {
        self.slot = slot
        self.initial = initial
    }

    func evaluate(_ evaluation: Evaluation) throws(EvaluationError) -> CELValue {
        switch evaluation.locals[slot] {
        case .value(let value): return value
        case .failed(let error): throw error
        case .pending:
            do throws(EvaluationError) {
                let value = try initial?.evaluate(evaluation) ?? .null
                evaluation.locals[slot] = .value(value)
                return value
            } catch {
                evaluation.locals[slot] = .failed(error)
                throw error
            }
        }
    }
}

/// A call of a function whose overload is known.
final class CallNode: Node {
    private let overload: Overload
    private let implementation: Overload.Implementation
    private let operands: [any Node]
    /// The name to complain with, where the types of the operands are not known and have to be looked at.
    private let guardedName: String?

    init(_ overload: Overload, _ implementation: @escaping Overload.Implementation, _ operands: [any Node], guardedName: String?) {
        self.overload = overload
        self.implementation = implementation
        self.operands = operands
        self.guardedName = guardedName
    }

    func evaluate(_ evaluation: Evaluation) throws(EvaluationError) -> CELValue {
        let arguments = try Arguments(evaluating: operands, evaluation)
        if let guardedName, !overload.takes(arguments) { throw .noSuchOverload(guardedName, arguments.values) }
        return try evaluation.call(implementation, arguments, overload.cost.actual)
    }
}

/// A call of a function of which only the values can tell which overload is meant.
final class DispatchNode: Node {
    private let function: String
    private let overloads: [Overload]
    private let operands: [any Node]

    init(_ function: String, _ overloads: [Overload], _ operands: [any Node]) {
        self.function = function
        self.overloads = overloads
        self.operands = operands
    }

    func evaluate(_ evaluation: Evaluation) throws(EvaluationError) -> CELValue {
        let arguments = try Arguments(evaluating: operands, evaluation)
        let fitting = overloads.first { !$0.isGuarded || $0.takes(arguments) }
        guard let overload = fitting, let implementation = overload.implementation else {
            throw .noSuchOverload(function, arguments.values)
        }
        return try evaluation.call(implementation, arguments, overload.cost.whenDispatched)
    }
}

extension Arguments {
    init(evaluating operands: [any Node], _ evaluation: Evaluation) throws(EvaluationError) {
        switch operands.count {
        case 0: self.init()
        case 1: self.init(try operands[0].evaluate(evaluation))
        case 2: self.init(try operands[0].evaluate(evaluation), try operands[1].evaluate(evaluation))
        default:
            var values: [CELValue] = []
            values.reserveCapacity(operands.count)
            for operand in operands { values.append(try operand.evaluate(evaluation)) }
            self.init(values)
        }
    }
}

extension Evaluation {
    func call(
        _ implementation: Overload.Implementation, _ arguments: Arguments, _ cost: CallCost.Actual
    ) throws(EvaluationError) -> CELValue {
        switch cost {
        case .fixed(let units): try charge(units)
        case .arguments(let units): try charge(units(arguments, remaining))
        case .result(let units):
            let result = try implementation(arguments, self)
            try charge(units(result))
            return result
        }
        return try implementation(arguments, self)
    }
}

extension Overload {
    /// Whether the values are of the types of the signature, as far as values tell.
    func takes(_ arguments: Arguments) -> Bool {
        guard arguments.count == parameters.count else { return false }
        for (index, parameter) in parameters.enumerated() where !Self.takes(arguments[index], parameter) { return false }
        return true
    }

    private static func takes(_ value: CELValue, _ type: CELType) -> Bool {
        switch (type, value) {
        case (.dyn, _), (.any, _), (.parameter, _), (.variable, _): true
        case (.wrapper(let inner), _): value.isNull || takes(value, inner)
        case (.list(let element), .list(let list)):
            // The first element speaks for all.
            list.count == 0 || ((try? list.element(0)).map { takes($0, element) } ?? false)
        case (.map(let key, let element), .map(let map)):
            map.keys().first.map { first in
                takes(first, key) && ((try? map.find(first)).flatMap { $0 }.map { takes($0, element) } ?? false)
            } ?? true
        default: type.runtimeName == value.typeName
        }
    }
}

extension CELValue {
    var isNull: Bool { if case .null = self { true } else { false } }
}
