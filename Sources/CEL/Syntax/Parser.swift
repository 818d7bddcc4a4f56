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
    let tokens: [Token]
    var position = 0
    private let macros: [MacroKey: Macro]
    /// How many expressions stand inside each other here, and how many operators and selections.
    var expressionDepth = 0
    var operatorDepth = 0
    private var nodeCount = 0
    private var issues: Issues
    /// What ends the brackets and conditionals that the parse stands in, and whether a comma may stand there. The innermost is last.
    var enclosing: [(closer: TokenKind, hasCommas: Bool)] = []

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

    mutating func stop(_ message: String, at offset: Int) -> Stop {
        report(message, at: offset)
        return Stop()
    }

    /// A missing node, and the message of why.
    mutating func missing(_ message: String, at offset: Int) throws(Stop) -> Expression {
        report(message, at: offset)
        return try node(offset, .missing)
    }

    /// Goes one operator or selection deeper into the tree. What parses the chain comes back up at its end.
    mutating func descend() throws(Stop) {
        operatorDepth += 1
        if operatorDepth > Self.deepestNesting { throw stop("max recursion depth exceeded", at: SourceText.nowhere) }
    }

    // MARK: Tokens

    var token: Token { tokens[position] }
    func kind(ahead count: Int) -> TokenKind { tokens[min(position + count, tokens.count - 1)].kind }
    func text(_ token: Token) -> String { source.text(token.range) }
    func display(_ token: Token) -> String { token.kind == .end ? "'<EOF>'" : "'\(TokenText.escape(text(token)))'" }

    mutating func advance() -> Token {
        defer { if token.kind != .end { position += 1 } }
        return token
    }

    mutating func accept(_ kind: TokenKind) -> Token? { token.kind == kind ? advance() : nil }

    static func list(_ expected: Set<TokenKind>) -> String {
        expected.count == 1 ? expected.first!.name : "{\(expected.sorted().map(\.name).joined(separator: ", "))}"
    }

    /// The message for a token that cannot stand here. Where the next one could, it is left out and the parse goes on.
    mutating func unexpected(expecting expected: Set<TokenKind>) throws(Stop) {
        let isExtraneous = token.kind != .end && expected.contains(kind(ahead: 1))
        report(
            "Syntax error: \(isExtraneous ? "extraneous" : "mismatched") input \(display(token)) expecting \(Self.list(expected))",
            at: token.range.lowerBound)
        guard isExtraneous else { throw Stop() }
        position += 1
    }

    /// Takes the one token that may stand here. If what stands here may follow it, it counts as forgotten and the parse goes on.
    mutating func expect(_ kind: TokenKind, mayBeForgotten: Bool = false) throws(Stop) {
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

    mutating func end() throws(Stop) {
        if token.kind != .end { try unexpected(expecting: [.end]) }
    }

    /// An expression inside what ends with `closer`.
    mutating func expression(before closer: TokenKind, hasCommas: Bool = false) throws(Stop) -> Expression {
        enclosing.append((closer, hasCommas))
        let expression = try expression()
        enclosing.removeLast()
        return expression
    }

    /// Whether what is read so far would be whole if a closing bracket stood before this token.
    var mayFollowOperand: Bool {
        switch token.kind {
        case .dot, .leftBracket, .question, .or, .and, .minus: true
        case .end: enclosing.isEmpty
        case .comma: enclosing.last?.hasCommas ?? false
        default: token.kind == enclosing.last?.closer || Operator.isBinary(token.kind)
        }
    }

    // MARK: Calls

    /// A call, or what the macro of that name makes of it.
    mutating func call(
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
