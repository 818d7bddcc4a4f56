extension Macro {
    /// The macros of the language itself.
    static let standard: [Macro] = [
        .global("has", 1) { builder, _, arguments throws(MacroError) in
            guard case .select(let operand, let field, _) = arguments[0].kind else {
                throw builder.issue("invalid argument to has() macro", arguments[0])
            }
            return try builder.node(.select(operand, field: field, isTest: true))
        },
        .method("all", 2) { builder, target, arguments throws(MacroError) in try quantifier(.all, &builder, target!, arguments) },
        .method("exists", 2) { builder, target, arguments throws(MacroError) in try quantifier(.exists, &builder, target!, arguments) },
        .method("exists_one", 2) { builder, target, arguments throws(MacroError) in try count(&builder, target!, arguments) },
        .method("map", 2) { builder, target, arguments throws(MacroError) in
            try collect(&builder, target!, arguments[0], filter: nil, arguments[1])
        },
        .method("map", 3) { builder, target, arguments throws(MacroError) in
            try collect(&builder, target!, arguments[0], filter: arguments[1], arguments[2])
        },
        .method("filter", 2) { builder, target, arguments throws(MacroError) in
            try collect(&builder, target!, arguments[0], filter: arguments[1], arguments[0])
        },
    ]

    /// `list.map(element, filter, transform)`: a list of what elements that pass become.
    static func collect(
        _ builder: inout MacroBuilder, _ range: Expression, _ variable: Expression, filter: Expression?, _ transform: Expression
    ) throws(MacroError) -> Expression {
        let name = try builder.variable(variable, "argument is not an identifier")
        return try builder.fold(.list, range, name, nil, filter: filter) { builder throws(MacroError) in
            try builder.call(Operator.add, builder.accumulator(), builder.list(transform))
        }
    }

    private static let quantifierName = "argument must be a simple name"

    private static func quantifier(
        _ form: Comprehension.Form, _ builder: inout MacroBuilder, _ range: Expression, _ arguments: [Expression]
    ) throws(MacroError) -> Expression {
        let name = try builder.variable(arguments[0], quantifierName)
        return try builder.quantifier(form, range, name, nil, arguments[1])
    }

    private static func count(
        _ builder: inout MacroBuilder, _ range: Expression, _ arguments: [Expression]
    ) throws(MacroError) -> Expression {
        let name = try builder.variable(arguments[0], quantifierName)
        return try builder.existsOne(range, name, nil, arguments[1])
    }
}

extension MacroBuilder {
    /// A loop that ends as soon as one element decides.
    mutating func quantifier(
        _ form: Comprehension.Form, _ range: Expression, _ first: String, _ second: String?, _ predicate: Expression
    ) throws(MacroError) -> Expression {
        let isAll = form == .all
        let undecided = isAll ? try accumulator() : try call(Operator.not, accumulator())
        return try node(
            .comprehension(
                Comprehension(
                    form: form, range: range, variable: first, secondVariable: second, accumulator: Comprehension.accumulatorName,
                    initial: literal(.bool(isAll)), condition: call(Operator.notStrictlyFalse, undecided),
                    step: call(isAll ? Operator.and : Operator.or, accumulator(), predicate), result: accumulator())))
    }

    /// A loop that counts the elements that pass, and is true for one.
    mutating func existsOne(
        _ range: Expression, _ first: String, _ second: String?, _ predicate: Expression
    ) throws(MacroError) -> Expression {
        let step = try call(
            Operator.conditional, predicate, call(Operator.add, accumulator(), literal(.int(1))), accumulator())
        return try node(
            .comprehension(
                Comprehension(
                    form: .fold, range: range, variable: first, secondVariable: second, accumulator: Comprehension.accumulatorName,
                    initial: literal(.int(0)), condition: literal(.bool(true)), step: step,
                    result: call(Operator.equals, accumulator(), literal(.int(1))))))
    }

    /// A loop over every element that makes a list or a map; elements that do not pass `filter` leave it as it is.
    mutating func fold(
        _ form: Comprehension.Form, _ range: Expression, _ first: String, _ second: String?, filter: Expression?,
        _ step: (inout MacroBuilder) throws(MacroError) -> Expression
    ) throws(MacroError) -> Expression {
        let initial = form == .map ? try node(.map([])) : try list()
        var step = try step(&self)
        if let filter { step = try call(Operator.conditional, filter, step, accumulator()) }
        return try node(
            .comprehension(
                Comprehension(
                    form: form, range: range, variable: first, secondVariable: second, accumulator: Comprehension.accumulatorName,
                    initial: initial, condition: literal(.bool(true)), step: step, result: accumulator())))
    }
}
