/// Reads a pattern in the syntax of RE2, with Perl's classes and flags.
///
/// Groups are kept on a stack of its own, so that no pattern is too deep for the machine's.
struct PatternParser {
    private static let deepestNesting = 1000
    private static let mostRepetitions = 1000
    private static let largestProgram = 250_000

    private struct Flags: OptionSet {
        let rawValue: Int
        static let foldCase = Flags(rawValue: 1)
        static let multiLine = Flags(rawValue: 2)
        static let dotAll = Flags(rawValue: 4)
        static let swapGreed = Flags(rawValue: 8)

        static let letters: [Unicode.Scalar: Flags] = ["i": .foldCase, "m": .multiLine, "s": .dotAll, "U": .swapGreed]
    }

    /// A group whose closing parenthesis has not come yet.
    private struct Group {
        /// The flags to go back to.
        var flags: Flags
        var capture: Int?
        var alternatives: [PatternNode] = []
        var sequence: [PatternNode] = []

        mutating func endAlternative() {
            alternatives.append(sequence.count == 1 ? sequence[0] : PatternNode(sequence.isEmpty ? .empty : .sequence(sequence)))
            sequence = []
        }

        mutating func end() -> PatternNode {
            endAlternative()
            return alternatives.count == 1 ? alternatives[0] : PatternNode(.alternatives(alternatives))
        }
    }

    private let pattern: String
    private let scalars: [Unicode.Scalar]
    private var index = 0
    private var flags: Flags = []
    private var groups: [Group] = []
    private(set) var captureNames: [String?] = [nil]
    /// Where the repetition that was just read begins; another one may not follow.
    private var lastRepetition: Int?

    init(_ pattern: String) {
        self.pattern = pattern
        scalars = Array(pattern.unicodeScalars)
    }

    mutating func parse() throws(PatternError) -> PatternNode {
        groups = [Group(flags: [], capture: nil)]
        while let scalar = peek() {
            let previous = lastRepetition
            lastRepetition = nil
            switch scalar {
            case "(": try open()
            case ")": try close()
            case "|":
                index += 1
                groups[groups.count - 1].endAlternative()
            case "*", "+", "?": try repetition(scalar, after: previous)
            case "{":
                let start = index
                if let (min, max) = try counts() {
                    try append(min, max, from: start, after: previous)
                } else {
                    index += 1
                    literal("{")
                }
            case "[": append(.characterClass(try bracketClass()))
            case "^":
                index += 1
                append(.assertion(flags.contains(.multiLine) ? .beginLine : .beginText))
            case "$":
                index += 1
                append(.assertion(flags.contains(.multiLine) ? .endLine : .endText))
            case ".":
                index += 1
                append(flags.contains(.dotAll) ? .any : .characterClass(CharacterClass([10...10]).inverted))
            case "\\": try escape()
            default:
                index += 1
                literal(scalar)
            }
        }
        guard groups.count == 1 else { throw PatternError("missing closing )", pattern) }
        let node = groups[0].end()
        guard node.size <= Self.largestProgram else { throw PatternError("expression too large", pattern) }
        return node
    }

    // MARK: Scalars

    private func peek(_ ahead: Int = 0) -> Unicode.Scalar? { index + ahead < scalars.count ? scalars[index + ahead] : nil }
    private func text(_ start: Int, _ end: Int? = nil) -> String {
        String(String.UnicodeScalarView(scalars[start..<min(end ?? scalars.count, scalars.count)]))
    }
    private mutating func accept(_ scalar: Unicode.Scalar) -> Bool {
        guard peek() == scalar else { return false }
        index += 1
        return true
    }

    private mutating func append(_ syntax: PatternSyntax) { groups[groups.count - 1].sequence.append(PatternNode(syntax)) }

    private mutating func literal(_ scalar: Unicode.Scalar) {
        if flags.contains(.foldCase) {
            let cases = CaseFolding.cases(of: scalar.value)
            if cases.count > 1 { return append(.characterClass(CharacterClass(cases.map { $0...$0 }))) }
        }
        append(.scalar(scalar.value))
    }

