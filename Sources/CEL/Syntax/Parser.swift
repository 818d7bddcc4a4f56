/// Makes a syntax tree of tokens, expanding macros on the way.
///
/// Syntax errors read as upstream's generated parser tells them. The first one that cannot be mended by leaving out or putting in a single token
/// ends the parse; upstream goes on and may tell of more.
struct Parser {
    static let longestExpression = 100_000
    static let deepestNesting = 250
    /// Macros may write a part of an expression twice; what they make of it all is bounded by this many nodes.
    static let mostNodes = 200_000

    /// Ends the parse; what is wrong has been reported.
    struct Stop: Error {}

    let source: SourceText
    private let tokens: [Token]
    private var position = 0
    private let macros: [MacroKey: Macro]
    /// How many expressions stand inside each other here, and how many operators and selections.
    private var expressionDepth = 0
    private var operatorDepth = 0
    private var nodeCount = 0
    private var issues: Issues
    /// What ends the brackets and conditionals that the parse stands in, and whether a comma may stand there. The innermost is last.
    private var enclosing: [(closer: TokenKind, hasCommas: Bool)] = []

    /// - Returns: the tree and the number of its nodes, or what is wrong with the text.
    static func parse(_ source: SourceText, macros: [MacroKey: Macro]) -> (tree: Expression, count: Int, issues: Issues) {
        var parser = Parser(source, macros)
        var tree: Expression?
        do throws(Stop) {
            let size = source.scalarCount
            guard size <= longestExpression else {
                throw parser.stop(
                    "expression code point size exceeds limit: size: \(size), limit \(longestExpression)", at: SourceText.nowhere)
            }
            tree = try parser.expression()
            try parser.end()
        } catch {}
        return (tree ?? Expression(id: 0, offset: 0, .missing), parser.nodeCount, parser.issues)
    }

    private init(_ source: SourceText, _ macros: [MacroKey: Macro]) {
        self.source = source
        self.macros = macros
        guard source.bytes.count <= Self.longestExpression * 4 else {
            (tokens, issues) = ([Token(kind: .end, range: 0..<0)], Issues())
            return
        }
        var lexer = Lexer(source)
        tokens = lexer.tokens()
        issues = lexer.issues
    }

    // MARK: Nodes and messages

    /// A new node of the tree.
    mutating func node(_ offset: Int, _ kind: Expression.Kind) throws(Stop) -> Expression {
        guard nodeCount < Self.mostNodes else {
            throw stop("expression is too large with its macros expanded: limit \(Self.mostNodes)", at: SourceText.nowhere)
        }
        defer { nodeCount += 1 }
        return Expression(id: nodeCount, offset: offset, kind)
    }

    mutating func report(_ message: String, at offset: Int) { issues.report(message, at: offset) }

    private mutating func stop(_ message: String, at offset: Int) -> Stop {
        report(message, at: offset)
        return Stop()
    }

    /// A missing node, and the message of why.
    private mutating func missing(_ message: String, at offset: Int) throws(Stop) -> Expression {
        report(message, at: offset)
        return try node(offset, .missing)
    }

    /// Goes one operator or selection deeper into the tree. What parses the chain comes back up at its end.
    private mutating func descend() throws(Stop) {
        operatorDepth += 1
        if operatorDepth > Self.deepestNesting { throw stop("max recursion depth exceeded", at: SourceText.nowhere) }
    }

    // MARK: Tokens

    private var token: Token { tokens[position] }
    private func kind(ahead count: Int) -> TokenKind { tokens[min(position + count, tokens.count - 1)].kind }
    private func text(_ token: Token) -> String { source.text(token.range) }
    private func display(_ token: Token) -> String { token.kind == .end ? "'<EOF>'" : "'\(TokenText.escape(text(token)))'" }

    private mutating func advance() -> Token {
        defer { if token.kind != .end { position += 1 } }
        return token
    }

    private mutating func accept(_ kind: TokenKind) -> Token? { token.kind == kind ? advance() : nil }

    private static func list(_ expected: Set<TokenKind>) -> String {
        expected.count == 1 ? expected.first!.name : "{\(expected.sorted().map(\.name).joined(separator: ", "))}"
    }

    /// The message for a token that cannot stand here. Where the next one could, it is left out and the parse goes on.
    private mutating func unexpected(expecting expected: Set<TokenKind>) throws(Stop) {
        let isExtraneous = token.kind != .end && expected.contains(kind(ahead: 1))
        report(
            "Syntax error: \(isExtraneous ? "extraneous" : "mismatched") input \(display(token)) expecting \(Self.list(expected))",
            at: token.range.lowerBound)
        guard isExtraneous else { throw Stop() }
        position += 1
    }

