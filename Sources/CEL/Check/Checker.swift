/// Finds the type of every node of a tree, and what each name and call in it means.
struct Checker {
    /// A type that would be written with more parts than this is dyn: small expressions can name types that hold each other over and over.
    private static let largestType = 1000

    let environment: Environment
    private(set) var issues = Issues()
    private var substitution = Substitution()
    private var types: [CELType?]
    private var references: [Reference?]
    private var locals: [(name: String, type: CELType)] = []

    static func check(_ tree: Expression, count: Int, in environment: Environment) -> (CheckedExpression, Issues) {
        var checker = Checker(count: count, environment)
        checker.check(tree)
        let types = checker.types.map { $0.map { checker.substitution.resolve($0, freeToDyn: true) } ?? .error }
        return (CheckedExpression(tree: tree, types: types, references: checker.references), checker.issues)
    }

    private init(count: Int, _ environment: Environment) {
        self.environment = environment
        types = Array(repeating: nil, count: count)
        references = Array(repeating: nil, count: count)
    }

    // MARK: Notes

    mutating func report(_ message: String, at offset: Int) { issues.report(message, at: offset) }
    private mutating func undeclared(_ name: String, at offset: Int) {
        report("undeclared reference to '\(name)' (in container '')", at: offset)
    }
    private mutating func mismatch(_ expected: CELType, _ found: CELType, at offset: Int) {
        report("expected type '\(expected.label)' but found '\(found.label)'", at: offset)
    }

    private func type(of expression: Expression) -> CELType { types[expression.id] ?? .error }
    private mutating func set(_ expression: Expression, _ type: CELType) { types[expression.id] = bounded(type) }
    private mutating func set(_ expression: Expression, _ type: CELType, _ reference: Reference) {
        set(expression, type)
        references[expression.id] = reference
    }

    private func bounded(_ type: CELType) -> CELType {
        var budget = Self.largestType
        func count(_ type: CELType) {
            budget -= 1
            for parameter in type.parameters where budget >= 0 { count(parameter) }
        }
        count(type)
        return budget >= 0 ? type : .dyn
    }

    /// What a name means here: the innermost local variable, a variable, or a type.
    private func lookUp(_ name: String) -> (type: CELType, reference: Reference)? {
        let name = name.hasPrefix(".") ? String(name.dropFirst()) : name
        if let local = locals.last(where: { $0.name == name }) { return (local.type, .local(name)) }
        if let slot = environment.variables.lastIndex(where: { $0.name == name }) {
            return (environment.variables[slot].type.type, .variable(slot))
        }
        if environment.objects[name] != nil || environment.structures?.has(name) == true {
            return (.type(.object(name)), .type(name))
        }
        if let type = environment.typeNames[name] { return (.type(type), .type(name)) }
        return nil
    }

    // MARK: Nodes

    private mutating func check(_ expression: Expression) {
        switch expression.kind {
        case .literal(let value): set(expression, Self.type(of: value))
        case .identifier(let name):
            guard let (type, reference) = lookUp(name) else {
                undeclared(name, at: expression.offset)
                return set(expression, .error)
            }
            set(expression, type, reference)
        case .select(let operand, let field, let isTest): check(expression, select: field, of: operand, isTest: isTest)
        case .call(let call): check(expression, call)
        case .list(let elements, let optional): check(expression, list: elements, optional)
        case .map(let entries): check(expression, map: entries)
        case .structure(let name, let fields): check(expression, structure: name, fields)
        case .comprehension(let comprehension): check(expression, comprehension)
        case .missing: set(expression, .error)
        }
    }

    private static func type(of literal: CELValue) -> CELType {
        switch literal {
        case .null: .null
        case .bool: .bool
        case .int: .int
        case .uint: .uint
        case .double: .double
        case .string: .string
        case .bytes: .bytes
        default: .dyn
        }
    }

    // MARK: Fields

    private mutating func check(_ expression: Expression, select field: String, of operand: Expression, isTest: Bool) {
        // A name with dots in it comes before a field.
        if !isTest, let name = expression.qualifiedName, let (type, reference) = lookUp(name) {
            return set(expression, type, reference)
        }
        let type = self.field(field, of: operand, at: expression.offset, isOptional: false)
        set(expression, isTest ? .bool : substitution.resolve(type))
    }

