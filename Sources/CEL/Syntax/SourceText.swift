/// The text of one expression, with the places in it that messages name.
///
/// Offsets count bytes of UTF-8; lines count from 1 and columns, in Unicode scalars, from 0.
struct SourceText: Sendable {
    /// The offset of what has no place: a message about the expression as a whole.
    static let nowhere = -1
    /// A line longer than this is not shown below a message.
    private static let longestSnippet = 16_384

    let bytes: [UInt8]
    /// The offset at which each line begins.
    private let lineStarts: [Int]

    init(_ text: String) {
        let bytes = Array(text.utf8)
        self.bytes = bytes
        lineStarts = [0] + bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }.map { $0 + 1 }
    }

    var scalarCount: Int { Self.scalarCount(bytes[...]) }

    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    func location(of offset: Int) -> (line: Int, column: Int) {
        guard offset >= 0 else { return (-1, -1) }
        let line = lineStarts.lastIndex { $0 <= offset } ?? 0
        return (line + 1, Self.scalarCount(bytes[lineStarts[line]..<min(offset, bytes.count)]))
    }

    /// `ERROR: <input>:1:5: message`, and below it the line with a caret under the place.
    func display(_ issue: Issue) -> String {
        if bytes.isEmpty { return "ERROR: <input>:1:0: \(issue.message)" }
        let (line, column) = location(of: issue.offset)
        var text = "ERROR: <input>:\(line):\(column + 1): \(issue.message)"
        guard line > 0, let snippet = snippet(line: line), snippet.utf8.count <= Self.longestSnippet else { return text }
        text += "\n | \(snippet)\n | "
        // A wide character is pointed over with wide dots, so that the caret stays below its place.
        var scalars = snippet.unicodeScalars[...]
        for _ in 0..<column { text += (scalars.popFirst().map(Self.isWide) ?? false) ? "\u{ff0e}" : "." }
        return text + ((scalars.first.map(Self.isWide) ?? false) ? "\u{ff3e}" : "^")
    }

    private func snippet(line: Int) -> String? {
        guard line <= lineStarts.count else { return nil }
        let start = lineStarts[line - 1]
        let end = line < lineStarts.count ? lineStarts[line] - 1 : bytes.count
        return String(decoding: bytes[start..<end].map { $0 == UInt8(ascii: "\t") ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
    }

    private static func isWide(_ scalar: Unicode.Scalar) -> Bool { scalar.value > 0x7f }

    private static func scalarCount(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $0 + ($1 & 0xc0 == 0x80 ? 0 : 1) } }
}

/// One complaint about an expression.
struct Issue: Error, Sendable, Hashable {
    var offset: Int
    var message: String
}

/// What was found wrong with an expression so far.
struct Issues {
    /// How many are told; of the rest only their number.
    private static let most = 100

    private(set) var all: [Issue] = []

    var isEmpty: Bool { all.isEmpty }
    mutating func report(_ message: String, at offset: Int) { all.append(Issue(offset: offset, message: message)) }

    /// All of them in the order of their places, as the API reports them.
    func display(in source: SourceText) -> String {
        // An offset sorts as line and column do, and what has no place comes first.
        let told = all.prefix(Self.most).enumerated().sorted { ($0.element.offset, $0.offset) < ($1.element.offset, $1.offset) }
        var lines = told.map { source.display($0.element) }
        if all.count > Self.most { lines.append("\(all.count - Self.most) more errors were truncated") }
        return lines.joined(separator: "\n")
    }
}
