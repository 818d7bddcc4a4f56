extension Library {
    /// Text taken apart and put together.
    static let strings = Library(
        "cel.lib.ext.strings",
        [
            Function(
                "charAt",
                .method("string_char_at_int", [.string, .int], .string) { a, _ throws(EvaluationError) in
                    let scalars = Array(try a.string(0).unicodeScalars)
                    let index = try a.int(1)
                    guard index >= 0, index <= scalars.count else { throw outOfRange(index) }
                    return .string(index == scalars.count ? "" : String(scalars[Int(index)]))
                }),
            Function(
                "indexOf", .method("string_index_of_string", [.string, .string], .int, cost: visiting, firstIndex),
                .method("string_index_of_string_int", [.string, .string, .int], .int, cost: visiting, firstIndex)),
            Function(
                "lastIndexOf", .method("string_last_index_of_string", [.string, .string], .int, cost: visiting, lastIndex),
                .method("string_last_index_of_string_int", [.string, .string, .int], .int, cost: visiting, lastIndex)),
            Function(
                "lowerAscii",
                .method("string_lower_ascii", [.string], .string, cost: .traversing(keepsSize: true)) { a, _ throws(EvaluationError) in
                    .string(mapASCII(try a.string(0), 0x41...0x5a) { $0 | 0x20 })
                }),
            Function(
                "upperAscii",
                .method("string_upper_ascii", [.string], .string, cost: .traversing(keepsSize: true)) { a, _ throws(EvaluationError) in
                    .string(mapASCII(try a.string(0), 0x61...0x7a) { $0 & ~0x20 })
                }),
            Function(
                "trim",
                .method("string_trim", [.string], .string, cost: .traversing(keepsSize: true)) { a, _ throws(EvaluationError) in
                    let scalars = Array(try a.string(0).unicodeScalars)
                    let isBlank = { (scalar: Unicode.Scalar) in scalar.properties.isWhitespace }
                    guard let first = scalars.firstIndex(where: { !isBlank($0) }), let last = scalars.lastIndex(where: { !isBlank($0) })
                    else {
                        return .string("")
                    }
                    return .string(text(scalars[first...last]))
                }),
            Function(
                "replace", .method("string_replace_string_string", [.string, .string, .string], .string, cost: replacing, replace),
                .method("string_replace_string_string_int", [.string, .string, .string, .int], .string, cost: replacing, replace)),
            Function(
                "split", .method("string_split_string", [.string, .string], .listOfStrings, cost: splitting, split),
                .method("string_split_string_int", [.string, .string, .int], .listOfStrings, cost: splitting, split)),
            Function(
                "substring",
                .method("string_substring_int", [.string, .int], .string, cost: .traversing(keepsSize: true), substring),
                .method("string_substring_int_int", [.string, .int, .int], .string, cost: .traversing(keepsSize: true), substring)),
            Function(
                "join", .method("list_join", [.listOfStrings], .string, cost: joining, join),
                .method("list_join_string", [.listOfStrings, .string], .string, cost: joining, join)),
            Function(
                FormatString.function,
                .method("string_format", [.string, .list(.dyn)], .string, cost: .traversing()) { a, evaluation throws(EvaluationError) in
                    .string(try FormatString.format(try a.string(0), try a.list(1), evaluation))
                }),
            Function(
                "strings.quote",
                .global("strings_quote", [.string], .string, cost: quoting) { a, _ throws(EvaluationError) in
                    .string(quote(try a.string(0)))
                }),
        ])

    private static func outOfRange(_ index: Int64) -> EvaluationError { EvaluationError("index out of range: \(index)") }
    private static func text(_ scalars: some Sequence<Unicode.Scalar>) -> String { String(String.UnicodeScalarView(scalars)) }

    private static func mapASCII(_ text: String, _ range: ClosedRange<UInt8>, _ change: (UInt8) -> UInt8) -> String {
        String(decoding: text.utf8.map { range.contains($0) ? change($0) : $0 }, as: UTF8.self)
    }

    // MARK: Places

    private static let firstIndex: Overload.Implementation = { a, _ throws(EvaluationError) in
        let (text, part) = (try a.string(0), Array(try a.string(1).unicodeScalars))
        let offset = a.count > 2 ? try a.int(2) : 0
        if part.isEmpty { return .int(offset) }
        if offset < 0 { throw outOfRange(offset) }
        let scalars = Array(text.unicodeScalars)
        guard offset < scalars.count else { return .int(-1) }
        var index = Int(offset)
        while index + part.count <= scalars.count {
            if scalars[index] == part[0], scalars[index..<index + part.count].elementsEqual(part) { return .int(Int64(index)) }
            index += 1
        }
        return .int(-1)
    }

    private static let lastIndex: Overload.Implementation = { a, _ throws(EvaluationError) in
        let (scalars, part) = (Array(try a.string(0).unicodeScalars), Array(try a.string(1).unicodeScalars))
        let offset = a.count > 2 ? try a.int(2) : nil
        if part.isEmpty { return .int(offset ?? Int64(scalars.count)) }
        if offset == nil, scalars.isEmpty { return .int(-1) }
        let last = offset ?? Int64(scalars.count - 1)
        if last < 0 { throw outOfRange(last) }
        guard last < scalars.count else { return .int(-1) }
        var index = min(Int(last), scalars.count - part.count)
        while index >= 0 {
            if scalars[index] == part[0], scalars[index..<index + part.count].elementsEqual(part) { return .int(Int64(index)) }
            index -= 1
        }
        return .int(-1)
    }

    private static let substring: Overload.Implementation = { a, _ throws(EvaluationError) in
        let scalars = Array(try a.string(0).unicodeScalars)
        let start = try a.int(1)
        let end = a.count > 2 ? try a.int(2) : Int64(scalars.count)
        if a.count > 2, start > end { throw EvaluationError("invalid substring range. start: \(start), end: \(end)") }
        for index in [start, end] where index < 0 || index > scalars.count { throw outOfRange(index) }
        return .string(text(scalars[Int(start)..<Int(end)]))
    }

    // MARK: Parts

    private static let replace: Overload.Implementation = { a, evaluation throws(EvaluationError) in
        let (text, old, new) = (try a.string(0), try a.string(1), try a.string(2))
        let limit = a.count > 3 ? try a.int(3) : -1
        if limit == 0 || old.utf8.elementsEqual(new.utf8) { return .string(text) }
        var pieces: [String] = []
        if old.isEmpty {
            // Between all characters, before the first and after the last.
            let scalars = text.unicodeScalars.map { String($0) }
            pieces = [""] + scalars + [""]
            if scalars.isEmpty { pieces.removeLast() }
            if limit >= 0, Int64(pieces.count - 1) > limit {
                let kept = pieces[Int(limit)...].joined()
                pieces = Array(pieces[..<Int(limit)]) + [kept]
            }
            if scalars.isEmpty { return .string(new) }
        } else {
            pieces = parts(of: text, old, limit: limit < 0 ? nil : Int(clamping: limit) &+ 1)
        }
        // What a short text with a long replacement makes is charged for like any concatenation.
        let size = Estimate.saturatingMultiply(UInt64(pieces.count), UInt64(new.utf8.count))
        try evaluation.charge(size / 100)
        return .string(pieces.joined(separator: new))
    }

    private static let split: Overload.Implementation = { a, _ throws(EvaluationError) in
        let (text, separator) = (try a.string(0), try a.string(1))
        let limit = a.count > 2 ? try a.int(2) : -1
        if limit == 0 { return .list(.empty) }
        let most = limit < 0 ? nil : Int(clamping: limit)
        var pieces: [String]
        if separator.isEmpty {
            let scalars = Array(text.unicodeScalars)
            let count = min(most ?? scalars.count, scalars.count)
            pieces = scalars.prefix(max(count - 1, 0)).map { String($0) }
            if count > 0 { pieces.append(Library.text(scalars[(count - 1)...].prefix(count == scalars.count ? 1 : scalars.count))) }
        } else {
            pieces = parts(of: text, separator, limit: most)
        }
        return .list(ListValue(pieces.map(CELValue.string)))
    }

    /// The parts between separators; the last of at most `limit` has the rest.
    private static func parts(of text: String, _ separator: String, limit: Int?) -> [String] {
        let bytes = Array(text.utf8)
        let mark = Array(separator.utf8)
        var parts: [String] = []
        var start = 0
        var index = 0
        while index + mark.count <= bytes.count, limit.map({ parts.count + 1 < $0 }) ?? true {
            if bytes[index] == mark[0], bytes[index..<index + mark.count].elementsEqual(mark) {
                parts.append(String(decoding: bytes[start..<index], as: UTF8.self))
                index += mark.count
                start = index
            } else {
                index += 1
            }
        }
        parts.append(String(decoding: bytes[start...], as: UTF8.self))
        return parts
    }

    private static let join: Overload.Implementation = { a, evaluation throws(EvaluationError) in
        let separator = a.count > 1 ? try a.string(1) : ""
        var result = ""
        var elements = try a.list(0).elements()
        var isFirst = true
        while let element = try elements.next() {
            guard case .string(let text) = element else { throw EvaluationError("join: invalid input: \(element.text)") }
            if !isFirst { result += separator }
            isFirst = false
            result += text
            // The cost is known at the end only; until then the result must not outgrow what can be paid.
            if UInt64(result.utf8.count) / 20 > evaluation.remaining { throw .costLimit }
        }
        return .string(result)
    }

    private static let letters: [Unicode.Scalar: String] = [
        "\u{07}": "\\a", "\u{08}": "\\b", "\u{0c}": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\u{0b}": "\\v", "\\": "\\\\",
        "\"": "\\\"",
    ]

    /// The text as a literal: in quotes, with what cannot stand in one escaped.
    private static func quote(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "\"") { $0 += letters[$1] ?? String($1) } + "\""
    }

    // MARK: What they cost

    private static let quoting = CallCost(CallCost.traversing().actual) { site in
        let size = site.size(0)
        let twice = Estimate(min: size.min &+ 2, max: size.max &* 2 &+ 2)
        return CallEstimate(size * CostUnit.traversal, resultSize: twice)
    }

    private static let splitting = CallCost(CallCost.traversing(2).actual) { site in
        let size = site.size(0)
        var most = size.max
        if site.operands.count > 2, case .int(let limit)? = site.operands[2].literal { most = UInt64(bitPattern: limit) }
        return CallEstimate(size * (2 * CostUnit.traversal), resultSize: Estimate(min: 0, max: most))
    }

    private static let joining = CallCost(.result { CallCost.roundedUp(Double($0.costSize) * 2 * CostUnit.traversal) }) { site in
        let list = site.size(0)
        var size = site.elements(of: 0).map { list * site.size(of: $0) } ?? Estimate(0)
        if site.operands.count > 1 {
            let separators = Estimate(min: list.min > 0 ? list.min - 1 : 0, max: list.max > 0 ? list.max - 1 : 0)
            size += site.size(1) * separators
        }
        return CallEstimate(size * CostUnit.traversal, resultSize: size)
    }

    private static let replacing = CallCost(CallCost.traversing(2).actual) { site in
        let (text, old, new) = (site.size(0), site.size(1), site.size(2))
        var count = Estimate(0)
        var kept = Estimate(0)
        // The longest result: short parts replaced by long ones, as often as they can be there.
        if old.min == 0 {
            count.max = Estimate.saturatingAdd(text.max, 1)
            kept.max = text.max
        } else if new.max <= old.min {
            kept.max = text.max
        } else {
            count.max = CallCost.roundedUp(Double(text.max) / Double(old.min))
        }
        // The shortest: long parts replaced by short ones.
        if old.max == 0 {
            count.min = Estimate.saturatingAdd(text.min, 1)
            kept.min = text.min
        } else if old.max <= new.min {
            kept.min = text.min
        } else {
            count.min = CallCost.roundedUp(Double(text.min) / Double(old.max))
        }
        return CallEstimate(text * (2 * CostUnit.traversal), resultSize: count * new + kept)
    }
}
