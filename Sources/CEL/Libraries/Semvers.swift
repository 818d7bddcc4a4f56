extension Library {
    /// Semantic versions: `semver("1.2.3-rc.1")`.
    static let semver = Library(
        "kubernetes.Semver",
        [
            Function(
                "semver", .global("string_to_semver", [.string], .semver, cost: .traversing(), parse),
                .global("string_bool_to_semver", [.string, .bool], .semver, cost: .traversing(), parse)),
            Function(
                "isSemver", .global("is_semver_string", [.string], .bool, cost: .traversing(), isValid),
                .global("is_semver_string_bool", [.string, .bool], .bool, cost: .traversing(), isValid)),
            comparison("isGreaterThan", "semver_is_greater_than", .bool) { .bool($0 > 0) },
            comparison("isLessThan", "semver_is_less_than", .bool) { .bool($0 < 0) },
            comparison("compareTo", "semver_compare_to", .int) { .int(Int64($0)) },
            part("major", \.major), part("minor", \.minor), part("patch", \.patch),
        ])

    private static func version(_ a: Arguments) throws(EvaluationError) -> Semver {
        let text = try a.string(0)
        let isNormalized = a.count > 1 ? try a.bool(1) : false
        return try Semver(isNormalized ? Semver.normalized(text) : text)
    }

    private static let parse: Overload.Implementation = { a, _ throws(EvaluationError) in .object(SemverValue(try version(a))) }
    private static let isValid: Overload.Implementation = { a, evaluation throws(EvaluationError) in
        let version = try evaluation.attempt { () throws(EvaluationError) -> Semver in try Library.version(a) }
        return .bool(version != nil)
    }

    private static func comparison(
        _ name: String, _ id: String, _ result: CELType, _ make: @escaping @Sendable (Int) -> CELValue
    ) -> Function {
        Function(
            name,
            .method(id, [.semver, .semver], result) { a, _ throws(EvaluationError) in
                let (one, other) = (try a.object(0, as: SemverValue.self).version, try a.object(1, as: SemverValue.self).version)
                return make(one.order(other))
            })
    }

    private static func part(_ name: String, _ path: any KeyPath<Semver, UInt64> & Sendable) -> Function {
        Function(
            name,
            .method("semver_\(name)", [.semver], .int) { a, _ throws(EvaluationError) in
                .int(Int64(bitPattern: try a.object(0, as: SemverValue.self).version[keyPath: path]))
            })
    }
}

final class SemverValue: ObjectValue {
    let version: Semver
    init(_ version: Semver) { self.version = version }

    var typeName: String { "kubernetes.Semver" }
    var description: String { version.text }
    func isEqual(to other: CELValue, _ evaluation: Evaluation) throws(EvaluationError) -> Bool {
        guard case .object(let other as SemverValue) = other else { throw .noSuchOverload }
        return version.order(other.version) == 0
    }
}

/// A semantic version. What comes after a plus sign does not count for order.
struct Semver: Sendable {
    let major: UInt64
    let minor: UInt64
    let patch: UInt64
    private let prerelease: [Part]
    let text: String

    /// A part of a prerelease. Numbers come before words.
    private enum Part: Sendable, Equatable {
        case number(UInt64)
        case word(String)

        func order(_ other: Part) -> Int {
            switch (self, other) {
            case (.number(let one), .number(let other)): one < other ? -1 : one > other ? 1 : 0
            case (.word(let one), .word(let other)): one.utf8.elementsEqual(other.utf8) ? 0 : one < other ? -1 : 1
            case (.number, .word): -1
            case (.word, .number): 1
            }
        }
    }

    /// - Throws: what is wrong, in the words of the package that upstream uses.
    init(_ text: String) throws(EvaluationError) {
        if text.isEmpty { throw EvaluationError("Version string empty") }
        let parts = text.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw EvaluationError("No Major.Minor.Patch elements found") }
        major = try Self.number(parts[0], "Major")
        minor = try Self.number(parts[1], "Minor")
        let build = parts[2].split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
        let release = build[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        patch = try Self.number(release[0], "Patch")
        var prerelease: [Part] = []
        if release.count > 1 {
            for part in release[1].split(separator: ".", omittingEmptySubsequences: false) { prerelease.append(try Self.part(part)) }
        }
        self.prerelease = prerelease
        if build.count > 1 {
            for part in build[1].split(separator: ".", omittingEmptySubsequences: false) {
                if part.isEmpty { throw EvaluationError("Build meta data is empty") }
                guard Self.isWord(part) else { throw Self.fail("Invalid character(s) found in build meta data", part) }
            }
        }
        self.text = text
    }

    /// Without a `v`, with all three numbers, and without zeros before them.
    static func normalized(_ text: String) throws(EvaluationError) -> String {
        let bare = text.hasPrefix("v") ? text.dropFirst() : text[...]
        var parts = bare.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false).map { part in
            guard part.utf8.count > 1 else { return String(part) }
            let short = part.drop { $0 == "0" }
            return short.first?.isASCIIDigit == true ? String(short) : "0\(short)"
        }
        if parts.count < 3, parts[parts.count - 1].contains(where: { $0 == "+" || $0 == "-" }) {
            throw EvaluationError("short version cannot contain PreRelease/Build meta data")
        }
        while parts.count < 3 { parts.append("0") }
        return parts.joined(separator: ".")
    }

    func order(_ other: Semver) -> Int {
        for (one, two) in [(major, other.major), (minor, other.minor), (patch, other.patch)] where one != two { return one < two ? -1 : 1 }
        // A release comes after its prereleases, and a longer prerelease after a shorter one that it begins with.
        if prerelease.isEmpty || other.prerelease.isEmpty {
            return prerelease.isEmpty == other.prerelease.isEmpty ? 0 : prerelease.isEmpty ? 1 : -1
        }
        for (one, two) in zip(prerelease, other.prerelease) where one != two { return one.order(two) }
        return (prerelease.count - other.prerelease.count).signum()
    }

    private static func fail(_ problem: String, _ text: Substring) -> EvaluationError {
        EvaluationError("\(problem) \(GoQuote.quote(String(text)))")
    }
    private static func isWord(_ text: Substring) -> Bool {
        text.unicodeScalars.allSatisfy { $0 != "_" && (CharacterClass.word.contains($0.value) || $0 == "-") }
    }

    private static func number(_ text: Substring, _ name: String) throws(EvaluationError) -> UInt64 {
        guard text.allSatisfy(\.isASCIIDigit) else { throw fail("Invalid character(s) found in \(name.lowercased()) number", text) }
        if text.utf8.count > 1, text.hasPrefix("0") { throw fail("\(name) number must not contain leading zeroes", text) }
        return try parsed(text)
    }

    private static func parsed(_ text: Substring) throws(EvaluationError) -> UInt64 {
        guard let number = UInt64(text) else {
            throw EvaluationError(
                "strconv.ParseUint: parsing \(GoQuote.quote(String(text))): \(text.isEmpty ? "invalid syntax" : "value out of range")")
        }
        return number
    }

    private static func part(_ text: Substring) throws(EvaluationError) -> Part {
        if text.isEmpty { throw EvaluationError("Prerelease is empty") }
        guard text.allSatisfy(\.isASCIIDigit) else {
            guard isWord(text) else { throw fail("Invalid character(s) found in prerelease", text) }
            return .word(String(text))
        }
        if text.utf8.count > 1, text.hasPrefix("0") { throw fail("Numeric PreRelease version must not contain leading zeroes", text) }
        return .number(try parsed(text))
    }
}
