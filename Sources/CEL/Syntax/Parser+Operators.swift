// Operators, from the conditional down, and what follows an operand.
extension Parser {
    /// `condition ? one : other`, or what is below it.
    mutating func expression() throws(Stop) -> Expression {
        guard expressionDepth < Self.deepestNesting else {
            throw stop("expression recursion limit exceeded: \(Self.deepestNesting)", at: SourceText.nowhere)
        }
        expressionDepth += 1
        defer { expressionDepth -= 1 }
        let condition = try disjunction()
        guard let question = accept(.question) else { return condition }
        enclosing.append((.colon, false))
        let one = try disjunction()
        enclosing.removeLast()
        try expect(.colon, mayBeForgotten: TokenKind.expressionStart.contains(token.kind))
        let other = try expression()
        return try call(Operator.conditional, nil, [condition, one, other], at: question.range.lowerBound)
    }

    private mutating func disjunction() throws(Stop) -> Expression {
        try logic(.or, Operator.or) { parser throws(Stop) in
            try parser.logic(.and, Operator.and) { parser throws(Stop) in try parser.relation() }
        }
    }

    /// A chain of one logical operator. As upstream does, the terms are made a balanced tree: their order does not count.
    private mutating func logic(
        _ kind: TokenKind, _ function: String, _ term: (inout Parser) throws(Stop) -> Expression
    ) throws(Stop) -> Expression {
        var terms = [try term(&self)]
        var offsets: [Int] = []
        while let sign = accept(kind) {
            offsets.append(sign.range.lowerBound)
            terms.append(try term(&self))
        }
        return offsets.isEmpty ? terms[0] : try balanced(terms, offsets, 0..<offsets.count, function)
    }

    private mutating func balanced(
        _ terms: [Expression], _ offsets: [Int], _ range: Range<Int>, _ function: String
    ) throws(Stop) -> Expression {
        let middle = (range.lowerBound + range.upperBound) / 2
        let left = middle == range.lowerBound ? terms[middle] : try balanced(terms, offsets, range.lowerBound..<middle, function)
        let right =
            middle + 1 == range.upperBound ? terms[middle + 1] : try balanced(terms, offsets, middle + 1..<range.upperBound, function)
        return try node(offsets[middle], .call(Call(function: function, arguments: [left, right])))
    }

    private mutating func relation() throws(Stop) -> Expression {
        try chain(Operator.relations) { parser throws(Stop) in
            try parser.chain(Operator.sums) { parser throws(Stop) in
                try parser.chain(Operator.products) { parser throws(Stop) in try parser.unary() }
            }
        }
    }

    /// A chain of operators of one rank, grouped from the left. Each makes the tree a level deeper.
    mutating func chain(
        _ operators: [TokenKind: String], _ operand: (inout Parser) throws(Stop) -> Expression
    ) throws(Stop) -> Expression {
        var left = try operand(&self)
        let outerDepth = operatorDepth
        defer { operatorDepth = outerDepth }
        while let function = operators[token.kind] {
            let offset = advance().range.lowerBound
            try descend()
            left = try call(function, nil, [left, try operand(&self)], at: offset)
        }
        return left
    }

    private mutating func unary() throws(Stop) -> Expression {
        // A minus before a number belongs to it.
        let startsNumber = token.kind == .minus && (kind(ahead: 1) == .int || kind(ahead: 1) == .float)
        let sign: TokenKind? = token.kind == .exclamation || (token.kind == .minus && !startsNumber) ? token.kind : nil
        guard let sign else { return try member() }
        let offset = token.range.lowerBound
        var count = 0
        while accept(sign) != nil { count += 1 }
        try expectOperand(of: sign)
        let operand = try member()
        if count % 2 == 0 { return operand }
        return try call(sign == .exclamation ? Operator.not : Operator.negate, nil, [operand], at: offset)
    }

