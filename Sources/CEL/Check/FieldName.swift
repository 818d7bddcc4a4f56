/// How fields whose names are no identifiers are written in expressions: `foo-bar` as `foo__dash__bar`, `namespace` as `__namespace__`.
public enum FieldName {
    private static let reserved: Set<String> = [
        "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop",
        "package",
        "namespace", "return", "var", "void", "while",
    ]
    private static let words: [(text: String, escape: String)] = [("__", "underscores"), (".", "dot"), ("-", "dash"), ("/", "slash")]

    static func isReserved(_ name: String) -> Bool { reserved.contains(name) }

    /// The identifier for a field, `nil` where there is none and expressions cannot name the field.
    public static func escape(_ name: String) -> String? {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return nil }
        if isReserved(name) { return "__\(name)__" }
        var result = ""
        var rest = Substring(name)
        while let letter = rest.first {
            if let word = words.first(where: { rest.hasPrefix($0.text) }) {
                result += "__\(word.escape)__"
                rest.removeFirst(word.text.count)
            } else if letter.isASCII, letter.isLetter || letter.isNumber || letter == "_" {
                result.append(letter)
                rest.removeFirst()
            } else {
                return nil
            }
        }
        return result
    }

    /// The field that an identifier names, `nil` where no field is written so.
    public static func unescape(_ identifier: String) -> String? {
        var result = ""
        var rest = Substring(identifier)
        while let start = rest.firstRange(of: "__") {
            let tail = rest[start.upperBound...]
            guard let end = tail.firstRange(of: "__"), end.lowerBound > tail.startIndex, !tail[..<end.lowerBound].contains("_") else {
                // Two underscores that begin no escape stand for themselves.
                result += rest[...start.lowerBound]
                rest = rest[rest.index(after: start.lowerBound)...]
                continue
            }
            let word = String(tail[..<end.lowerBound])
            let isWhole = start.lowerBound == identifier.startIndex && end.upperBound == identifier.endIndex
            result += rest[..<start.lowerBound]
            if let known = words.first(where: { $0.escape == word }) {
                result += known.text
            } else if isReserved(word), isWhole {
                result += word
            } else {
                return nil
            }
            rest = tail[end.upperBound...]
        }
        return result + rest
    }
}
