import APIModel

/// One alternative of an `Accept` header, or a `Content-Type`.
struct MediaType: Sendable {
    /// As it is spelled.
    var name: String
    /// In lower case.
    var type: String
    var parameters: [String: String]
    /// Whether every parameter has a value; a `Content-Type` whose parameters have none is not understood.
    var isWhole = true

    init(_ text: some StringProtocol) {
        guard text.utf8.contains(UInt8(ascii: ";")) else {
            name = text.trimmed
            type = name.lowercased()
            parameters = [:]
            return
        }
        let parts = text.split(separator: ";", omittingEmptySubsequences: false).map { $0.trimmed }
        name = parts[0]
        type = name.lowercased()
        parameters = [:]
        for part in parts.dropFirst() where !part.isEmpty {
            let pair = part.split(separator: "=", maxSplits: 1).map { $0.trimmed }
            if pair.count == 2 { parameters[pair[0].lowercased()] = pair[1].trimming("\"") } else { isWhole = false }
        }
    }

    /// How much an alternative is wanted.
    var quality: Double { parameters["q"].flatMap(Double.init) ?? 1 }
}

/// How a body is written.
enum Codec: Sendable, Hashable {
    case json
    case yaml
    case protobuf

    var contentType: String {
        switch self {
        case .json: "application/json"
        case .yaml: "application/yaml"
        case .protobuf: "application/vnd.kubernetes.protobuf"
        }
    }

    static let mediaTypes = [Codec.json, .yaml, .protobuf].map(\.contentType)
    /// What a watch can be written in.
    static let streams = [Codec.json, .protobuf].map { "\($0.contentType);stream=watch" }

    static let byMediaType: [String: Codec] = [
        "application/json": .json, "application/yaml": .yaml, "application/vnd.kubernetes.protobuf": .protobuf, "*/*": .json,
        "application/*": .json,
    ]
}

extension StringProtocol {
    /// Without white space at both ends.
    var trimmed: String {
        // Mostly there is none.
        if let first = unicodeScalars.first, let last = unicodeScalars.last, "!"..."~" ~= first, "!"..."~" ~= last { return String(self) }
        var view = self[...]
        while let first = view.first, first.isWhitespace { view.removeFirst() }
        while let last = view.last, last.isWhitespace { view.removeLast() }
        return String(view)
    }

    /// Without `character` at both ends.
    func trimming(_ character: Character) -> String {
        var view = self[...]
        while view.first == character { view.removeFirst() }
        while view.last == character { view.removeLast() }
        return String(view)
    }
}
