/// What a macro is found by.
struct MacroKey: Hashable, Sendable {
    var name: String
    var argumentCount: Int
    var isMethod: Bool
}

/// A call that stands for an expression which no function could be: it names a variable, or does not evaluate all of its arguments.
struct Macro: Sendable {
    typealias Expand = @Sendable (inout MacroBuilder, Expression?, [Expression]) throws(MacroError) -> Expression?

    let key: MacroKey
    /// Returns `nil` where the call is to stay one.
    let expand: Expand

    /// A macro that is called as a method.
    static func method(_ name: String, _ argumentCount: Int, _ expand: @escaping Expand) -> Macro {
        Macro(key: MacroKey(name: name, argumentCount: argumentCount, isMethod: true), expand: expand)
    }

    static func global(_ name: String, _ argumentCount: Int, _ expand: @escaping Expand) -> Macro {
        Macro(key: MacroKey(name: name, argumentCount: argumentCount, isMethod: false), expand: expand)
    }
}

enum MacroError: Error {
    /// The arguments are not what the macro takes.
    case issue(Issue)
    /// The tree grew too large.
    case stop(Parser)
}

/// Makes the nodes that a macro stands for; all of them have the place of its call.
struct MacroBuilder {
    var parser: Parser
    let offset: Int

    mutating func node(_ kind: Expression.Kind, at offset: Int? = nil) throws(MacroError) -> Expression {
        do throws(Parser.Stop) { return try parser.node(offset ?? self.offset, kind) } catch { throw .stop(parser) }
    }

    mutating func identifier(_ name: String) throws(MacroError) -> Expression { try node(.identifier(name)) }
    mutating func accumulator() throws(MacroError) -> Expression { try identifier(Comprehension.accumulatorName) }
    mutating func literal(_ value: CELValue) throws(MacroError) -> Expression { try node(.literal(value)) }
    mutating func list(_ elements: Expression...) throws(MacroError) -> Expression { try node(.list(elements, optional: [])) }

    mutating func call(_ function: String, _ arguments: Expression...) throws(MacroError) -> Expression {
        try node(.call(Call(function: function, arguments: arguments)))
    }

    mutating func method(_ function: String, of target: Expression, _ arguments: Expression...) throws(MacroError) -> Expression {
        try node(.call(Call(function: function, target: target, arguments: arguments)))
    }

    /// The name that an argument is, for a variable.
    func variable(_ argument: Expression, _ complaint: String) throws(MacroError) -> String {
        guard let name = argument.identifier else { throw issue(complaint, argument) }
        if name == Comprehension.accumulatorName || name == "__result__" {
            throw issue("iteration variable overwrites accumulator variable", argument)
        }
        return name
    }

    func issue(_ message: String, _ argument: Expression) -> MacroError { .issue(Issue(offset: argument.offset, message: message)) }

    /// `name` bound to `value` while `body` is evaluated.
    mutating func bind(_ name: String, _ value: Expression, in body: Expression) throws(MacroError) -> Expression {
        try node(
            .comprehension(
                Comprehension(
                    form: .bind, range: list(), variable: "#unused", accumulator: name, initial: value, condition: literal(.bool(false)),
                    step: identifier(name), result: body)))
    }

    /// The same expression again, with nodes of its own.
    mutating func copy(_ expression: Expression) throws(MacroError) -> Expression {
        let kind: Expression.Kind
        switch expression.kind {
        case .literal, .identifier, .missing: kind = expression.kind
        case .select(let operand, let field, let isTest): kind = .select(try copy(operand), field: field, isTest: isTest)
        case .call(var call):
            if let target = call.target { call.target = try copy(target) }
            call.arguments = try copy(call.arguments)
            kind = .call(call)
        case .list(let elements, let optional): kind = .list(try copy(elements), optional: optional)
        case .map(var entries):
            for index in entries.indices {
                entries[index].key = try copy(entries[index].key)
                entries[index].value = try copy(entries[index].value)
            }
            kind = .map(entries)
        case .structure(let name, var fields):
            for index in fields.indices { fields[index].value = try copy(fields[index].value) }
            kind = .structure(name: name, fields)
        case .comprehension(var comprehension):
            comprehension.range = try copy(comprehension.range)
            comprehension.initial = try copy(comprehension.initial)
            comprehension.condition = try copy(comprehension.condition)
            comprehension.step = try copy(comprehension.step)
            comprehension.result = try copy(comprehension.result)
            kind = .comprehension(comprehension)
        }
        return try node(kind, at: expression.offset)
    }

    private mutating func copy(_ expressions: [Expression]) throws(MacroError) -> [Expression] {
        var copies: [Expression] = []
        for expression in expressions { copies.append(try copy(expression)) }
        return copies
    }
}
