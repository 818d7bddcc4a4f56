internal import OrderedCollections

/// Protobuf messages to values and back, as a `TypeSchema` tells. All functions are safe from any thread.
///
/// Kubernetes' own messages are as Go writes them: fields in the order of their numbers, repeated numbers not packed (packed ones are read
/// too), maps by key, and zeros for what Go holds by value. Read, they give what Go's JSON would have, nulls aside. In other messages, a field
/// that the message leaves out is absent from the value, and the other way round.
public enum Protobuf {
    /// Bytes that are no such message, or a value that is no such object.
    public struct Error: Swift.Error, Sendable, Equatable, CustomStringConvertible {
        public var message: String
        /// The field: `spec.containers.name`.
        public var path: String
        public var description: String { path.isEmpty ? message : "\(path): \(message)" }

        func within(_ name: String) -> Error {
            Error(message: message, path: path.isEmpty || path.hasPrefix("[") ? name + path : "\(name).\(path)")
        }
    }

    /// How deep messages may nest.
    static let maximumDepth = 128

    /// Kubernetes' envelope begins with `k8s` and a zero byte.
    public static let magic: [UInt8] = [0x6B, 0x38, 0x73, 0x00]

    /// A bare message. Fields that the type does not have are left out.
    public static func encode(_ value: Value, as type: TypeSchema) throws(Error) -> [UInt8] {
        var encoder = ProtobufEncoder()
        try encoder.append(value, as: type)
        return encoder.bytes
    }

    /// Reads a bare message. Fields that the type does not have are left out.
    public static func decode(_ bytes: [UInt8], as type: TypeSchema) throws(Error) -> Value {
        var fields: Value.Fields = [:]
        try ProtobufDecoder(bytes: bytes[...]).read(into: &fields, type: type)
        return .object(fields)
    }

    /// An object in Kubernetes' envelope, which carries its `apiVersion` and `kind`.
    /// - Parameter type: where the object does not say what it is.
    public static func encodeUnknown(_ object: Value, as type: TypeSchema? = nil, catalogue: Catalogue = .builtin) throws(Error) -> [UInt8]
    {
        let type = if let type { type } else { try Self.type(of: object, catalogue) }
        return envelope(
            try encode(object, as: type), apiVersion: object["apiVersion"].string ?? "", kind: object["kind"].string ?? "")
    }

    /// The type of the message that an object is encoded as.
    public static func type(of object: Value, _ catalogue: Catalogue) throws(Error) -> TypeSchema {
        if let type = GroupVersionKind(of: object).flatMap({ catalogue.type(of: $0) }) { return type }
        throw Error(
            message:
                "object *unstructured.Unstructured does not implement the protobuf marshalling interface and cannot be encoded to a protobuf message",
            path: "")
    }

    /// A bare message in Kubernetes' envelope.
    public static func envelope(_ message: [UInt8], apiVersion: String, kind: String) -> [UInt8] {
        var encoder = ProtobufEncoder()
        encoder.bytes.reserveCapacity(message.count + 64)
        encoder.bytes = magic
        encoder.message(1) { encoder in
            encoder.string(1, apiVersion)
            encoder.string(2, kind)
        }
        encoder.bytes(2, message)
        encoder.string(3, "")
        encoder.string(4, "")
        return encoder.bytes
    }

    /// The bare message of a list of bare messages: all lists have their metadata and items under the same numbers.
    public static func list(metadata: Value, items: [[UInt8]], catalogue: Catalogue = .builtin) throws(Error) -> [UInt8] {
        guard let type = catalogue.type(named: "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta") else {
            throw Error(message: "the catalogue has no ListMeta", path: "metadata")
        }
        var encoder = ProtobufEncoder()
        encoder.bytes.reserveCapacity(items.reduce(256) { $0 + $1.count + 6 })
        try encoder.message(1) { encoder throws(Error) in try encoder.append(metadata, as: type) }
        for item in items { encoder.bytes(2, item) }
        return encoder.bytes
    }

    /// Reads an object in Kubernetes' envelope; `apiVersion` and `kind` come first in it.
    /// - Parameter type: where the envelope does not say what it holds.
    public static func decodeUnknown(_ bytes: [UInt8], as type: TypeSchema? = nil, catalogue: Catalogue = .builtin) throws(Error) -> Value {
        guard bytes.starts(with: magic) else {
            throw Error(message: "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]", path: "")
        }
        guard bytes.count > magic.count else { throw Error(message: "empty body", path: "") }
        return try ProtobufDecoder(bytes: bytes[magic.count...]).unknown(type: type, catalogue: catalogue)
    }

    /// One event of a watch: a bare `WatchEvent` whose object is in its envelope. In a stream, its length goes before it in four bytes, the
    /// highest first.
    public static func watchEvent(type: String, object: [UInt8]) -> [UInt8] {
        var encoder = ProtobufEncoder()
        encoder.string(1, type)
        encoder.message(2) { $0.bytes(1, object) }
        return encoder.bytes
    }
}
