import APIModel

/// A request's path piece by piece, percent-decoded. A piece that is empty, a dot or two, or not what it looks like leads nowhere: different
/// readers of a path disagree about those.
struct PathSegments {
    private let raw: [Substring.UTF8View]
    private var position = 0
    private let endsInSlash: Bool
    /// What was read so far.
    private(set) var path = ""
    /// Whether the rest is somebody else's path.
    var isProxied = false

    /// - Throws: 400 for a path that does not begin with a slash.
    init(_ text: String) throws(APIError) {
        guard text.utf8.first == UInt8(ascii: "/") else { throw Self.malformed(text) }
        let pieces = text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        endsInSlash = pieces.last?.isEmpty ?? true
        raw = endsInSlash ? pieces.dropLast() : pieces
        if raw.isEmpty { path = "/" }
    }

    var isAtEnd: Bool { position == raw.count }

    /// - Throws: 404 for a piece that leads nowhere, 400 for one that is malformed.
    mutating func next() throws(APIError) -> String? {
        guard !isAtEnd else { return nil }
        let piece = raw[position]
        position += 1
        guard !piece.isEmpty else { throw .unknownResource }
        // Most pieces are what they look like.
        let decoded = piece.contains(UInt8(ascii: "%")) ? Self.decode(piece) : String(Substring(piece))
        guard let text = decoded, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
            throw Self.malformed(String(Substring(piece)))
        }
        guard Self.isName(text) else { throw .unknownResource }
        path += "/" + text
        if isAtEnd, endsInSlash { path += "/" }
        return text
    }

    /// Everything that follows, as it came, but for dots that lead up and down.
    mutating func takeRest() -> String {
        var rest: [Substring] = []
        for piece in raw[position...] {
            switch Self.decode(piece) {
            case ".", "": continue
            case "..": _ = rest.popLast()
            default: rest.append(Substring(piece))
            }
        }
        position = raw.count
        return rest.joined(separator: "/") + (endsInSlash && !rest.isEmpty ? "/" : "")
    }

    /// Whether a piece can be the name of something, as upstream has it.
    static func isName(_ text: String) -> Bool {
        text != "." && text != ".." && !text.utf8.contains { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "%") }
    }

    /// `nil` for an escape that is none and for what is not UTF-8.
    static func decode(_ text: some Sequence<UInt8>) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    private static func malformed(_ text: String) -> APIError { .badRequest("the path is malformed: \(FieldError.quoted(text))") }
}