    /// Takes the one token that may stand here. If what stands here may follow it, it counts as forgotten and the parse goes on.
    private mutating func expect(_ kind: TokenKind, mayBeForgotten: Bool = false) throws(Stop) {
        if accept(kind) != nil { return }
        if token.kind != .end, self.kind(ahead: 1) == kind {
            try unexpected(expecting: [kind])
            position += 1
        } else if mayBeForgotten {
            report("Syntax error: missing \(kind.name) at \(display(token))", at: token.range.lowerBound)
        } else {
            try unexpected(expecting: [kind])
        }
    }

    private mutating func end() throws(Stop) {
        if token.kind != .end { try unexpected(expecting: [.end]) }
    }

    /// An expression inside what ends with `closer`.
    private mutating func expression(before closer: TokenKind, hasCommas: Bool = false) throws(Stop) -> Expression {
        enclosing.append((closer, hasCommas))
        let expression = try expression()
        enclosing.removeLast()
        return expression
    }

    /// Whether what is read so far would be whole if a closing bracket stood before this token.
    private var mayFollowOperand: Bool {
        switch token.kind {
        case .dot, .leftBracket, .question, .or, .and, .minus: true
        case .end: enclosing.isEmpty
        case .comma: enclosing.last?.hasCommas ?? false
        default: token.kind == enclosing.last?.closer || Operator.isBinary(token.kind)
        }
    }

