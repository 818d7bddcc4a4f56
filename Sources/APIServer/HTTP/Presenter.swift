import APIModel
import Client
import HTTPServer
import HTTPTypes
import Store

/// Writes objects of one resource the way one client wants them. Committed JSON bytes pass through untouched wherever they are what is
/// wanted.
struct Presenter: Sendable {
    let storage: Storage
    let presentation: Presentation
    let catalogue: Catalogue
    /// Tables only: what of the object goes into each row.
    var includeObject = Table.IncludeObject.metadata
    var quarantine = Quarantine()

    private var isPlain: Bool {
        presentation.codec == .json && presentation.form == .object && !presentation.isPretty && !storage.isConverted
    }

    /// A record in the client's version.
    func value(_ record: Record) throws -> Value { try storage.shown(record) }

    /// - Parameter registry: for kinds that a webhook converts.
    func response(_ answer: Answer, _ registry: Registry) async throws -> Response {
        switch answer.content {
        case .list(let list):
            try await storage.prepare(list.records, registry)
            return try response(list)
        case .values(let objects): return try response(virtual: objects)
        case .response(let response): return response
        case .watch: throw APIError.internalError("a watch is no answer of one piece")
        case .record(let record):
            try await storage.prepare([record], registry)
            guard isShared else { return try respond(value(record), code: answer.code) }
            return Responses.bytes(try enveloped(item(record)), type: presentation.codec.contentType, code: answer.code)
        case .stored(let object): return try respond(try await storage.fromStored(object, registry), code: answer.code)
        case .value(let value):
            // A status, a scale or a review is shown as it is, whatever form the objects of the kind are wanted in.
            return try respond(value, code: answer.code, form: value["kind"].string == storage.type.kind ? nil : .object)
        }
    }

    private func response(virtual objects: [Value]) throws -> Response {
        let shown: Value
        switch presentation.form {
        case .table(let version): shown = table(objects, metadata: .emptyObject, version: version)
        case .object, .partial: shown = list(objects, metadata: .emptyObject)
        }
        return Responses.bytes(try encode(shown), type: presentation.codec.contentType)
    }

    private func respond(_ value: Value, code: Int, form: Presentation.Form? = nil) throws -> Response {
        let shown = shape(value, form: form ?? presentation.form)
        return Responses.bytes(try encode(shown), type: presentation.codec.contentType, code: code)
    }

    /// One object in the wanted form.
    func shape(_ value: Value, form: Presentation.Form) -> Value {
        switch form {
        case .object: value
        case .table(let version): table([value], metadata: ["resourceVersion": value["metadata"]["resourceVersion"]], version: version)
        case .partial(let version): Self.partial(value, version: version)
        }
    }

    static func partial(_ value: Value, version: String) -> Value {
        ["kind": "PartialObjectMetadata", "apiVersion": .string("meta.k8s.io/\(version)"), "metadata": value["metadata"]]
    }

    func table(_ objects: [Value], metadata: Value, version: String) -> Value {
        var table = Table.render(
            objects, resource: storage.type, includeObject: includeObject, listMetadata: metadata, now: Clock.seconds, around: row)
        table["apiVersion"] = .string("meta.k8s.io/\(version)")
        return table
    }

    /// Notes the object while its row is made; `nil` for one over which the process ended more than once at that.
    private func row(_ object: Value, _ make: () -> Value) -> Value? {
        let (part, resource, metadata) = ("table", storage.type.groupVersionResource, object["metadata"])
        let (namespace, name) = (metadata["namespace"].string ?? "", metadata["name"].string ?? "")
        if quarantine.holds(.apiServer, part: part, resource, namespace: namespace, name: name, Object(object)) { return nil }
        return InHand.with(.apiServer, part: part, resource, namespace: namespace, name: name, make)
    }

    func encode(_ value: Value) throws -> [UInt8] {
        switch presentation.codec {
        case .json: return presentation.isPretty ? JSON.encodePretty(value) : JSON.encode(value)
        case .yaml: return YAML.bytes(value)
        case .protobuf: return try Protobuf.encodeUnknown(value, catalogue: catalogue)
        }
    }

    // MARK: What is made once for many

    /// Whether what a client wants of an object is kept with it: not what depends on the time, and not what people read.
    var isShared: Bool {
        if case .table = presentation.form { return false }
        return presentation.codec != .yaml && !presentation.isPretty
    }

    /// What shared forms are kept by.
    func form<Encoded>(_ change: WatchSource.Change? = nil) -> Encodings<Encoded>.Form {
        Encodings.Form(
            change: change, presentation: presentation, version: storage.type.groupVersion,
            generation: storage.type.custom?.generation ?? 0)
    }

    /// A record in a shared form, as it stands in a list: JSON or a bare message.
    func item(_ record: Record) throws -> [UInt8] {
        if isPlain { return record.bytes }
        return try record.memo { _ in Encodings<[UInt8]>() }.form(form()) {
            let object = shape(try value(record), form: presentation.form)
            guard presentation.codec == .protobuf else { return JSON.encode(object) }
            return try Protobuf.encode(object, as: Protobuf.type(of: object, catalogue))
        }
    }

    /// An item as it stands alone.
    func enveloped(_ item: [UInt8], list: Bool = false) -> [UInt8] {
        guard presentation.codec == .protobuf else { return item }
        let (version, kind) = kind(list: list)
        return Protobuf.envelope(item, apiVersion: version, kind: kind)
    }

    /// What the shown objects, or lists of them, say they are.
    func kind(list: Bool) -> (apiVersion: String, kind: String) {
        if case .partial(let version) = presentation.form {
            return ("meta.k8s.io/\(version)", list ? "PartialObjectMetadataList" : "PartialObjectMetadata")
        }
        return (storage.type.groupVersion.description, list ? "\(storage.type.kind)List" : storage.type.kind)
    }
}
