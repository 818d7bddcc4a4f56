/// The tokens of the language. Their order is that in which a message lists what was expected.
enum TokenKind: Int, Comparable, Sendable {
    case equals, notEquals, `in`, less, lessEquals, greaterEquals, greater, and, or
    case leftBracket, rightBracket, leftBrace, rightBrace, leftParenthesis, rightParenthesis
    case dot, comma, minus, exclamation, question, colon, plus, star, slash, percent
    case `true`, `false`, null
    case float, int, uint, string, bytes, identifier, escapedIdentifier
    case end

    private static let names = [
        "'=='", "'!='", "'in'", "'<'", "'<='", "'>='", "'>'", "'&&'", "'||'", "'['", "']'", "'{'", "'}'", "'('", "')'", "'.'", "','", "'-'",
        "'!'", "'?'", "':'", "'+'", "'*'", "'/'", "'%'", "'true'", "'false'", "'null'", "NUM_FLOAT", "NUM_INT", "NUM_UINT", "STRING",
        "BYTES",
        "IDENTIFIER", "ESC_IDENTIFIER", "<EOF>",
    ]

    /// As messages name it.
    var name: String { Self.names[rawValue] }

    static func < (left: TokenKind, right: TokenKind) -> Bool { left.rawValue < right.rawValue }

    /// What an expression may begin with.
    static let expressionStart: Set<TokenKind> = [
        .leftBracket, .leftBrace, .leftParenthesis, .dot, .minus, .exclamation, .true, .false, .null, .float, .int, .uint, .string, .bytes,
        .identifier,
    ]

    /// The operators that are words or signs of one or two letters, longer ones first.
    static let signs: [(text: [UInt8], kind: TokenKind)] = texts.map { (Array($0.0.utf8), $0.1) }

    private static let texts: [(String, TokenKind)] = [
        ("==", .equals), ("!=", .notEquals), ("<=", .lessEquals), (">=", .greaterEquals), ("&&", .and), ("||", .or), ("<", .less),
        (">", .greater), ("[", .leftBracket), ("]", .rightBracket), ("{", .leftBrace), ("}", .rightBrace), ("(", .leftParenthesis),
        (")", .rightParenthesis), (".", .dot), (",", .comma), ("-", .minus), ("!", .exclamation), ("?", .question), (":", .colon),
        ("+", .plus), ("*", .star), ("/", .slash), ("%", .percent),
    ]

    /// The words that are tokens of their own.
    static let keywords: [String: TokenKind] = ["in": .in, "true": .true, "false": .false, "null": .null]
}

struct Token: Sendable {
    var kind: TokenKind
    var range: Range<Int>
}
