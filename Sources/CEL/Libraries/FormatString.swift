/// `"%s has %d".format([name, count])`: text with places for values.
enum FormatString {
    static let function = "format"

    private enum Piece {
        case text(String)
        case clause(Clause, argument: Int)
    }

    /// What follows a percent sign.
    private struct Clause {
        var letter: Unicode.Scalar
        var precision: Int?
    }

    /// What is wrong with a format string, and with which argument if it is about one.
    private struct Problem: Error {
        var message: String
        /// Where the argument stands.
        var offset: Int?
    }

    private static let defaultPrecision = 6
    private static let mostDigits = 1000

    /// Reads a format string piece by piece.
    private struct Reader {
        private var rest: Substring.UnicodeScalarView
        private let isCheck: Bool
        private let count: Int
        /// How many arguments were used.
        private(set) var used = 0

        init(_ format: String, count: Int, isCheck: Bool) {
            rest = Substring(format).unicodeScalars
            self.count = count
            self.isCheck = isCheck
        }

        mutating func next() throws(Problem) -> Piece? {
            if rest.isEmpty { return nil }
            guard rest.first == "%" else {
                let text = rest.prefix { $0 != "%" }
                rest = rest[text.endIndex...]
                return .text(String(text))
            }
            rest = rest.dropFirst()
            if rest.first == "%" {
                rest = rest.dropFirst()
                return .text("%")
            }
            let outOfRange = Problem(message: "index \(used) out of range")
            // As upstream, the argument is fetched before the clause is read, but not when checking.
            if !isCheck, used >= count { throw outOfRange }
            if rest.isEmpty { throw Problem(message: "unexpected end of string") }
            if used >= count { throw outOfRange }
            used += 1
            return .clause(try FormatString.clause(&rest), argument: used - 1)
        }
    }

    private static func clause(_ rest: inout Substring.UnicodeScalarView) throws(Problem) -> Clause {
        func fail(_ problem: String) -> Problem { Problem(message: "could not parse formatting clause: \(problem)") }
        var precision: Int?
        if rest.first == "." {
            rest = rest.dropFirst()
            let digits = rest.prefix { ("0"..."9").contains($0) }
            rest = rest.dropFirst(digits.count)
            if rest.isEmpty { throw fail("error while parsing precision: could not find end of precision specifier") }
            guard let number = Int(String(digits)) else {
                let problem = digits.isEmpty ? "invalid syntax" : "value out of range"
                throw fail(
                    "error while parsing precision: error while converting precision to integer: "
                        + "strconv.Atoi: parsing \(GoQuote.quote(String(digits))): \(problem)")
            }
            precision = number
        }
        guard let letter = rest.first else { throw fail("unrecognized formatting clause") }
        guard "sdfebxXo".unicodeScalars.contains(letter) else { throw fail("unrecognized formatting clause \"\(letter)\"") }
        rest = rest.dropFirst()
        return Clause(letter: letter, precision: precision.map { min($0, mostDigits) })
    }

    private static func during(_ problem: String) -> String { "error during formatting: \(problem)" }

    private static func refusal(_ clause: Clause, _ type: String) -> String {
        let rule =
            switch clause.letter {
            case "s":
                "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps"
            case "d": "decimal clause can only be used on integers"
            case "f": "fixed-point clause can only be used on doubles"
            case "e": "scientific clause can only be used on doubles"
            case "b": "only integers and bools can be formatted as binary"
            case "o": "octal clause can only be used on integers"
            default: "only integers, byte buffers, and strings can be formatted as hex"
            }
        return "\(rule), was given \(type)"
    }

    // MARK: Checking

