import APIModel

/// One alternative of an `Accept` header, or a `Content-Type`.
struct MediaType: Sendable {
    var type: String
    var parameters: [String: String]

    init(_ text: some StringProtocol) {
        var parts = text.split(separator: ";").map { $0.trimmed }[...]
        type = parts.popFirst()?.lowercased() ?? ""
        parameters = [:]
        for part in parts {
            let pair = part.split(separator: "=", maxSplits: 1).map { $0.trimmed }
            if pair.count == 2 { parameters[pair[0].lowercased()] = pair[1].trimming("\"") }
        }
    }

    /// The alternatives of an `Accept` header in the client's order of preference.
    static func accepted(_ header: String?) -> [MediaType] {
        guard let header, !header.trimmed.isEmpty else { return [MediaType("*/*")] }
        let all = header.split(separator: ",").map { MediaType($0) }
        return all.enumerated().sorted { a, b in
            let (x, y) = (a.element.quality, b.element.quality)
            return x == y ? a.offset < b.offset : x > y
        }.map(\.element)
    }

    private var quality: Double { parameters["q"].flatMap(Double.init) ?? 1 }
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

    static let byMediaType: [String: Codec] = [
        "application/json": .json, "application/yaml": .yaml, "application/vnd.kubernetes.protobuf": .protobuf, "*/*": .json,
        "application/*": .json,
    ]
}

/// What a client wants to see of an object, and how it is written.
struct Presentation: Sendable, Hashable {
    enum Form: Sendable, Hashable {
        case object
        case table(version: String)
        /// `metadata` only.
        case partial(version: String)
    }
    var codec = Codec.json
    var form = Form.object
    var isPretty = false

    /// The first alternative that the server can give.
    /// - Parameter offersProtobuf: objects of custom kinds have no protobuf form, what is told of them has.
    static func negotiate(accept: String?, pretty: String?, offersProtobuf: Bool = true) throws -> Presentation {
        let pretty = pretty == "true" || pretty == "1"
        for type in MediaType.accepted(accept) {
            guard let codec = Codec.byMediaType[type.type] else { continue }
            guard let form = form(of: type, codec) else { continue }
            if codec == .protobuf, form == .object, !offersProtobuf { continue }
            return Presentation(codec: codec, form: form, isPretty: pretty && codec == .json)
        }
        throw APIError(
            code: 406, reason: .notAcceptable,
            message: "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf")
    }

    private static func form(of type: MediaType, _ codec: Codec) -> Form? {
        guard let kind = type.parameters["as"] else { return .object }
        guard type.parameters["g"] == "meta.k8s.io", let version = type.parameters["v"], version == "v1" || version == "v1beta1" else {
            return nil
        }
        switch kind {
        case "Table": return codec == .protobuf ? nil : .table(version: version)
        case "PartialObjectMetadata", "PartialObjectMetadataList": return .partial(version: version)
        default: return nil
        }
    }
}

extension StringProtocol {
    /// Without white space at both ends.
    var trimmed: String {
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