    // MARK: Groups

    private mutating func open() throws(PatternError) {
        if peek(1) == "?" { return try openWithFlags() }
        index += 1
        try push(capture: captureNames.count)
        captureNames.append(nil)
    }

    private mutating func push(capture: Int?, outer: Flags? = nil) throws(PatternError) {
        guard groups.count <= Self.deepestNesting else { throw PatternError("expression nests too deeply", pattern) }
        groups.append(Group(flags: outer ?? flags, capture: capture))
    }

    private mutating func close() throws(PatternError) {
        guard groups.count > 1 else { throw PatternError("unexpected )", pattern) }
        index += 1
        var group = groups.removeLast()
        flags = group.flags
        let node = group.end()
        if let capture = group.capture { append(.capture(capture, node)) } else { groups[groups.count - 1].sequence.append(node) }
    }

    /// `(?P<name>`, `(?<name>`, `(?flags)` or `(?flags:`
    private mutating func openWithFlags() throws(PatternError) {
        let start = index
        index += 2
        let isNamed = peek() == "P" && peek(1) == "<"
        if isNamed || peek() == "<" {
            index += isNamed ? 2 : 1
            guard let end = scalars[index...].firstIndex(of: ">") else { throw PatternError("invalid named capture", text(start)) }
            let name = text(index, end)
            let isGood =
                !name.isEmpty && name.unicodeScalars.allSatisfy { CharacterClass.word.contains($0.value) }
            guard isGood else { throw PatternError("invalid named capture", text(start, end + 1)) }
            guard !captureNames.contains(name) else { throw PatternError("duplicate capture group name", name) }
            index = end + 1
            try push(capture: captureNames.count)
            captureNames.append(name)
            return
        }
        let outer = flags
        var isNegative = false
        var hasFlag = false
        while let scalar = peek() {
            index += 1
            if let flag = Flags.letters[scalar] {
                hasFlag = true
                if isNegative { flags.remove(flag) } else { flags.insert(flag) }
            } else if scalar == "-", !isNegative {
                isNegative = true
                hasFlag = false
            } else if scalar == ":" || scalar == ")" {
                if isNegative, !hasFlag { break }
                if scalar == ":" { return try push(capture: nil, outer: outer) }
                return
            } else {
                break
            }
        }
        throw PatternError("invalid or unsupported Perl syntax", text(start, index))
    }

    // MARK: Repetition

    private mutating func repetition(_ sign: Unicode.Scalar, after previous: Int?) throws(PatternError) {
        let start = index
        index += 1
        switch sign {
        case "*": try append(0, nil, from: start, after: previous)
        case "+": try append(1, nil, from: start, after: previous)
        default: try append(0, 1, from: start, after: previous)
        }
    }

    private mutating func append(_ min: Int, _ max: Int?, from start: Int, after previous: Int?) throws(PatternError) {
        let isLazy = accept("?")
        if let previous { throw PatternError("invalid nested repetition operator", text(previous, index)) }
        guard let operand = groups[groups.count - 1].sequence.popLast() else {
            throw PatternError("missing argument to repetition operator", text(start, index))
        }
        let isGreedy = isLazy == flags.contains(.swapGreed)
        let node = PatternNode(.repetition(operand, min: min, max: max, isGreedy: isGreedy))
        let isCounted = scalars[start] == "{"
        if isCounted, min >= 2 || max ?? 0 >= 2, node.repetitions > Self.mostRepetitions {
            throw PatternError("invalid repeat count", text(start, index))
        }
        groups[groups.count - 1].sequence.append(node)
        lastRepetition = start
    }