    /// Compares a literal format string with the types of a literal list of arguments.
    static func check(_ expression: Expression, _ call: Call, _ checked: CheckedExpression, _ issues: inout Issues) {
        guard case .string(let format)? = call.target?.literal, call.arguments.count == 1,
            case .list(let arguments, _) = call.arguments[0].kind
        else { return }
        var reader = Reader(format, count: arguments.count, isCheck: true)
        do throws(Problem) {
            while let piece = try reader.next() {
                guard case .clause(let clause, let argument) = piece else { continue }
                if let (odd, type) = misfit(clause, arguments[argument], checked) {
                    throw Problem(message: during(refusal(clause, type.runtimeName)), offset: odd.offset)
                }
            }
        } catch { return issues.report(error.message, at: error.offset ?? expression.offset) }
        if arguments.count > reader.used {
            issues.report(
                "too many arguments supplied to string.format (expected \(reader.used), got \(arguments.count))", at: expression.offset)
        }
    }

    /// The part of an argument that a clause cannot write.
    private static func misfit(_ clause: Clause, _ argument: Expression, _ checked: CheckedExpression) -> (Expression, CELType)? {
        let type = checked.type(of: argument)
        if type == .dyn { return nil }
        let isGood: Bool
        switch (clause.letter, type) {
        case ("s", .list), ("s", .map), ("s", .int), ("s", .uint), ("s", .double), ("s", .bool), ("s", .string), ("s", .timestamp),
            ("s", .bytes), ("s", .duration), ("s", .type), ("s", .null):
            return argument.children.isEmpty || !argument.isAggregate
                ? nil : argument.children.lazy.compactMap { misfit(clause, $0, checked) }.first
        case ("d", .int), ("d", .uint), ("o", .int), ("o", .uint), ("f", .double), ("f", .string), ("e", .double), ("e", .string),
            ("b", .int),
            ("b", .uint), ("b", .bool), ("x", .int), ("x", .uint), ("x", .string), ("x", .bytes), ("X", .int), ("X", .uint), ("X", .string),
            ("X", .bytes):
            isGood = true
        default: isGood = false
        }
        return isGood ? nil : (argument, type)
    }

    // MARK: Writing

    static func format(_ format: String, _ arguments: ListValue, _ evaluation: Evaluation) throws(EvaluationError) -> String {
        var result = ""
        var reader = Reader(format, count: arguments.count, isCheck: false)
        while true {
            let piece: Piece?
            do throws(Problem) { piece = try reader.next() } catch { throw EvaluationError(error.message) }
            switch piece {
            case nil: return result
            case .text(let text): result += text
            case .clause(let clause, let argument):
                do throws(EvaluationError) { result += try write(clause, try arguments.element(argument), evaluation) } catch {
                    throw error.isFinal ? error : EvaluationError(during(error.message))
                }
                // Arguments can be longer than the format that is charged for.
                try evaluation.charge(UInt64(result.utf8.count) / 10_000)
            }
        }
    }

    private static func write(_ clause: Clause, _ value: CELValue, _ evaluation: Evaluation) throws(EvaluationError) -> String {
        switch (clause.letter, value) {
        case ("s", _): return try string(value, evaluation)
        case ("d", .int(let int)): return String(int)
        case ("d", .uint(let uint)): return String(uint)
        case ("f", .double(let double)): return fixed(double, clause.precision ?? defaultPrecision)
        case ("e", .double(let double)): return scientific(double, width: clause.precision ?? defaultPrecision)
        case ("f", .string(let text)), ("e", .string(let text)):
            if let number = ["NaN": Double.nan, "Infinity": .infinity, "-Infinity": -.infinity][text] {
                return try write(clause, .double(number), evaluation)
            }
        case ("b", .bool(let bool)): return bool ? "1" : "0"
        case ("b", .int(let int)): return String(int, radix: 2)
        case ("b", .uint(let uint)): return String(uint, radix: 2)
        case ("o", .int(let int)): return String(int, radix: 8)
        case ("o", .uint(let uint)): return String(uint, radix: 8)
        case ("x", .int(let int)), ("X", .int(let int)): return String(int, radix: 16, uppercase: clause.letter == "X")
        case ("x", .uint(let uint)), ("X", .uint(let uint)): return String(uint, radix: 16, uppercase: clause.letter == "X")
        case ("x", .string(let text)), ("X", .string(let text)): return hex(text.utf8, isUpper: clause.letter == "X")
        case ("x", .bytes(let bytes)), ("X", .bytes(let bytes)): return hex(bytes, isUpper: clause.letter == "X")
        default: break
        }
        throw EvaluationError(refusal(clause, value.typeName))
    }

