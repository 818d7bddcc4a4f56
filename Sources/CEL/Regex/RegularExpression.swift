/// A regular expression with the syntax and the meaning of RE2, as Go and with it Kubernetes have them.
///
/// Matching takes time linear in the length of the text, whatever the pattern. Immutable and safe from any task.
public struct RegularExpression: Sendable {
    public let pattern: String
    private let program: PatternProgram

    /// - Throws: `PatternError` with the words of Go's `regexp`.
    public init(_ pattern: String) throws(PatternError) {
        self.pattern = pattern
        program = try PatternProgram(pattern)
    }

    /// How many instructions it is made of.
    var size: Int { program.instructions.count }

    /// The names of the groups, `nil` for those without one. The first is the whole match.
    public var captureNames: [String?] { program.captureNames }

    /// Whether the pattern matches anywhere in the text.
    public func matches(_ text: String) -> Bool {
        var effort = MatchingEffort()
        return matches(text, &effort)
    }

    /// The leftmost match.
    public func firstMatch(in text: String) -> Substring? {
        var effort = MatchingEffort()
        return firstMatch(in: text, &effort)
    }

    /// The leftmost match and what its groups took, `nil` for groups that took no part.
    public func captures(in text: String) -> [Substring?]? {
        var effort = MatchingEffort()
        return captures(in: text, slotCount: captureNames.count * 2, &effort)
    }

    /// All matches that do not overlap, from the left; at most `limit` if that is given. An empty match right after another one is none.
    ///
    /// Each match is looked for in linear time.
    public func allMatches(in text: String, limit: Int? = nil) -> [Substring] {
        var effort = MatchingEffort()
        return allMatches(in: text, limit: limit, &effort)
    }

    func matches(_ text: String, _ effort: inout MatchingEffort) -> Bool {
        search(text, slotCount: 0, &effort) { $0.run(from: 0) != nil }
    }

    func firstMatch(in text: String, _ effort: inout MatchingEffort) -> Substring? { captures(in: text, slotCount: 2, &effort)?[0] }

    func allMatches(in text: String, limit: Int?, _ effort: inout MatchingEffort) -> [Substring] {
        let ranges = search(text, slotCount: 2, &effort) { machine in
            var ranges: [Range<Int>] = []
            var position = 0
            var lastEnd = -1
            let length = text.utf8.count
            while position <= length, limit.map({ ranges.count < $0 }) ?? true, let places = machine.run(from: position) {
                let range = Int(places[0])..<Int(places[1])
                var isGood = true
                if range.upperBound == position {
                    isGood = range.lowerBound != lastEnd
                    position = Self.next(after: position, in: text)
                } else {
                    position = range.upperBound
                }
                lastEnd = range.upperBound
                if isGood { ranges.append(range) }
            }
            return ranges
        }
        return ranges.map { Self.part(of: text, $0) }
    }

    private func captures(in text: String, slotCount: Int, _ effort: inout MatchingEffort) -> [Substring?]? {
        search(text, slotCount: slotCount, &effort) { $0.run(from: 0) }.map { places in
            stride(from: 0, to: places.count, by: 2).map { index in
                places[index] >= 0 && places[index + 1] >= 0 ? Self.part(of: text, Int(places[index])..<Int(places[index + 1])) : nil
            }
        }
    }

    private func search<Result>(
        _ text: String, slotCount: Int, _ effort: inout MatchingEffort, _ body: (inout PatternMachine) -> Result
    ) -> Result {
        var text = text
        return text.withUTF8 { bytes in
            var machine = PatternMachine(program, bytes, slotCount: slotCount, effort)
            defer { effort = machine.effort }
            return body(&machine)
        }
    }

    private static func part(of text: String, _ range: Range<Int>) -> Substring {
        let utf8 = text.utf8
        return text[utf8.index(utf8.startIndex, offsetBy: range.lowerBound)..<utf8.index(utf8.startIndex, offsetBy: range.upperBound)]
    }

    /// The place after the character at `position`.
    private static func next(after position: Int, in text: String) -> Int {
        let utf8 = text.utf8
        guard position < utf8.count else { return position + 1 }
        let scalars = text.unicodeScalars
        return utf8.distance(from: utf8.startIndex, to: scalars.index(after: utf8.index(utf8.startIndex, offsetBy: position)))
    }
}