    /// `{2}`, `{2,}` or `{2,5}`; `nil`, and nothing read, for anything else.
    private mutating func counts() throws(PatternError) -> (min: Int, max: Int?)? {
        let start = index
        index += 1
        guard let min = number() else {
            index = start
            return nil
        }
        var max: Int? = min
        if accept(",") { max = peek() == "}" ? nil : number() ?? -1 }
        guard max != -1, accept("}") else {
            index = start
            return nil
        }
        if min > Self.mostRepetitions || max.map({ $0 > Self.mostRepetitions || $0 < min }) ?? false {
            throw PatternError("invalid repeat count", text(start, index))
        }
        return (min, max)
    }

    /// A number without leading zeros; one that is too large is only that.
    private mutating func number() -> Int? {
        let start = index
        while let digit = peek(), CharacterClass.digit.contains(digit.value) { index += 1 }
        guard index > start, index == start + 1 || scalars[start] != "0" else { return nil }
        return index - start > 6 ? Int.max : Int(text(start, index))
    }

    // MARK: Escapes

    private mutating func escape() throws(PatternError) {
        guard let letter = peek(1) else { throw PatternError("trailing backslash at end of expression", "") }
        switch letter {
        case "A": try assertion(.beginText)
        case "z": try assertion(.endText)
        case "b": try assertion(.wordBoundary)
        case "B": try assertion(.noWordBoundary)
        case "Q":
            index += 2
            while index < scalars.count {
                if peek() == "\\", peek(1) == "E" {
                    index += 2
                    break
                }
                literal(scalars[index])
                index += 1
            }
        default:
            if let named = try classEscape() { return append(.characterClass(named)) }
            literal(try scalarEscape())
        }
    }

    private mutating func assertion(_ assertion: Assertion) throws(PatternError) {
        index += 2
        append(.assertion(assertion))
    }

    /// `\d`, `\pL`, `\p{^Greek}` and their like; `nil`, and nothing read, for anything else.
    private mutating func classEscape() throws(PatternError) -> CharacterClass? {
        let start = index
        guard peek() == "\\", let letter = peek(1) else { return nil }
        let perl: [Unicode.Scalar: CharacterClass] = ["d": .digit, "s": .space, "w": .word]
        if let known = perl[letter] ?? perl[Unicode.Scalar(letter.value | 0x20) ?? letter] {
            index += 2
            let members = flags.contains(.foldCase) ? known.folded : known
            return perl[letter] == nil ? members.inverted : members
        }
        guard letter == "p" || letter == "P" else { return nil }
        index += 2
        guard let first = peek() else { throw PatternError("invalid character class range", text(start)) }
        var name = String(first)
        index += 1
        if first == "{" {
            guard let end = scalars[index...].firstIndex(of: "}") else { throw PatternError("invalid character class range", text(start)) }
            name = text(index, end)
            index = end + 1
        }
        var isNegated = letter == "P"
        if name.hasPrefix("^") {
            isNegated.toggle()
            name.removeFirst()
        }
        guard let members = UnicodeClasses.named(name) else { throw PatternError("invalid character class range", text(start, index)) }
        let all = flags.contains(.foldCase) ? members.folded : members
        return isNegated ? all.inverted : all
    }

    /// An escape that stands for one character.
    private mutating func scalarEscape() throws(PatternError) -> Unicode.Scalar {
        let start = index
        index += 1
        guard let letter = peek() else { throw PatternError("trailing backslash at end of expression", "") }
        index += 1
        switch letter {
        case "1"..."7" where !(peek().map { ("0"..."7").contains($0) } ?? false): break
        case "0"..."7":
            var value = letter.value - 0x30
            for _ in 0..<2 {
                guard let digit = peek(), ("0"..."7").contains(digit) else { break }
                value = value * 8 + digit.value - 0x30
                index += 1
            }
            return Unicode.Scalar(value) ?? letter
        case "x": if let scalar = hexadecimal() { return scalar }
        case "a": return "\u{07}"
        case "f": return "\u{0c}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "v": return "\u{0b}"
        default:
            if letter.isASCII, letter == "_" || !CharacterClass.word.contains(letter.value) { return letter }
        }
        throw PatternError("invalid escape sequence", text(start, index))
    }

