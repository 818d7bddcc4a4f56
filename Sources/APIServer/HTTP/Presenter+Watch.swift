import APIModel
import NIOCore
import OrderedCollections
import Store

extension Presenter {
    /// One frame of a watch, made once for all watchers that want the same.
    func frame(_ notice: (change: WatchSource.Change, record: Record), _ event: Event, isFirst: Bool) throws -> ByteBuffer {
        guard isShared else { return ByteBuffer(bytes: try frame(notice.change.name, notice.record, isFirst: isFirst)) }
        return try event.memo { _ in Encodings<ByteBuffer>() }.form(form(notice.change)) {
            ByteBuffer(bytes: frame(notice.change.name, enveloped(try item(notice.record))))
        }
    }

    /// One frame for an object that was there before.
    func frame(initial record: Record, isFirst: Bool) throws -> [UInt8] {
        let name = WatchSource.Change.added.name
        return isShared ? frame(name, enveloped(try item(record))) : try frame(name, record, isFirst: isFirst)
    }

    private func frame(_ type: String, _ record: Record, isFirst: Bool) throws -> [UInt8] {
        var object = shape(try value(record), form: presentation.form)
        // The columns of a table are told once; upstream says null then.
        if case .table = presentation.form, !isFirst, case .object(var table) = object {
            table.updateValue(.null, forKey: "columnDefinitions")
            object = .object(table)
        }
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

    /// What is not JSON or protobuf is no stream of events, so the events of a watch in YAML are JSON.
    private func frame(_ type: String, _ object: Value) throws -> [UInt8] {
        frame(type, presentation.codec == .protobuf ? try Protobuf.encodeUnknown(object, catalogue: catalogue) : JSON.encode(object))
    }

    private func frame(_ type: String, _ object: [UInt8]) -> [UInt8] {
        guard presentation.codec == .protobuf else {
            var frame = Array("{\"type\":\"\(type)\",\"object\":".utf8)
            frame.reserveCapacity(frame.count + object.count + 2)
            frame += object
            frame += [UInt8(ascii: "}"), UInt8(ascii: "\n")]
            return frame
        }
        let event = Protobuf.watchEvent(type: type, object: object)
        return withUnsafeBytes(of: UInt32(event.count).bigEndian) { Array($0) } + event
    }

    /// What a watch's response says it is.
    var watchContentType: String {
        presentation.codec == .protobuf ? "application/vnd.kubernetes.protobuf;stream=watch" : "application/json"
    }
}
