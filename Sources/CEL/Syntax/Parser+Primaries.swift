// Names, literals, lists, maps and messages.
extension Parser {
    mutating func primary() throws(Stop) -> Expression {
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
    mutating func name() throws(Stop) -> Expression {
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

    mutating func literal() throws(Stop) -> Expression {
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

    mutating func list() throws(Stop) -> Expression {
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

    mutating func map() throws(Stop) -> Expression {
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
}
