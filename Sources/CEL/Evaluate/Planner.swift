internal import OrderedCollections

/// Makes a checked tree into nodes: variables become places, constants are evaluated, patterns compiled.
struct Planner {
    private let checked: CheckedExpression
    private let environment: Environment
    private(set) var localCount = 0
    private var scopes: [(name: String, node: LocalNode)] = []
    /// The variables of the environment that the expression uses.
    private(set) var used: Set<Int> = []

    init(_ checked: CheckedExpression, _ environment: Environment) {
        self.checked = checked
        self.environment = environment
    }

    /// A part of the plan that what stands around it may still change.
    private enum Part {
        case constant(CELValue)
        case node(any Node)
        case chain(root: any Node, rootCost: UInt64, [ChainNode.Step])

        var constant: CELValue? { if case .constant(let value) = self { value } else { nil } }
    }

    /// - Throws: where a constant part of the expression has no value.
    mutating func plan(_ expression: Expression) throws(EvaluationError) -> any Node { node(try part(expression)) }

    private func node(_ part: Part, isResolved: Bool = false) -> any Node {
        switch part {
        case .constant(let value): ConstantNode(value)
        case .node(let node): node
        case .chain(let root, let cost, let steps): ChainNode(root, rootCost: isResolved ? 0 : cost, steps, isTest: false)
        }
    }

    private mutating func part(_ expression: Expression) throws(EvaluationError) -> Part {
        switch expression.kind {
        case .literal(let value): return .constant(value)
        case .identifier(let name): return reference(expression, name)
        case .select(let operand, let field, let isTest):
            if checked.reference(of: expression) != nil { return reference(expression, expression.qualifiedName ?? field) }
            let step = ChainNode.Step(key: .constant(.string(field)), isOptional: false)
            guard case .chain(let root, let cost, let steps) = extended(try part(operand), by: step) else { fatalError("a chain was made") }
            return isTest ? .node(ChainNode(root, rootCost: 0, steps, isTest: true)) : .chain(root: root, rootCost: cost, steps)
        case .call(let call): return try self.call(expression, call)
        case .list(let elements, let optional): return try list(elements, optional)
        case .map(let entries): return try map(entries)
        case .structure(let name, let fields): return .node(try structure(expression, name, fields))
        case .comprehension(let comprehension): return try self.comprehension(comprehension)
        case .missing: return .node(FailingNode(.noSuchOverload))
        }
    }

    private func extended(_ part: Part, by step: ChainNode.Step) -> Part {
        switch part {
        case .constant(let value): .chain(root: ConstantNode(value), rootCost: 1, [step])
        case .node(let node): .chain(root: node, rootCost: 1, [step])
        case .chain(let root, let cost, let steps): .chain(root: root, rootCost: cost, steps + [step])
        }
    }

    private mutating func reference(_ expression: Expression, _ name: String) -> Part {
        switch checked.reference(of: expression) {
        case .variable(let slot):
            used.insert(slot)
            return .chain(root: InputNode(slot, environment.variables[slot].name), rootCost: 1, [])
        case .type(let name): return .constant(.type(name))
        case .local(let name):
            if let local = scopes.last(where: { $0.name == name }) { return .chain(root: local.node, rootCost: 1, []) }
        case .function, nil: break
        }
        return .node(FailingNode(EvaluationError("no such attribute(s): \(name)")))
    }

    // MARK: Literals

    private mutating func list(_ elements: [Expression], _ optional: Set<Int>) throws(EvaluationError) -> Part {
        var parts: [Part] = []
        for element in elements { parts.append(try part(element)) }
        let constants = parts.compactMap(\.constant)
        if constants.count == parts.count, optional.isEmpty { return .constant(.list(ListValue(constants))) }
        return .node(ListNode(parts.map { node($0) }, optional: optional))
    }

    private mutating func map(_ entries: [MapEntry]) throws(EvaluationError) -> Part {
        var nodes: [MapNode.Entry] = []
        var isConstant = true
        for entry in entries {
            let (key, value) = (try part(entry.key), try part(entry.value))
            isConstant = isConstant && key.constant != nil && value.constant != nil && !entry.isOptional
            nodes.append(MapNode.Entry(key: node(key), value: node(value), isOptional: entry.isOptional))
        }
        let map = MapNode(nodes)
        return isConstant ? .constant(try map.evaluate(Self.free)) : .node(map)
    }

    private mutating func structure(
        _ expression: Expression, _ name: String, _ fields: [StructureField]
    ) throws(EvaluationError) -> any Node {
        guard case .type(let name)? = checked.reference(of: expression), let types = environment.structures, types.has(name) else {
            return FailingNode(EvaluationError("unknown type '\(name)'"))
        }
        var nodes: [StructureNode.Field] = []
        for field in fields {
            nodes.append(StructureNode.Field(name: field.name, value: try plan(field.value), isOptional: field.isOptional))
        }
        return StructureNode(name, nodes, types)
    }

    /// An evaluation for what is constant.
    private static var free: Evaluation { Evaluation(inputs: [], localCount: 0, limit: CostLimit.perCall) }

    // MARK: Calls

