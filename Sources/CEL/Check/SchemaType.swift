public import APIModel
internal import OrderedCollections

/// An OpenAPI schema as expressions see it: the type that the checker knows, and what JSON becomes when it is read through it.
///
/// Made once for a schema and shared. Parts of the schema that no expression may look at — without a type, or with unknown fields preserved — have
/// no declared type; they still take part in comparisons.
public final class SchemaType: Sendable {
    enum Kind: Sendable {
        case object(OrderedDictionary<String, SchemaType>)
        /// Unknown fields only.
        case emptyObject
        case map(SchemaType)
        case list(SchemaType, ListKind)
        case string, bytes, duration, date, dateTime
        case bool, int, double
        case intOrString
        /// Not for expressions: of unknown form, kept as it is.
        case preserved
        /// A schema that says nothing usable; the text says what was expected.
        case invalid(String)
    }

    enum ListKind: Sendable {
        case atomic, set
        /// The fields that make the key of an element.
        case map([String])
    }

    let kind: Kind
    let isNullable: Bool
    /// The type for the checker; `nil` where expressions may not look.
    public let declared: DeclaredType?

    /// - Parameters:
    ///   - schema: the JSON of a structural schema.
    ///   - isResourceRoot: whether it is that of a whole object, whose `apiVersion`, `kind`, `metadata.name` and `metadata.generateName` are
    ///     always there.
    ///   - name: what the checker calls the type in its messages.
    public init(_ schema: Value, isResourceRoot: Bool = false, name: String = "selfType") {
        let schema = isResourceRoot ? Self.withObjectMeta(schema) : schema
        isNullable = schema["nullable"].bool ?? false
        (kind, declared) = Self.read(schema, name)
    }

    private static func read(_ schema: Value, _ name: String) -> (Kind, DeclaredType?) {
        if schema["x-kubernetes-int-or-string"].bool == true {
            let most = schema["maxLength"].int.map { bytes(ofLength: $0.int64) } ?? maxRequestSize - 2
            return (.intOrString, DeclaredType.dyn.with(maxElements: most))
        }
        switch schema["type"].string {
        case "object": return object(schema, name)
        case "array": return list(schema, name)
        case "string": return string(schema)
        case "boolean": return (.bool, .bool)
        case "number": return (.double, .double)
        case "integer": return (.int, .int)
        case let type:
            if schema["x-kubernetes-preserve-unknown-fields"].bool == true { return (.preserved, nil) }
            return (
                .invalid(
                    "invalid type, expected object, array, number, integer, boolean or string, or no type with x-kubernetes-int-or-string or "
                        + "x-kubernetes-preserve-unknown-fields is true, got \(type ?? "")"), nil
            )
        }
    }

    private static func nested(_ schema: Value, _ name: String) -> SchemaType {
        SchemaType(schema, isResourceRoot: schema["x-kubernetes-embedded-resource"].bool ?? false, name: name)
    }

    // MARK: Objects and lists

    private static func object(_ schema: Value, _ name: String) -> (Kind, DeclaredType?) {
        if case .object = schema["additionalProperties"] {
            let element = nested(schema["additionalProperties"], "\(name).@elem")
            guard let declared = element.declared else { return (.map(element), nil) }
            // Six bytes for a key, its quotes, the colon and the comma.
            let most = schema["maxProperties"].int.map { max($0.int64, 0) } ?? (maxRequestSize - 2) / (declared.minSerializedSize + 6)
            return (.map(element), .map(of: declared, maxProperties: most))
        }
        let required = Set(schema["required"].elements.compactMap(\.string))
        var properties: OrderedDictionary<String, SchemaType> = [:]
        var fields: [String: DeclaredType] = [:]
        var size: Int64 = 2
        for (field, property) in schema["properties"].fields {
            let escaped = FieldName.escape(field)
            let type = nested(property, "\(name).\(escaped ?? field)")
            properties[field] = type
            guard let declared = type.declared else { continue }
            if let escaped { fields[escaped] = declared }
            // Fields with a default may be left out by who writes the object.
            if required.contains(field), property["default"].isNull {
                size = add(size, add(Int64(field.utf8.count) + 4, declared.minSerializedSize))
            }
        }
        let declared = DeclaredType.object(name, fields, minSerializedSize: size)
        return (schema["properties"].isNull ? .emptyObject : .object(properties), declared)
    }

