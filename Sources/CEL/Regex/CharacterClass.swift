/// A set of Unicode scalars, as ranges in order that neither touch nor overlap.
struct CharacterClass: Sendable, Hashable {
    static let last: UInt32 = 0x10ffff

    private(set) var ranges: [ClosedRange<UInt32>]
    /// The members below 128, as bits: most text is made of these.
    private var low: (UInt64, UInt64) = (0, 0)

    static let everything = CharacterClass([0...last])
    static let digit = CharacterClass(UInt8(ascii: "0")...UInt8(ascii: "9"))
    static let space = CharacterClass([9...10, 12...13, 32...32])
    static let word = CharacterClass([0x30...0x39, 0x41...0x5a, 0x5f...0x5f, 0x61...0x7a])

    init(_ ranges: [ClosedRange<UInt32>]) {
        self.ranges = []
        for range in ranges.sorted(by: { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }) {
            if let previous = self.ranges.last, range.lowerBound <= previous.upperBound || range.lowerBound == previous.upperBound + 1 {
                self.ranges[self.ranges.count - 1] = previous.lowerBound...max(previous.upperBound, range.upperBound)
            } else {
                self.ranges.append(range)
            }
        }
        for range in self.ranges where range.lowerBound < 128 {
            for scalar in range.lowerBound...min(range.upperBound, 127) {
                if scalar < 64 { low.0 |= 1 << UInt64(scalar) } else { low.1 |= 1 << UInt64(scalar - 64) }
            }
        }
    }

    private init(_ range: ClosedRange<UInt8>) { self.init([UInt32(range.lowerBound)...UInt32(range.upperBound)]) }

    static func == (left: CharacterClass, right: CharacterClass) -> Bool { left.ranges == right.ranges }
    func hash(into hasher: inout Hasher) { hasher.combine(ranges) }

    @inline(__always)
    func contains(_ scalar: UInt32) -> Bool {
        if scalar < 64 { return low.0 >> UInt64(scalar) & 1 == 1 }
        if scalar < 128 { return low.1 >> UInt64(scalar - 64) & 1 == 1 }
        return search(scalar)
    }

    private func search(_ scalar: UInt32) -> Bool {
        var (first, end) = (0, ranges.count)
        while first < end {
            let middle = (first + end) / 2
            if ranges[middle].upperBound < scalar { first = middle + 1 } else { end = middle }
        }
        return first < ranges.count && ranges[first].lowerBound <= scalar
    }

    func union(_ other: CharacterClass) -> CharacterClass { CharacterClass(ranges + other.ranges) }

    /// All other scalars.
    var inverted: CharacterClass {
        var result: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges {
            if range.lowerBound > next { result.append(next...range.lowerBound - 1) }
            next = range.upperBound + 1
        }
        if next <= Self.last { result.append(next...Self.last) }
        return CharacterClass(result)
    }

    func removing(_ scalar: UInt32) -> CharacterClass { inverted.union(CharacterClass([scalar...scalar])).inverted }

    /// With every other case of its members.
    var folded: CharacterClass {
        var result = ranges
        if ranges.last.map({ $0.upperBound < 128 }) ?? true {
            for scalar in 0x41...0x5a as ClosedRange<UInt32> where contains(scalar) || contains(scalar | 0x20) {
                result += CaseFolding.cases(ofASCII: scalar | 0x20).map { $0...$0 }
            }
        } else {
            for orbit in CaseFolding.orbits where orbit.contains(where: contains) { result += orbit.map { $0...$0 } }
        }
        return CharacterClass(result)
    }
}

/// Which characters are cases of each other.
enum CaseFolding {
    /// All groups of more than one. Made when first asked for.
    static let orbits: [[UInt32]] = {
        var groups: [UInt32: [UInt32]] = [:]
        for value in 0...CharacterClass.last {
            guard let scalar = Unicode.Scalar(value), isCased(scalar) else { continue }
            groups[canonical(scalar), default: []].append(value)
        }
        return groups.values.filter { $0.count > 1 }
    }()

