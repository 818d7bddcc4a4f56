import APIModel
import HTTPServer
import HTTPTypes

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

    /// What is to be presented.
    struct Offer: Sendable {
        enum Shape: Sendable {
            case one, list, watch
            /// What is told of a deletion: a Status, or the object that waits for its end.
            case either
        }
        var shape = Shape.one
        /// Objects of custom kinds have no protobuf form, what is told of them has.
        var hasProtobuf = true
        /// What Go calls the type of an object, for those who ask for the wrong form of it.
        var goType = "runtime.Object"
    }

    /// The first alternative that the server can give.
    /// - Throws: 406.
    static func negotiate(_ accept: Accept, isPretty: Bool = false, _ offer: Offer = Offer()) throws -> Presentation {
        for type in accept.types {
            guard let codec = Codec.byMediaType[type.type], isOffered(type, codec), let form = form(of: type, codec) else { continue }
            if codec == .protobuf, form == .object, !offer.hasProtobuf { continue }
            if offer.shape == .watch, codec == .yaml { throw NotAcceptable.only(Codec.streams) }
            if case .partial = form { try check(type.parameters["as"] ?? "", offer) }
            let isPretty = codec == .json && (isPretty || type.parameters["pretty"] == "1")
            return Presentation(codec: codec, form: form, isPretty: isPretty)
        }
        throw NotAcceptable.only(Codec.mediaTypes)
    }

    /// Whether text is laid out for people: where it is asked for, and for the tools that people use where nothing is.
    static func isPretty(_ request: Request) -> Bool {
        if let asked = request.query("pretty"), !asked.isEmpty { return ["1", "t", "T", "true", "TRUE", "True"].contains(asked) }
        guard let agent = request.header(.userAgent) else { return false }
        return ["curl", "Wget", "Mozilla/5.0"].contains { agent.hasPrefix($0) }
    }

    /// How a refusal is written: as the answer would have been, or in JSON where that has another form.
    static func codecOfErrors(_ accept: Accept) -> Codec {
        accept.types.lazy.compactMap { type in
            Codec.byMediaType[type.type].flatMap { isPlain(type, $0) ? $0 : nil }
        }.first ?? .json
    }

    /// Whether a media type asks for an object as it is.
    static func isPlain(_ type: MediaType, _ codec: Codec) -> Bool { isOffered(type, codec) && form(of: type, codec) == .object }

    /// Whether there is the stream, and the version of the server's own kinds, that a media type names.
    private static func isOffered(_ type: MediaType, _ codec: Codec) -> Bool {
        if let stream = type.parameters["stream"], !stream.isEmpty, stream != "watch" || codec == .yaml { return false }
        if let version = type.parameters["sv"], !version.isEmpty, version != "v1" { return false }
        return true
    }

    private static func form(of type: MediaType, _ codec: Codec) -> Form? {
        let (kind, group, version) = (type.parameters["as"], type.parameters["g"], type.parameters["v"])
        if kind == nil, group == nil, version == nil { return .object }
        guard group == "meta.k8s.io", let version, version == "v1" || version == "v1beta1" else { return nil }
        switch kind {
        case "Table": return codec == .protobuf ? nil : .table(version: version)
        case "PartialObjectMetadata", "PartialObjectMetadataList": return .partial(version: version)
        default: return nil
        }
    }

    /// A list is not metadata of one object, nor the other way round; what a watch tells is either.
    private static func check(_ form: String, _ offer: Offer) throws {
        switch (offer.shape, form) {
        case (.list, "PartialObjectMetadata"):
            throw NotAcceptable.error("you requested \(form), but the requested object is a list (*\(offer.goType)List)")
        case (.one, "PartialObjectMetadataList"):
            throw NotAcceptable.error("you requested \(form), but the requested object is not a list (*\(offer.goType))")
        default: break
        }
    }
}
