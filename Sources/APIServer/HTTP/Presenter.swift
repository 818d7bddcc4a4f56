import APIModel
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

    private var isPlain: Bool {
        presentation.codec == .json && presentation.form == .object && !presentation.isPretty && !storage.isConverted
    }

    /// A record in the client's version.
    func value(_ record: Record) -> Value { storage.fromStored(record.object.value) }

    func response(_ answer: Answer) throws -> Response {
        switch answer.content {
        case .list(let list): return try response(list)
        case .values(let objects): return try response(virtual: objects)
        case .response(let response): return response
        case .watch: throw APIError.internalError("a watch is no answer of one piece")
        case .record(let record):
            if isPlain { return Responses.bytes(record.bytes, type: Codec.json.contentType, code: answer.code) }
            return try respond(value(record), code: answer.code)
        case .stored(let object): return try respond(storage.fromStored(object), code: answer.code)
        case .value(let value):
            // A status, a scale or a review is shown as it is, whatever form the objects of the kind are wanted in.
            return try respond(value, code: answer.code, form: value["kind"].string == storage.type.kind ? nil : .object)
        }
    }

    private func response(virtual objects: [Value]) throws -> Response {
        let shown: Value
        switch presentation.form {
        case .table(let version): shown = table(objects, metadata: .emptyObject, version: version)
        case .object, .partial: shown = frame(objects, metadata: .emptyObject)
        }
        return Responses.bytes(try encode(shown), type: presentation.codec.contentType)
    }

    private func frame(_ items: [Value], metadata: Value) -> Value {
        [
            "kind": .string("\(storage.type.kind)List"), "apiVersion": .string(storage.type.groupVersion.description),
            "metadata": metadata, "items": .array(items),
        ]
    }

    private func respond(_ value: Value, code: Int, form: Presentation.Form? = nil) throws -> Response {
        let shown = try shape(value, form: form ?? presentation.form)
        return Responses.bytes(try encode(shown), type: presentation.codec.contentType, code: code)
    }

    /// One object in the wanted form.
    private func shape(_ value: Value, form: Presentation.Form) throws -> Value {
        switch form {
        case .object: value
        case .table(let version): table([value], metadata: ["resourceVersion": value["metadata"]["resourceVersion"]], version: version)
        case .partial(let version): Self.partial(value, version: version)
        }
    }

    static func partial(_ value: Value, version: String) -> Value {
        ["kind": "PartialObjectMetadata", "apiVersion": .string("meta.k8s.io/\(version)"), "metadata": value["metadata"]]
    }

    private func table(_ objects: [Value], metadata: Value, version: String) -> Value {
        var table = Table.render(objects, resource: storage.type, includeObject: includeObject, listMetadata: metadata, now: Clock.seconds)
        table["apiVersion"] = .string("meta.k8s.io/\(version)")
        return table
    }

    func encode(_ value: Value) throws -> [UInt8] {
        switch presentation.codec {
        case .json: return presentation.isPretty ? JSON.encodePretty(value) : JSON.encode(value)
        case .yaml: return Array(YAML.encode(value).utf8)
        case .protobuf: return try Protobuf.encodeUnknown(value, catalogue: catalogue)
        }
    }

    // MARK: Lists

    func response(_ list: ListResult) throws -> Response {
        var headers = HTTPFields()
        headers[.contentType] = presentation.codec.contentType
        headers[.cacheControl] = "no-cache, private"
        return .full(status: .ok, headers: headers, body: isPlain ? spliced(list) : [try encode(shape(list))])
    }

    private func metadata(_ list: ListResult) -> Value {
        [
            "resourceVersion": .string(String(list.revision)), "continue": list.continueToken.isEmpty ? .null : .string(list.continueToken),
            "remainingItemCount": list.continueToken.isEmpty ? .null : list.remaining.map { .int(Int64($0)) } ?? .null,
        ]
    }

    /// The committed bytes of the items with a frame around them.
    private func spliced(_ list: ListResult) -> [[UInt8]] {
        let type = storage.type
        let metadata = JSON.encode(metadata(list))
        var whole = Array("{\"kind\":\"\(type.kind)List\",\"apiVersion\":\"\(type.groupVersion)\",\"metadata\":".utf8)
        whole.reserveCapacity(whole.count + metadata.count + 16 + list.records.reduce(0) { $0 + $1.bytes.count + 1 })
        whole += metadata
        whole += Array(",\"items\":[".utf8)
        for (index, record) in list.records.enumerated() {
            if index > 0 { whole.append(UInt8(ascii: ",")) }
            whole += record.bytes
        }
        whole += Array("]}\n".utf8)
        return [whole]
    }

    private func shape(_ list: ListResult) throws -> Value {
        let items = list.records.map(value)
        switch presentation.form {
        case .object: return frame(items, metadata: metadata(list))
        case .table(let version): return table(items, metadata: metadata(list), version: version)
        case .partial(let version):
            return [
                "kind": "PartialObjectMetadataList", "apiVersion": .string("meta.k8s.io/\(version)"), "metadata": metadata(list),
                "items": .array(items.map { Self.partial($0, version: version) }),
            ]
        }
    }

    // MARK: Watches

    /// One frame of a watch. Frames of the plain form are made once for all watchers.
    func frame(_ change: WatchSource.Change, _ event: Event, isFirst: Bool) throws -> [UInt8] {
        guard isPlain else { return try frame(change.rawValue, event.record, isFirst: isFirst) }
        return event.memo { _ in EventFrames() }.frame(change) { Self.plain(change, event.record) }
    }

    /// One frame for an object that was there before.
    func frame(initial record: Record, isFirst: Bool) throws -> [UInt8] {
        isPlain ? Self.plain(.added, record) : try frame(WatchSource.Change.added.rawValue, record, isFirst: isFirst)
    }

    private static func plain(_ change: WatchSource.Change, _ record: Record) -> [UInt8] {
        var frame = Array("{\"type\":\"\(change.rawValue)\",\"object\":".utf8)
        frame.reserveCapacity(frame.count + record.bytes.count + 2)
        frame += record.bytes
        frame += [UInt8(ascii: "}"), UInt8(ascii: "\n")]
        return frame
    }

    private func frame(_ type: String, _ record: Record, isFirst: Bool) throws -> [UInt8] {
        var object = try shape(value(record), form: presentation.form)
        // The columns of a table are told once.
        if case .table = presentation.form, !isFirst { object["columnDefinitions"] = [] }
        return try frame(type, object)
    }

    /// A bookmark: everything up to `revision` has been told.
    func bookmark(_ revision: UInt64, endsInitialEvents: Bool) throws -> [UInt8] {
        let metadata: Value = [
            "resourceVersion": .string(String(revision)),
            "annotations": endsInitialEvents ? ["k8s.io/initial-events-end": "true"] : .null,
        ]
        var object: Value = [
            "kind": .string(storage.type.kind), "apiVersion": .string(storage.type.groupVersion.description), "metadata": metadata,
        ]
        switch presentation.form {
        case .object: break
        case .table(let version):
            object = table([], metadata: ["resourceVersion": .string(String(revision))], version: version)
            // The bookmark's annotations have no place in a list's metadata, so a row carries them.
            if endsInitialEvents {
                object["rows"] = [
                    [
                        "cells": [],
                        "object": ["kind": "PartialObjectMetadata", "apiVersion": .string("meta.k8s.io/\(version)"), "metadata": metadata],
                    ]
                ]
            }
        case .partial(let version): object = Self.partial(object, version: version)
        }
        return try frame("BOOKMARK", object)
    }

    func error(_ error: APIError) throws -> [UInt8] { try frame("ERROR", error.status) }

    private func frame(_ type: String, _ object: Value) throws -> [UInt8] {
        guard presentation.codec == .protobuf else { return JSON.encode(["type": .string(type), "object": object]) + [UInt8(ascii: "\n")] }
        let event = try Protobuf.encodeWatchEvent(type: type, object: object)
        return withUnsafeBytes(of: UInt32(event.count).bigEndian) { Array($0) } + event
    }

    /// What a watch's response says it is.
    var watchContentType: String {
        presentation.codec == .protobuf ? "application/vnd.kubernetes.protobuf;stream=watch" : "application/json"
    }
}