    private static func list(_ schema: Value, _ name: String) -> (Kind, DeclaredType?) {
        guard case .object = schema["items"] else { return (.invalid("invalid array type, expected Items with a non-empty Schema"), nil) }
        let element = nested(schema["items"], "\(name).@idx")
        let kind: ListKind
        switch schema["x-kubernetes-list-type"].string {
        case nil, "", "atomic": kind = .atomic
        case "set": kind = .set
        case "map": kind = .map(schema["x-kubernetes-list-map-keys"].elements.compactMap(\.string))
        case let other?:
            return (.invalid("invalid x-kubernetes-list-type, expected 'map', 'set' or 'atomic' but got \(other)"), nil)
        }
        guard let declared = element.declared else { return (.list(element, kind), nil) }
        let most = schema["maxItems"].int.map { max($0.int64, 0) } ?? (maxRequestSize - 2) / (declared.minSerializedSize + 1)
        return (.list(element, kind), .list(of: declared, maxItems: most))
    }

    // MARK: Strings

    private static func string(_ schema: Value) -> (Kind, DeclaredType?) {
        let length = schema["maxLength"].int
        switch schema["format"].string {
        case "byte": return (.bytes, DeclaredType.bytes.with(maxElements: length.map { max($0.int64, 0) } ?? maxRequestSize - 2))
        case "duration": return (.duration, DeclaredType.duration.with(maxElements: 32))
        case "date": return (.date, DeclaredType.timestamp.with(maxElements: 12))
        case "date-time": return (.dateTime, DeclaredType.timestamp.with(maxElements: 32).with(minSerializedSize: 21))
        default:
            let longest = schema["enum"].elements.compactMap { $0.string?.utf8.count }.max()
            let most =
                length.map { bytes(ofLength: $0.int64) } ?? (schema["enum"].elements.isEmpty ? maxRequestSize - 2 : Int64(longest ?? 0))
            return (.string, DeclaredType.string.with(maxElements: most))
        }
    }

    /// The largest request that the API server takes, in bytes.
    static let maxRequestSize: Int64 = 3 * 1024 * 1024

    /// A length counts characters, of up to four bytes.
    private static func bytes(ofLength length: Int64) -> Int64 {
        let (bytes, isBeyond) = max(length, 0).multipliedReportingOverflow(by: 4)
        return isBeyond ? .max : bytes
    }

    private static func add(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, isBeyond) = left.addingReportingOverflow(right)
        return isBeyond ? .max : sum
    }

    /// How often a value of this type fits into one request: the worst case for how often a rule on it runs.
    public var maxCardinality: UInt64 {
        let size = declared?.minSerializedSize ?? 0
        return UInt64(Self.maxRequestSize / (size == .max ? size : size + 1))
    }

    private static func withObjectMeta(_ schema: Value) -> Value {
        let properties = schema["properties"]
        let text: Value = ["type": "string"]
        let isComplete =
            properties["kind"]["type"] == "string" && properties["apiVersion"]["type"] == "string"
            && properties["metadata"]["type"] == "object" && properties["metadata"]["properties"]["name"]["type"] == "string"
            && properties["metadata"]["properties"]["generateName"]["type"] == "string"
        if isComplete { return schema }
        var schema = schema
        schema["properties"]["kind"] = text
        schema["properties"]["apiVersion"] = text
        schema["properties"]["metadata"] = ["type": "object", "properties": ["name": text, "generateName": text]]
        return schema
    }
}