    /// Ends the parse if what stands after the signs cannot be an operand.
    private mutating func expectOperand(of sign: TokenKind) throws(Stop) {
        let isOperand = TokenKind.expressionStart.contains(token.kind)
        if isOperand, token.kind != .exclamation { return }
        let offset = token.range.lowerBound
        let expected = Self.list(TokenKind.expressionStart)
        guard sign == .minus else {
            throw stop("Syntax error: extraneous input \(display(token)) expecting \(expected)", at: offset)
        }
        reportNoViable(after: "-")
        if !isOperand { report("Syntax error: mismatched input \(display(token)) expecting \(expected)", at: offset) }
        throw Stop()
    }

    mutating func reportNoViable(after text: String) {
        let seen = TokenText.escape(text + (token.kind == .end ? "" : self.text(token)))
        report("Syntax error: no viable alternative at input '\(seen)'", at: token.range.lowerBound)
    }

    // MARK: Members

    private mutating func member() throws(Stop) -> Expression {
        var operand = try primary()
        let outerDepth = operatorDepth
        defer { operatorDepth = outerDepth }
        while token.kind == .dot || token.kind == .leftBracket {
            try descend()
            operand = token.kind == .dot ? try selection(operand) : try index(operand)
        }
        return operand
    }

    mutating func selection(_ operand: Expression) throws(Stop) -> Expression {
        let dot = advance()
        let isOptional = accept(.question) != nil
        guard let name = accept(.identifier) ?? accept(.escapedIdentifier) else { throw noField(after: dot, isOptional: isOptional) }
        if name.kind == .escapedIdentifier {
            return try missing("unsupported syntax: '`'", at: name.range.lowerBound)
        }
        if isOptional {
            let field = try node(name.range.lowerBound, .literal(.string(text(name))))
            return try node(dot.range.lowerBound, .call(Call(function: Operator.optionalSelect, arguments: [operand, field])))
        }
        if let open = accept(.leftParenthesis) {
            return try call(text(name), operand, try arguments(), at: open.range.lowerBound)
        }
        return try node(dot.range.lowerBound, .select(operand, field: text(name), isTest: false))
    }

    mutating func noField(after dot: Token, isOptional: Bool) -> Stop {
        let words: Set<TokenKind> = [.true, .false, .null]
        let offset = token.range.lowerBound
        if isOptional {
            report("Syntax error: mismatched input \(display(token)) expecting {IDENTIFIER, ESC_IDENTIFIER}", at: offset)
            return stop("unsupported ident kind", at: offset)
        }
        if words.contains(token.kind) {
            return stop("Syntax error: mismatched input \(display(token)) expecting IDENTIFIER", at: offset)
        }
        reportNoViable(after: source.text(dot.range.lowerBound..<(token.kind == .end ? dot.range.upperBound : token.range.lowerBound)))
        return Stop()
    }

    private mutating func index(_ operand: Expression) throws(Stop) -> Expression {
        let bracket = advance()
        let isOptional = accept(.question) != nil
        if !isOptional, !TokenKind.expressionStart.contains(token.kind) {
            try unexpected(expecting: TokenKind.expressionStart.union([.question]))
        }
        let index = try expression(before: .rightBracket)
        try expect(.rightBracket, mayBeForgotten: mayFollowOperand)
        return try call(isOptional ? Operator.optionalIndex : Operator.index, nil, [operand, index], at: bracket.range.lowerBound)
    }

    /// What stands between the parentheses of a call, and the closing one.
    mutating func arguments() throws(Stop) -> [Expression] {
        if accept(.rightParenthesis) != nil { return [] }
        if !TokenKind.expressionStart.contains(token.kind) {
            try unexpected(expecting: TokenKind.expressionStart.union([.rightParenthesis]))
            if accept(.rightParenthesis) != nil { return [] }
        }
        var arguments: [Expression] = []
        repeat { arguments.append(try expression(before: .rightParenthesis, hasCommas: true)) } while accept(.comma) != nil
        try expect(.rightParenthesis, mayBeForgotten: mayFollowOperand)
        return arguments
    }
}