    private mutating func call(_ expression: Expression, _ call: Call) throws(EvaluationError) -> Part {
        let operands = call.operands
        var parts: [Part] = []
        for operand in operands { parts.append(try part(operand)) }
        switch call.function {
        case Operator.and: return .node(LogicNode(parts.map { node($0) }, decisive: false))
        case Operator.or: return .node(LogicNode(parts.map { node($0) }, decisive: true))
        case Operator.conditional:
            // What the branches select is not charged for as a whole, only step by step.
            return .chain(
                root: ConditionalNode(node(parts[0]), node(parts[1], isResolved: true), node(parts[2], isResolved: true)), rootCost: 0, [])
        case Operator.equals: return .node(EqualityNode(node(parts[0]), node(parts[1]), isNegated: false))
        case Operator.notEquals: return .node(EqualityNode(node(parts[0]), node(parts[1]), isNegated: true))
        case Operator.index, Operator.optionalIndex, Operator.optionalSelect:
            let key = parts[1].constant.map(ChainNode.Step.Key.constant) ?? .node(node(parts[1], isResolved: true))
            return extended(parts[0], by: ChainNode.Step(key: key, isOptional: call.function != Operator.index))
        default: break
        }
        let overloads = checked.overloads(of: expression)
        if call.function == Operator.in, overloads.count == 1, overloads[0].id == "in_list", let part = membership(parts) { return part }
        if overloads.allSatisfy({ $0.id == "optional_or_optional" || $0.id == "optional_orValue_value" }), overloads.count == 1 {
            return .node(OptionalOrNode(node(parts[0]), node(parts[1]), unwraps: call.function == "orValue"))
        }
        let result = try self.function(call.function, overloads, operands, parts)
        if Self.conversions.contains(call.function), parts.count == 1, parts[0].constant != nil {
            return .constant(try result.evaluate(Self.free))
        }
        return .node(result)
    }

    private static let conversions: Set<String> = [
        "bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp", "type", "uint",
    ]

    private func membership(_ parts: [Part]) -> Part? {
        guard case .list(let list)? = parts[1].constant, let values = try? list.values() else { return nil }
        if values.isEmpty { return .constant(.bool(false)) }
        var members: Set<ScalarKey> = []
        for value in values {
            switch value {
            case .bool, .int, .uint, .double, .string: if let key = ScalarKey(value) { members.insert(key) }
            default: return nil
            }
        }
        return .node(MembershipNode(node(parts[0]), members))
    }

    private func function(
        _ name: String, _ overloads: [Overload], _ operands: [Expression], _ parts: [Part]
    ) throws(EvaluationError) -> any Node {
        let nodes = parts.map { node($0) }
        guard overloads.count == 1, let overload = overloads.first else { return DispatchNode(name, overloads, nodes) }
        // A constant pattern is compiled once.
        if let preparation = overload.preparation, parts.count > 1, let constant = parts[1].constant {
            return CallNode(overload, try preparation.make(constant), nodes, guardedName: nil)
        }
        guard let implementation = overload.implementation else { return FailingNode(.noSuchOverload(name)) }
        let isKnown = zip(operands, overload.parameters).allSatisfy { operand, parameter in
            switch parameter {
            case .dyn, .any, .parameter: true
            default: !checked.type(of: operand).isDyn
            }
        }
        return CallNode(overload, implementation, nodes, guardedName: isKnown || !overload.isGuarded ? nil : name)
    }

    // MARK: Comprehensions

    private mutating func local(_ name: String, initial: (any Node)? = nil) -> Int {
        let slot = localCount
        localCount += 1
        scopes.append((name, LocalNode(slot, initial: initial)))
        return slot
    }

    private mutating func comprehension(_ comprehension: Comprehension) throws(EvaluationError) -> Part {
        let outer = scopes
        defer { scopes = outer }
        if comprehension.form == .bind {
            let initial = try plan(comprehension.initial)
            let slot = local(comprehension.accumulator, initial: initial)
            return .node(BindNode(slot, try plan(comprehension.result)))
        }
        let range = try plan(comprehension.range)
        let initial = try plan(comprehension.initial)
        let accumulator = local(comprehension.accumulator)
        let inner = scopes
        let variable = local(comprehension.variable)
        let second = comprehension.secondVariable.map { local($0) }
        let loop = Loop(range: range, variable: variable, secondVariable: second)
        switch comprehension.form {
        case .all, .exists:
            guard case .call(let step) = comprehension.step.kind else { fatalError("the step of a quantifier is a call") }
            return .node(QuantifierNode(loop, try plan(step.arguments[1]), isAll: comprehension.form == .all))
        case .list, .map: return .node(try collection(comprehension, loop))
        case .fold, .bind:
            let step = try plan(comprehension.step)
            scopes = inner
            return .node(
                FoldNode(loop, accumulator: accumulator, initial: initial, step: step, result: try plan(comprehension.result)))
        }
    }

    /// The parts of a step that appends or inserts, perhaps under a condition.
    private mutating func collection(_ comprehension: Comprehension, _ loop: Loop) throws(EvaluationError) -> any Node {
        guard case .call(var step) = comprehension.step.kind else { fatalError("the step of a collection is a call") }
        var filter: (any Node)?
        if step.function == Operator.conditional, case .call(let inner) = step.arguments[1].kind {
            filter = try plan(step.arguments[0])
            step = inner
        }
        if comprehension.form == .map {
            let key = step.arguments.count == 3 ? try plan(step.arguments[1]) : nil
            return CollectMapNode(loop, filter: filter, key: key, try plan(step.arguments[step.arguments.count - 1]))
        }
        guard case .list(let elements, _) = step.arguments[1].kind else { fatalError("a list is appended") }
        return CollectListNode(loop, filter: filter, try plan(elements[0]))
    }
}