    // MARK: Operators

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
    private mutating func chain(
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

    private mutating func reportNoViable(after text: String) {
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

    private mutating func selection(_ operand: Expression) throws(Stop) -> Expression {
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

    private mutating func noField(after dot: Token, isOptional: Bool) -> Stop {
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
    private mutating func arguments() throws(Stop) -> [Expression] {
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

    // MARK: Primaries

    private mutating func primary() throws(Stop) -> Expression {
        if !TokenKind.expressionStart.contains(token.kind) || token.kind == .exclamation {
            try unexpected(expecting: TokenKind.expressionStart)
        }
        let start = token
        switch start.kind {
        case .leftParenthesis:
            position += 1
            let inner = try expression(before: .rightParenthesis)
            try expect(.rightParenthesis, mayBeForgotten: mayFollowOperand)
            return inner
        case .leftBracket: return try list()
        case .leftBrace: return try map()
        case .identifier, .dot: return try name()
        default: return try literal()
        }
    }

    /// An identifier, a call of a function, or the construction of an object.
    private mutating func name() throws(Stop) -> Expression {
        let start = token
        let leadingDot = accept(.dot)
        guard token.kind == .identifier else { throw noField(after: leadingDot ?? start, isOptional: false) }
        if let structure = try structure(leadingDot != nil) { return structure }
        let word = advance()
        let identifier = text(word)
        let name = (leadingDot == nil ? "" : ".") + identifier
        if Self.reserved.contains(identifier) {
            report("reserved identifier: \(identifier)", at: start.range.lowerBound)
            if accept(.leftParenthesis) != nil { _ = try arguments() }
            return try node(start.range.lowerBound, .missing)
        }
        guard let open = accept(.leftParenthesis) else { return try node(word.range.lowerBound, .identifier(name)) }
        return try call(name, nil, try arguments(), at: open.range.lowerBound)
    }

    private mutating func literal() throws(Stop) -> Expression {
        let start = token
        let isNegative = accept(.minus) != nil
        let token = advance()
        let offset = start.range.lowerBound
        let value: CELValue?
        switch token.kind {
        case .true: value = .bool(true)
        case .false: value = .bool(false)
        case .null: value = .null
        case .int: value = TokenText.int(text(token), isNegative: isNegative).map(CELValue.int)
        case .uint: value = TokenText.uint(text(token)).map(CELValue.uint)
        case .float: value = TokenText.double(text(token)).map { .double(isNegative ? -$0 : $0) }
        case .string, .bytes:
            do throws(TokenText.Error) {
                let bytes = source.bytes[token.range]
                value = token.kind == .string ? .string(try TokenText.string(bytes)) : .bytes(try TokenText.bytes(bytes))
            } catch {
                return try missing(error.message, at: offset)
            }
        default:
            // A minus before anything but a number, after an exclamation mark.
            position = self.tokens.firstIndex { $0.range == token.range } ?? position
            reportNoViable(after: "-")
            throw Stop()
        }
        if let value { return try node(offset, .literal(value)) }
        let type = token.kind == .int ? "int" : token.kind == .uint ? "uint" : "double"
        return try missing("invalid \(type) literal", at: offset)
    }

    private mutating func list() throws(Stop) -> Expression {
        let bracket = advance()
        var elements: [Expression] = []
        var optional: Set<Int> = []
        if accept(.comma) == nil, token.kind != .rightBracket {
            repeat {
                // A comma may stand before the closing bracket.
                if !elements.isEmpty, token.kind != .question, !TokenKind.expressionStart.contains(token.kind) { break }
                if accept(.question) != nil {
                    optional.insert(elements.count)
                } else if !TokenKind.expressionStart.contains(token.kind) {
                    try unexpected(expecting: TokenKind.expressionStart.union([.rightBracket, .comma, .question]))
                }
                elements.append(try expression(before: .rightBracket, hasCommas: true))
            } while accept(.comma) != nil
        }
        try close(.rightBracket)
        return try node(bracket.range.lowerBound, .list(elements, optional: optional))
    }

    /// The end of a list, a map or an object. After a comma only the bracket may stand.
    private mutating func close(_ bracket: TokenKind) throws(Stop) {
        if accept(bracket) != nil { return }
        if tokens[position - 1].kind == .comma { return try expect(bracket, mayBeForgotten: mayFollowOperand) }
        try unexpected(expecting: [bracket, .comma])
        try close(bracket)
    }

    private mutating func map() throws(Stop) -> Expression {
        let brace = advance()
        var entries: [MapEntry] = []
        try entriesInBraces(start: TokenKind.expressionStart) { parser, isOptional throws(Stop) in
            let key = try parser.expression(before: .colon)
            try parser.expect(.colon, mayBeForgotten: TokenKind.expressionStart.contains(parser.token.kind))
            let value = try parser.expression(before: .rightBrace, hasCommas: true)
            entries.append(MapEntry(key: key, value: value, isOptional: isOptional))
        }
        return try node(brace.range.lowerBound, .map(entries))
    }

    /// `Name{field: value}`, if that is what comes next.
    private mutating func structure(_ hasLeadingDot: Bool) throws(Stop) -> Expression? {
        var ahead = 1
        while kind(ahead: ahead) == .dot, kind(ahead: ahead + 1) == .identifier { ahead += 2 }
        guard kind(ahead: ahead) == .leftBrace else { return nil }
        var name = hasLeadingDot ? "." : ""
        while token.kind != .leftBrace { name += text(advance()) }
        let brace = advance()
        var fields: [StructureField] = []
        try entriesInBraces(start: [.identifier, .escapedIdentifier]) { parser, isOptional throws(Stop) in
            let field = parser.advance()
            if field.kind == .escapedIdentifier { parser.report("unsupported syntax: '`'", at: field.range.lowerBound) }
            let colon = parser.token.range.lowerBound
            try parser.expect(.colon, mayBeForgotten: TokenKind.expressionStart.contains(parser.token.kind))
            let value = try parser.expression(before: .rightBrace, hasCommas: true)
            fields.append(StructureField(name: parser.text(field), value: value, isOptional: isOptional, offset: colon))
        }
        return try node(brace.range.lowerBound, .structure(name: name, fields))
    }

    /// The entries up to the closing brace, each of which may begin with a question mark.
    private mutating func entriesInBraces(
        start: Set<TokenKind>, _ entry: (inout Parser, Bool) throws(Stop) -> Void
    ) throws(Stop) {
        var isFirst = true
        if accept(.comma) == nil, token.kind != .rightBrace {
            repeat {
                if !isFirst, token.kind != .question, !start.contains(token.kind) { break }
                let isOptional = accept(.question) != nil
                if !start.contains(token.kind) {
                    try unexpected(expecting: isOptional ? start : start.union([.rightBrace, .comma, .question]))
                    if accept(.rightBrace) != nil { return }
                }
                isFirst = false
                try entry(&self, isOptional)
            } while accept(.comma) != nil
        }
        try close(.rightBrace)
    }

    /// Words that are kept for other uses and cannot be names of variables or functions.
    private static let reserved: Set<String> = [
        "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop", "package", "namespace",
        "null", "return", "true", "var", "void", "while",
    ]

    // MARK: Calls

    /// A call, or what the macro of that name makes of it.
    private mutating func call(
        _ function: String, _ target: Expression?, _ arguments: [Expression], at offset: Int
    ) throws(Stop) -> Expression {
        let key = MacroKey(name: function, argumentCount: arguments.count, isMethod: target != nil)
        if let macro = macros[key] {
            do throws(MacroError) {
                var builder = MacroBuilder(parser: self, offset: offset)
                let expanded = try macro.expand(&builder, target, arguments)
                self = builder.parser
                if let expanded { return expanded }
            } catch {
                switch error {
                case .issue(let issue): return try missing(issue.message, at: issue.offset)
                case .stop(let parser):
                    self = parser
                    throw Stop()
                }
            }
        }
        return try node(offset, .call(Call(function: function, target: target, arguments: arguments)))
    }
}