    private mutating func field(_ field: String, of operand: Expression, at offset: Int, isOptional: Bool) -> CELType {
        check(operand)
        let operandType = substitution.resolve(type(of: operand))
        let target = operandType.unwrapped ?? operandType
        let result: CELType
        switch target {
        case .map(_, let value): result = value
        case .object(let name): result = fieldType(field, of: name, at: offset) ?? .error
        case .variable, .parameter:
            _ = substitution.unify(.dyn, target)
            result = .dyn
        default:
            if !target.isDynOrError { report("type '\(target.label)' does not support field selection", at: offset) }
            result = .dyn
        }
        return isOptional || operandType.unwrapped != nil ? .optional(result) : result
    }

    private mutating func fieldType(_ field: String, of object: String, at offset: Int) -> CELType? {
        if let declared = environment.objects[object] {
            if let type = declared.field(field)?.type { return type }
        } else if let structures = environment.structures, structures.has(object) {
            if let type = structures.field(field, of: object) { return type }
        } else {
            report("unexpected failed resolution of '\(object)'", at: offset)
            return nil
        }
        report("undefined field '\(field)'", at: offset)
        return nil
    }

    // MARK: Calls

    private mutating func check(_ expression: Expression, _ call: Call) {
        if call.function == Operator.optionalSelect, call.target == nil, case .string(let name)? = call.arguments.last?.literal {
            let type = self.field(name, of: call.arguments[0], at: expression.offset, isOptional: true)
            set(call.arguments[1], .string)
            return set(expression, substitution.resolve(type), .function([]))
        }
        for argument in call.arguments { check(argument) }
        // A function with dots in its name comes before a method.
        if let prefix = call.target?.qualifiedName, let function = environment.functions[Self.bare("\(prefix).\(call.function)")] {
            expression.kind = .call(Call(function: function.name, arguments: call.arguments))
            return resolve(expression, function, target: nil, call.arguments)
        }
        if let target = call.target { check(target) }
        guard let function = environment.functions[Self.bare(call.function)] else {
            undeclared(call.function, at: expression.offset)
            return set(expression, .error)
        }
        if function.name != call.function {
            expression.kind = .call(Call(function: function.name, target: call.target, arguments: call.arguments))
        }
        resolve(expression, function, target: call.target, call.arguments)
    }

    private static func bare(_ name: String) -> String { name.hasPrefix(".") ? String(name.dropFirst()) : name }

    /// Finds the overloads that fit the types of the operands. Where these are not known, several may.
    private mutating func resolve(_ expression: Expression, _ function: Function, target: Expression?, _ arguments: [Expression]) {
        let operands = (target.map { [$0] } ?? []) + arguments
        let operandTypes = operands.map { type(of: $0) }
        var result: CELType?
        var fitting: [Overload] = []
        for overload in function.overloads where overload.isMethod == (target != nil) {
            if function.name == Operator.and || function.name == Operator.or {
                return checkLogic(expression, overload, operands)
            }
            let signature = substitution.instantiate([overload.result] + overload.parameters)
            guard substitution.unify(operandTypes, Array(signature.dropFirst())) else { continue }
            fitting.append(overload)
            let type = substitution.resolve(signature[0])
            if result == nil {
                result = type
            } else if let known = result, !known.isDyn, known != type {
                result = .dyn
            }
        }
        guard let result else {
            let types = operandTypes.map { substitution.resolve($0, freeToDyn: true).label }
            let signature = (target == nil ? "" : "\(types[0]).") + "(\(types.dropFirst(target == nil ? 0 : 1).joined(separator: ", ")))"
            report("found no matching overload for '\(function.name)' applied to '\(signature)'", at: expression.offset)
            return set(expression, .error)
        }
        set(expression, result, .function(fitting))
    }

    private mutating func checkLogic(_ expression: Expression, _ overload: Overload, _ operands: [Expression]) {
        var isGood = true
        for operand in operands where !substitution.unify(type(of: operand), .bool) {
            mismatch(.bool, substitution.resolve(type(of: operand)), at: operand.offset)
            isGood = false
        }
        if isGood { set(expression, .bool, .function([overload])) } else { set(expression, .error) }
    }

    // MARK: Literals

    /// The type of elements of both types.
    private mutating func join(_ previous: CELType?, _ current: CELType) -> CELType {
        guard let previous else { return current }
        return substitution.unify(previous, current) ? Substitution.moreGeneral(previous, current) : .dyn
    }

