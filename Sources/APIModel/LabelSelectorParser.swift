/// Reads the query form of a label selector, token by token, with upstream's complaints.
struct LabelSelectorParser {
    struct Error: Swift.Error, CustomStringConvertible {
        var description: String
    }

    private enum Token: Hashable {
        case word(String)
        case symbol(String)
        case end

        var text: String {
            switch self {
            case .word(let text), .symbol(let text): text
            case .end: ""
            }
        }
    }

    private var tokens: [Token] = []
    private var position = 0

    init(_ text: String) {
        var rest = Substring(text)
        let special: Set<Character> = ["(", ")", ",", "!", "=", "<", ">"]
        while let first = rest.first {
            if first.isWhitespace {
                rest.removeFirst()
            } else if special.contains(first) {
                let symbol = ["==", "!="].first { rest.hasPrefix($0) } ?? String(first)
                rest.removeFirst(symbol.count)
                tokens.append(.symbol(symbol))
            } else {
                let word = rest.prefix { !special.contains($0) && !$0.isWhitespace }
                rest.removeFirst(word.count)
                tokens.append(.word(String(word)))
            }
        }
    }

    private var next: Token { position < tokens.count ? tokens[position] : .end }

    private mutating func take() -> Token {
        defer { position += 1 }
        return next
    }

    mutating func parse() throws(Error) -> [LabelSelector.Requirement] {
        var requirements: [LabelSelector.Requirement] = []
        while true {
            switch next {
            case .end where requirements.isEmpty: return []
            case .word, .symbol("!"): break
            default: throw Error(description: "found '\(next.text)', expected: !, identifier, or 'end of string'")
            }
            do {
                requirements.append(try requirement())
            } catch {
                throw Error(description: "unable to parse requirement: \(error.description)")
            }
            switch take() {
            case .end: return requirements
            case .symbol(","):
                switch next {
                case .word, .symbol("!"): continue
                default: throw Error(description: "found '\(next.text)', expected: identifier after ','")
                }
            case let other: throw Error(description: "found '\(other.text)', expected: ',' or 'end of string'")
            }
        }
    }

    private mutating func requirement() throws(Error) -> LabelSelector.Requirement {
        let isNegated = next == .symbol("!")
        if isNegated { position += 1 }
        guard case .word(let key) = take() else {
            throw Error(
                description: "found '\(tokens.indices.contains(position - 1) ? tokens[position - 1].text : "")', expected: identifier")
        }
        if let problem = Names.qualifiedName(key).first {
            throw Error(description: "<nil>: Invalid value: \(FieldError.quoted(key)): \(problem)")
        }
        if isNegated { return .init(key: key, test: .doesNotExist) }
        if next == .end || next == .symbol(",") { return .init(key: key, test: .exists) }

        let name = take()
        switch name {
        case .symbol("="), .symbol("=="), .symbol("!="):
            let value = try checked([exactValue()], of: key)
            return .init(key: key, test: name == .symbol("!=") ? .notIn(value) : .in(value))
        case .symbol(">"), .symbol("<"):
            let value = try exactValue()
            guard let limit = Int64(value) else {
                throw Error(
                    description:
                        "values[0]: Invalid value: \(FieldError.quoted(value)): for 'Gt', 'Lt' operators, the value must be an integer")
            }
            return .init(key: key, test: name == .symbol(">") ? .greaterThan(limit) : .lessThan(limit))
        case .word("in"): return .init(key: key, test: .in(try checked(values(), of: key)))
        case .word("notin"): return .init(key: key, test: .notIn(try checked(values(), of: key)))
        default: throw Error(description: "found '\(name.text)', expected: in, notin, =, ==, !=, gt, lt")
        }
    }

    private mutating func exactValue() throws(Error) -> String {
        switch next {
        case .end, .symbol(","): return ""
        case .word(let value):
            position += 1
            return value
        case .symbol(let symbol): throw Error(description: "found '\(symbol)', expected: identifier")
        }
    }

    private mutating func values() throws(Error) -> [String] {
        guard take() == .symbol("(") else {
            throw Error(description: "found '\(tokens.indices.contains(position - 1) ? tokens[position - 1].text : "")' expected: '('")
        }
        var values: [String] = []
        var expectsValue = true
        while true {
            switch take() {
            case .word(let value) where expectsValue:
                values.append(value)
                expectsValue = false
            case .symbol(","):
                if expectsValue { values.append("") }
                expectsValue = true
            case .symbol(")"):
                if expectsValue { values.append("") }
                return values
            case let other:
                let expected = values.isEmpty ? "',', ')' or identifier" : expectsValue ? "',', or identifier" : "',' or ')'"
                throw Error(description: "found '\(other.text)', expected: \(expected)")
            }
        }
    }

    private func checked(_ values: [String], of key: String) throws(Error) -> Set<String> {
        for (index, value) in values.enumerated() {
            if let problem = Names.labelValue(value).first {
                throw Error(description: "values[\(index)][\(key)]: Invalid value: \(FieldError.quoted(value)): \(problem)")
            }
        }
        return Set(values)
    }
}