    private static func hex(_ bytes: some Sequence<UInt8>, isUpper: Bool) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: isUpper) }.joined()
    }

    /// With commas between thousands, as upstream's locale has it.
    private static func fixed(_ number: Double, _ precision: Int) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-∞" : "∞" }
        let text = NumberText.fixed(number, digits: precision)
        let sign = text.hasPrefix("-") ? "-" : ""
        let parts = text.dropFirst(sign.count).split(separator: ".", maxSplits: 1)
        var whole = ""
        for (index, digit) in parts[0].enumerated() {
            if index > 0, (parts[0].count - index) % 3 == 0 { whole += "," }
            whole.append(digit)
        }
        return sign + whole + (parts.count > 1 ? ".\(parts[1])" : "")
    }

    /// As a power of ten with raised digits, as upstream's locale has it; which takes a precision for the least width.
    private static func scientific(_ number: Double, width: Int) -> String {
        let text: String
        if number.isFinite {
            let parts = NumberText.scientific(number, digits: defaultPrecision).split(separator: "e")
            let raised = parts[1].map { digit in
                digit == "+" ? "" : digit == "-" ? "⁻" : String(Array("⁰¹²³⁴⁵⁶⁷⁸⁹")[digit.wholeNumberValue ?? 0])
            }
            text = "\(parts[0])×10\(raised.joined())"
        } else {
            text = number.isNaN ? "NaN" : number < 0 ? "-∞" : "∞"
        }
        return String(repeating: " ", count: max(0, width - text.count)) + text
    }

    private static func string(_ value: CELValue, _ evaluation: Evaluation) throws(EvaluationError) -> String {
        switch value {
        case .list, .map: return try element(value, evaluation)
        case .null: return "null"
        case .optional, .object: throw EvaluationError(refusal(Clause(letter: "s"), value.typeName))
        default:
            guard case .string(let text) = try Conversion.string(value) else { return "" }
            return text
        }
    }

    /// A value inside a list or a map: as a literal.
    private static func element(_ value: CELValue, _ evaluation: Evaluation) throws(EvaluationError) -> String {
        try evaluation.step()
        switch value {
        case .list(let list):
            var parts: [String] = []
            var elements = list.elements()
            while let next = try elements.next() { parts.append(try element(next, evaluation)) }
            return "[\(parts.joined(separator: ", "))]"
        case .map(let map):
            var parts: [(key: String, text: String)] = []
            for key in map.keys() {
                switch key {
                case .string, .bool, .int, .uint: break
                default: throw EvaluationError("no formatting function for map key of type \(key.typeName)")
                }
                let name = try element(key, evaluation)
                parts.append((name, "\(name):\(try element(try map.find(key) ?? .null, evaluation))"))
            }
            return "{\(parts.sorted { $0.key < $1.key }.map(\.text).joined(separator: ", "))}"
        case .string(let text): return GoQuote.quote(text)
        case .bytes(let bytes): return "b" + GoQuote.quote(bytes)
        case .double(let double):
            if double.isNaN || double.isInfinite { return GoQuote.quote(NumberText.shortest(double)) }
            return NumberText.fixed(double, digits: defaultPrecision)
        case .timestamp(let timestamp): return "timestamp(\(GoQuote.quote(timestamp.description)))"
        case .duration(let duration): return "duration(\(GoQuote.quote(duration.description)))"
        case .optional, .object: throw EvaluationError("no formatting function for \(value.typeName)")
        default: return try string(value, evaluation)
        }
    }
}

extension Expression {
    fileprivate var isAggregate: Bool {
        switch kind {
        case .list, .map: true
        default: false
        }
    }
}