    /// The cases of a small ASCII letter: two, and for two letters a third beyond ASCII.
    static func cases(ofASCII letter: UInt32) -> [UInt32] {
        [letter, letter & ~0x20] + (letter == 0x6b ? [0x212a] : letter == 0x73 ? [0x17f] : [])
    }

    /// All cases of a character, itself among them.
    static func cases(of value: UInt32) -> [UInt32] {
        if value < 128 { return (0x61...0x7a).contains(value | 0x20) && value >= 0x41 ? cases(ofASCII: value | 0x20) : [value] }
        guard let scalar = Unicode.Scalar(value), isCased(scalar) else { return [value] }
        return orbits.first { $0.contains(value) } ?? [value]
    }

    private static func isCased(_ scalar: Unicode.Scalar) -> Bool {
        // The dotted and the dotless i are cases of nothing but in Turkish.
        scalar.properties.changesWhenCaseMapped && scalar.value != 0x130 && scalar.value != 0x131
    }

    private static func canonical(_ scalar: Unicode.Scalar) -> UInt32 {
        let upper = single(scalar.properties.uppercaseMapping) ?? scalar
        return (single(upper.properties.lowercaseMapping) ?? upper).value
    }

    private static func single(_ text: String) -> Unicode.Scalar? { text.unicodeScalars.count == 1 ? text.unicodeScalars.first : nil }
}

/// The classes that patterns name: `\p{Lu}`, `\p{L}`, `\p{Greek}`.
enum UnicodeClasses {
    /// `nil` where there is no class of that name.
    static func named(_ name: String) -> CharacterClass? {
        if name == "Any" { return .everything }
        if let exact = categories[name] { return exact }
        if name.utf8.count == 1 {
            let parts = categories.filter { $0.key.hasPrefix(name) }
            return parts.isEmpty ? nil : CharacterClass(parts.values.flatMap(\.ranges))
        }
        return UnicodeScripts.ranges[name].map(CharacterClass.init)
    }

    /// The general categories by their two letters. Made when first asked for.
    private static let categories: [String: CharacterClass] = {
        var ranges: [String: [ClosedRange<UInt32>]] = [:]
        var current = ""
        var start: UInt32 = 0
        for value in 0...CharacterClass.last + 1 {
            let name = value <= CharacterClass.last ? Unicode.Scalar(value).map { $0.properties.generalCategory.letters } ?? "Cs" : ""
            guard name != current else { continue }
            if !current.isEmpty { ranges[current, default: []].append(start...value - 1) }
            (current, start) = (name, value)
        }
        // What is not assigned is no category of patterns.
        ranges["Cn"] = nil
        return ranges.mapValues(CharacterClass.init)
    }()
}

extension Unicode.GeneralCategory {
    fileprivate var letters: String {
        switch self {
        case .uppercaseLetter: "Lu"
        case .lowercaseLetter: "Ll"
        case .titlecaseLetter: "Lt"
        case .modifierLetter: "Lm"
        case .otherLetter: "Lo"
        case .nonspacingMark: "Mn"
        case .spacingMark: "Mc"
        case .enclosingMark: "Me"
        case .decimalNumber: "Nd"
        case .letterNumber: "Nl"
        case .otherNumber: "No"
        case .connectorPunctuation: "Pc"
        case .dashPunctuation: "Pd"
        case .openPunctuation: "Ps"
        case .closePunctuation: "Pe"
        case .initialPunctuation: "Pi"
        case .finalPunctuation: "Pf"
        case .otherPunctuation: "Po"
        case .mathSymbol: "Sm"
        case .currencySymbol: "Sc"
        case .modifierSymbol: "Sk"
        case .otherSymbol: "So"
        case .spaceSeparator: "Zs"
        case .lineSeparator: "Zl"
        case .paragraphSeparator: "Zp"
        case .control: "Cc"
        case .format: "Cf"
        case .surrogate: "Cs"
        case .privateUse: "Co"
        case .unassigned: "Cn"
        @unknown default: "Cn"
        }
    }
}
