internal import OrderedCollections

/// One node of the structural schema of a custom kind, as a CustomResourceDefinition writes it: what a value must be, what is taken out of
/// it, what is filled in. Compiled once for each version of a definition, then shared; never changes.
public final class CustomSchema: Sendable {
    enum Kind: String, Sendable {
        case object, array, string, integer, number, boolean
        /// Says nothing of the type: with `x-kubernetes-preserve-unknown-fields` any, with `x-kubernetes-int-or-string` one of two.
        case any = ""
    }

    /// Compiles the text of a `pattern`; returns what tells whether a string has a match.
    public typealias PatternCompiler = @Sendable (String) throws -> @Sendable (String) -> Bool

    let kind: Kind
    let isNullable: Bool
    let isIntOrString: Bool
    let preservesUnknownFields: Bool
    let isEmbeddedResource: Bool
    /// In the order of the definition.
    let properties: OrderedDictionary<String, CustomSchema>
    let additional: CustomSchema?
    let items: CustomSchema?
    let fallback: Value?
    let required: [String]
    let demands: Demands
    let listType: FieldSchema.ListType
    let listMapKeys: [String]
    /// `x-kubernetes-map-type: atomic`.
    let isAtomicMap: Bool

    /// What the OpenAPI rules demand of a value beside its type.
    struct Demands: Sendable {
        var allowed: [Value] = []
        var format = ""
        var pattern: (text: String, matches: @Sendable (String) -> Bool)?
        var length: (least: Int?, most: Int?) = (nil, nil)
        var items: (least: Int?, most: Int?) = (nil, nil)
        var properties: (least: Int?, most: Int?) = (nil, nil)
        var hasUniqueItems = false
        var minimum: (bound: Value, isExclusive: Bool)?
        var maximum: (bound: Value, isExclusive: Bool)?
        var factor: Double?
        var all: [CustomSchema] = []
        var any: [CustomSchema] = []
        var one: [CustomSchema] = []
        var not: [CustomSchema] = []
    }

    /// - Parameter schema: a `JSONSchemaProps`, already of that type.
    /// - Throws: what `patterns` throws of a pattern that it cannot compile.
    public init(_ schema: Value, patterns: PatternCompiler) throws {
        func node(_ schema: Value) throws -> CustomSchema { try CustomSchema(schema, patterns: patterns) }
        kind = Kind(rawValue: schema["type"].string ?? "") ?? .any
        isNullable = schema["nullable"].bool ?? false
        isIntOrString = schema["x-kubernetes-int-or-string"].bool ?? false
        preservesUnknownFields = schema["x-kubernetes-preserve-unknown-fields"].bool ?? false
        isEmbeddedResource = schema["x-kubernetes-embedded-resource"].bool ?? false
        properties = try OrderedDictionary(
            schema["properties"].fields.map { ($0.key, try node($0.value)) }, uniquingKeysWith: { first, _ in first })
        switch schema["additionalProperties"] {
        case .object: additional = try node(schema["additionalProperties"])
        case .bool(true): additional = try node(["x-kubernetes-preserve-unknown-fields": true])
        default: additional = nil
        }
        if case .object = schema["items"] { items = try node(schema["items"]) } else { items = nil }
        fallback = schema["default"].isNull ? nil : schema["default"]
        required = schema["required"].elements.compactMap(\.string)
        listMapKeys = schema["x-kubernetes-list-map-keys"].elements.compactMap(\.string)
        switch schema["x-kubernetes-list-type"].string {
        case "set": listType = .set
        case "map": listType = .map
        default: listType = .atomic
        }
        isAtomicMap = schema["x-kubernetes-map-type"].string == "atomic"
        demands = try Demands(schema, patterns: patterns, node)
    }
}

extension CustomSchema.Demands {
    fileprivate init(
        _ schema: Value, patterns: CustomSchema.PatternCompiler, _ node: (Value) throws -> CustomSchema
    ) throws {
        func count(_ name: String) -> Int? { schema[name].int.map { Int($0) } }
        allowed = schema["enum"].elements
        format = schema["format"].string ?? ""
        if let text = schema["pattern"].string, !text.isEmpty { pattern = (text, try patterns(text)) }
        length = (count("minLength"), count("maxLength"))
        items = (count("minItems"), count("maxItems"))
        properties = (count("minProperties"), count("maxProperties"))
        hasUniqueItems = schema["uniqueItems"].bool ?? false
        if schema["minimum"].number != nil { minimum = (schema["minimum"], schema["exclusiveMinimum"].bool ?? false) }
        if schema["maximum"].number != nil { maximum = (schema["maximum"], schema["exclusiveMaximum"].bool ?? false) }
        factor = schema["multipleOf"].number
        all = try schema["allOf"].elements.map(node)
        any = try schema["anyOf"].elements.map(node)
        one = try schema["oneOf"].elements.map(node)
        if !schema["not"].isNull { not = [try node(schema["not"])] }
    }
}
