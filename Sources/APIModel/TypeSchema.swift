import Synchronization

/// The shape of one type of the API, as the catalogue or a CustomResourceDefinition tells it. Built once, then never changed.
public final class TypeSchema: Sendable {
    /// The name in the OpenAPI document: `io.k8s.api.core.v1.PodSpec`.
    public let name: String
    /// In the order of the catalogue.
    public let fields: [FieldSchema]
    private let index: [String: Int]
    /// Indices into `fields` in the order in which protobuf has them, those without a number left out.
    let wireOrder: [Int]
    /// What no single field can say.
    let rules: Rules
    /// Where the type is that of a custom kind, or of a part of one: its schema.
    let custom: CustomSchema?
    /// Whether it is the type of a custom kind.
    public var isCustom: Bool { custom != nil }
    /// Indices into `fields` of those with a default.
    let defaulted: [Int]
    /// Indices into `fields` of those with constraints.
    let constrained: [Int]
    /// Indices into `fields` of those that Go's JSON always has, since it holds them by value; lists only where they are required.
    let held: [Int]

    struct Rules: Sendable {
        /// Defaults that depend on other fields: before the objects inside have theirs, and after.
        var fill: DefaultRules.Rule?
        var fillAfterwards: DefaultRules.Rule?
        /// What relates several fields.
        var check: TypeRules.Rule?
    }

    public convenience init(name: String, fields: [FieldSchema]) { self.init(name: name, fields: fields, custom: nil) }

    init(name: String, fields: [FieldSchema], rules: Rules = Rules(), custom: CustomSchema? = nil) {
        self.name = name
        self.custom = custom
        self.fields = fields
        self.rules = rules
        self.defaulted = fields.indices.filter { fields[$0].fallback != nil }
        self.constrained = fields.indices.filter { !fields[$0].constraints.isEmpty }
        self.held = fields.indices.filter { fields[$0].isHeld }
        self.index = Dictionary(uniqueKeysWithValues: fields.enumerated().map { ($1.name, $0) })
        self.wireOrder = fields.indices.filter { fields[$0].number != 0 }.sorted { fields[$0].wirePath < fields[$1].wirePath }
    }

    public func field(_ name: String) -> FieldSchema? { index[name].map { fields[$0] } }

    private let mergeType = AtomicLazyReference<MergeType>()

    /// How its objects are merged by apply.
    var merging: MergeType { mergeType.load() ?? mergeType.storeIfNil(MergeType(self)) }

    func shape(_ name: String) -> MergeShape? { index[name].map { merging.shapes[$0] } }
}

/// One field of a type.
public struct FieldSchema: Sendable {
    public var name: String
    public var type: FieldType
    public var isRequired = false
    /// The protobuf field number, 0 where the field has none (`apiVersion`, `kind`).
    public var number: Int32 = 0
    /// For a field that protobuf keeps inside an embedded message of another type and JSON keeps in line (`inline-of` in the facts): that
    /// message's number.
    public var inlineIn: Int32 = 0
    /// Where embedding nests: the number, inside the message `inlineIn`, of the message that holds the field. 0 elsewhere.
    public var inlineInner: Int32 = 0
    /// Whether a zero value differs from none, as a pointer does in Go: protobuf leaves out what is unset, and a zero stays in the decoded
    /// object. What is no pointer is always in protobuf, lists and maps aside.
    public var isOptional = false
    /// Whether JSON has an empty value too, where Go has no `omitempty`.
    public var isWritten = false
    public var listType: ListType = .atomic
    public var listMapKeys: [String] = []
    public var patchStrategy: PatchStrategy = []
    public var patchMergeKey: String?
    /// Only for `map` and `object`: replaced whole by apply. On an `array`: its elements are.
    public var isAtomicMap = false
    /// What stands there when nothing is given.
    var fallback: Fallback?
    /// What OpenAPI tells to stand there then, where it is not the zero that Go writes.
    var published: Value?
    /// What a given value must be.
    var constraints: [Constraint] = []
    /// What is said where nothing is given, `nil` where the schema alone says whether something has to be.
    var missing: String?
    /// Whether an empty list says something that none does not.
    var keepsEmpty = false
    /// Whether a required field may well be empty: Go writes it always.
    var mayBeEmpty = false

    public init(name: String, type: FieldType) {
        self.name = name
        self.type = type
    }

    fileprivate var isHeld: Bool {
        if isOptional || number == 0 { return false }
        return switch type {
        case .object, .quantity, .intOrString: true
        case .string, .boolean, .int32, .int64, .double, .array: isWritten
        case .bytes, .time, .microTime, .any, .map: false
        }
    }

    /// Sorts as protobuf writes: an embedded message stands where its own number says.
    fileprivate var wirePath: (Int32, Int32, Int32) {
        if inlineIn == 0 { return (number, 0, 0) }
        return inlineInner == 0 ? (inlineIn, number, 0) : (inlineIn, inlineInner, number)
    }

    public enum ListType: Sendable { case atomic, set, map }

    public struct PatchStrategy: OptionSet, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        public static let merge = PatchStrategy(rawValue: 1)
        public static let retainKeys = PatchStrategy(rawValue: 2)
    }
}

/// What a field holds, in JSON and in protobuf.
public indirect enum FieldType: Sendable {
    case string
    case boolean
    case int32
    case int64
    case double
    /// Base64 in JSON.
    case bytes
    /// RFC 3339 with seconds in JSON (`2026-01-02T03:04:05Z`), a message of seconds and nanoseconds in protobuf.
    case time
    /// RFC 3339 with microseconds in JSON.
    case microTime
    /// A string or a number in JSON, kept as the canonical string.
    case quantity
    case intOrString
    /// Any JSON: RawExtension, FieldsV1, JSON, JSONSchemaPropsOrArray … `name` is the type's name in the facts.
    case any(name: String)
    case array(FieldType)
    /// Keys are strings.
    case map(FieldType)
    case object(TypeReference)
}

/// A type by name, found in its catalogue when first used, because types refer to each other in circles.
public final class TypeReference: Sendable {
    public let name: String
    private let find: @Sendable (String) -> TypeSchema?
    private let found = AtomicLazyReference<TypeSchema>()

    public init(name: String, find: @escaping @Sendable (String) -> TypeSchema?) {
        self.name = name
        self.find = find
    }

    /// A name that the catalogue does not have is a broken catalogue.
    public var schema: TypeSchema {
        if let schema = found.load() { return schema }
        guard let schema = find(name) else { preconditionFailure("the catalogue has no type \(name)") }
        return found.storeIfNil(schema)
    }
}