    /// The type of what an optional element holds.
    private mutating func unwrapped(_ value: Expression) -> CELType {
        let type = type(of: value)
        if let inner = type.unwrapped { return inner }
        if !type.isDyn { mismatch(.optional(type), type, at: value.offset) }
        return type
    }

    private mutating func check(_ expression: Expression, list elements: [Expression], _ optional: Set<Int>) {
        var element: CELType?
        for (index, child) in elements.enumerated() {
            check(child)
            element = join(element, optional.contains(index) ? unwrapped(child) : type(of: child))
        }
        set(expression, .list(element ?? substitution.newVariable()))
    }

    private mutating func check(_ expression: Expression, map entries: [MapEntry]) {
        var key: CELType?
        var value: CELType?
        for entry in entries {
            check(entry.key)
            key = join(key, type(of: entry.key))
            check(entry.value)
            value = join(value, entry.isOptional ? unwrapped(entry.value) : type(of: entry.value))
        }
        set(expression, .map(key ?? substitution.newVariable(), value ?? substitution.newVariable()))
    }

    private mutating func check(_ expression: Expression, structure name: String, _ fields: [StructureField]) {
        guard let (type, reference) = lookUp(name) else {
            undeclared(name, at: expression.offset)
            return set(expression, .error)
        }
        var object: String?
        switch (type, reference) {
        case (.type(.object(let name)?), .type):
            object = name
            set(expression, .object(name), reference)
        case (.type(let inner?), .type):
            report("'\(inner.label)' is not a message type", at: expression.offset)
            set(expression, .error)
        default:
            report("'\(type.label)' is not a type", at: expression.offset)
            set(expression, .error)
        }
        for field in fields {
            check(field.value)
            guard let object, let wanted = fieldType(field.name, of: object, at: field.offset) else { continue }
            let given = field.isOptional ? unwrapped(field.value) : self.type(of: field.value)
            if !substitution.unify(wanted, given) {
                report(
                    "expected type of field '\(field.name)' is '\(wanted.label)' but provided type is '\(substitution.resolve(given).label)'",
                    at: field.offset)
            }
        }
    }

    // MARK: Comprehensions

    private mutating func check(_ expression: Expression, _ comprehension: Comprehension) {
        check(comprehension.range)
        check(comprehension.initial)
        let range = substitution.resolve(type(of: comprehension.range))
        let accumulator = type(of: comprehension.initial)
        let (first, second) = elementTypes(of: range, hasSecond: comprehension.secondVariable != nil, at: comprehension.range.offset)
        locals.append((comprehension.accumulator, accumulator))
        locals.append((comprehension.variable, first))
        if let name = comprehension.secondVariable { locals.append((name, second)) }
        check(comprehension.condition)
        require(comprehension.condition, .bool)
        check(comprehension.step)
        require(comprehension.step, accumulator)
        locals.removeLast(comprehension.secondVariable == nil ? 1 : 2)
        check(comprehension.result)
        locals.removeLast()
        set(expression, substitution.resolve(type(of: comprehension.result)))
    }

    private mutating func elementTypes(of range: CELType, hasSecond: Bool, at offset: Int) -> (CELType, CELType) {
        switch range {
        case .list(let element): return hasSecond ? (.int, element) : (element, .error)
        case .map(let key, let value): return (key, value)
        case .dyn, .any, .error, .variable, .parameter:
            _ = substitution.unify(.dyn, range)
            return (.dyn, .dyn)
        default:
            report("expression of type '\(range.label)' cannot be range of a comprehension (must be list, map, or dynamic)", at: offset)
            return (.error, .error)
        }
    }

    private mutating func require(_ expression: Expression, _ wanted: CELType) {
        let found = type(of: expression)
        if !substitution.unify(wanted, found) { mismatch(wanted, found, at: expression.offset) }
    }
}

/// A tree with what the checker found out, by the numbers of its nodes.
struct CheckedExpression {
    let tree: Expression
    let types: [CELType]
    let references: [Reference?]

    var type: CELType { types[tree.id] }
    func type(of expression: Expression) -> CELType { types[expression.id] }
    func reference(of expression: Expression) -> Reference? { references[expression.id] }

    func overloads(of expression: Expression) -> [Overload] {
        if case .function(let overloads)? = references[expression.id] { overloads } else { [] }
    }
}

/// What a name or a call means.
enum Reference {
    /// A variable of the environment, by its place.
    case variable(Int)
    case local(String)
    case type(String)
    case function([Overload])
}