    /// Two digits, or any number of them in braces.
    private mutating func hexadecimal() -> Unicode.Scalar? {
        func digit(_ scalar: Unicode.Scalar?) -> UInt32? { scalar.flatMap { UInt32(String($0), radix: 16) } }
        var value: UInt32 = 0
        if accept("{") {
            var count = 0
            while let next = digit(peek()) {
                value = value * 16 + next
                index += 1
                count += 1
                if value > CharacterClass.last { return nil }
            }
            return count > 0 && accept("}") ? Unicode.Scalar(value) : nil
        }
        for _ in 0..<2 {
            guard let next = digit(peek()) else { return nil }
            value = value * 16 + next
            index += 1
        }
        return Unicode.Scalar(value)
    }

    // MARK: Classes in brackets

    private mutating func bracketClass() throws(PatternError) -> CharacterClass {
        let start = index
        index += 1
        let isNegated = accept("^")
        var members = CharacterClass([])
        var isFirst = true
        while isFirst || peek() != "]" {
            guard peek() != nil else { throw PatternError("missing closing ]", text(start)) }
            isFirst = false
            var named = try namedClass()
            if named == nil { named = try classEscape() }
            if let named {
                members = members.union(named)
                continue
            }
            let low = try classScalar(start)
            var high = low
            let rangeStart = index
            if peek() == "-", let next = peek(1), next != "]" {
                index += 1
                high = try classScalar(start)
                if high.value < low.value { throw PatternError("invalid character class range", text(rangeStart - 1, index)) }
            }
            let range = CharacterClass([low.value...high.value])
            members = members.union(flags.contains(.foldCase) ? range.folded : range)
        }
        index += 1
        return isNegated ? members.inverted : members
    }

    private mutating func classScalar(_ start: Int) throws(PatternError) -> Unicode.Scalar {
        guard let scalar = peek() else { throw PatternError("missing closing ]", text(start)) }
        if scalar == "\\" { return try scalarEscape() }
        index += 1
        return scalar
    }

    private static let named: [String: CharacterClass] = [
        "alnum": CharacterClass([0x30...0x39, 0x41...0x5a, 0x61...0x7a]), "alpha": CharacterClass([0x41...0x5a, 0x61...0x7a]),
        "ascii": CharacterClass([0...0x7f]), "blank": CharacterClass([9...9, 32...32]), "cntrl": CharacterClass([0...0x1f, 0x7f...0x7f]),
        "digit": .digit, "graph": CharacterClass([0x21...0x7e]), "lower": CharacterClass([0x61...0x7a]),
        "print": CharacterClass([0x20...0x7e]),
        "punct": CharacterClass([0x21...0x2f, 0x3a...0x40, 0x5b...0x60, 0x7b...0x7e]), "space": CharacterClass([9...13, 32...32]),
        "upper": CharacterClass([0x41...0x5a]), "word": .word, "xdigit": CharacterClass([0x30...0x39, 0x41...0x46, 0x61...0x66]),
    ]

    /// `[:alpha:]` or `[:^alpha:]`; `nil`, and nothing read, for anything else.
    private mutating func namedClass() throws(PatternError) -> CharacterClass? {
        guard peek() == "[", peek(1) == ":" else { return nil }
        guard let end = scalars[(index + 2)...].indices.dropLast().first(where: { scalars[$0] == ":" && scalars[$0 + 1] == "]" }) else {
            return nil
        }
        var name = text(index + 2, end)
        let isNegated = name.hasPrefix("^")
        if isNegated { name.removeFirst() }
        guard let known = Self.named[name] else { throw PatternError("invalid character class range", text(index, end + 2)) }
        index = end + 2
        let members = flags.contains(.foldCase) ? known.folded : known
        return isNegated ? members.inverted : members
    }
}
