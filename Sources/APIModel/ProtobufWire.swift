/// How protobuf writes a field.
enum ProtobufWire: UInt64 {
    case varint = 0
    case fixed64 = 1
    case delimited = 2
    case fixed32 = 5
}

/// Types whose JSON is not what their message has: their numbers.
enum ProtobufSpecial {
    enum Time { static let (seconds, nanos): (Int32, Int32) = (1, 2) }
    enum IntOrString { static let (type, int, string): (Int32, Int32, Int32) = (1, 2, 3) }
    /// `string` of a Quantity, `raw` of a RawExtension, `items` of a list inside a map, `key` of a map's entry.
    static let only: Int32 = 1
    static let mapValue: Int32 = 2

    /// The alternatives that JSON tells apart by their form.
    struct Choice {
        /// The number of the JSONSchemaProps.
        var schema: Int32
        /// The number of the other alternative.
        var other: Int32
        var kind: Kind

        enum Kind { case schemas, bool, strings }
    }

    private static let package = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."
    static let choices: [String: Choice] = [
        package + "JSONSchemaPropsOrArray": Choice(schema: 1, other: 2, kind: .schemas),
        package + "JSONSchemaPropsOrBool": Choice(schema: 2, other: 1, kind: .bool),
        package + "JSONSchemaPropsOrStringArray": Choice(schema: 1, other: 2, kind: .strings),
    ]
    static let schemaReference = TypeReference(name: package + "JSONSchemaProps") { Catalogue.builtin.type(named: $0) }
}
