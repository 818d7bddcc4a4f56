internal import OrderedCollections

/// How the value at some place is merged, compared and owned: as a whole, field by field, or element by element.
public indirect enum MergeShape: Sendable {
    case scalar(Scalar)
    /// An object with the fields of a type.
    case structure(TypeReference, isAtomic: Bool)
    case map(MergeShape, isAtomic: Bool)
    case list(Identity, MergeShape)
    /// A node of a custom kind's schema.
    case custom(CustomNode)
    /// Anything: objects field by field, lists as a whole.
    case deduced
    /// Anything, as a whole.
    case untyped

    public enum Scalar: Sendable { case string, numeric, boolean, untyped }

    /// By what an element of a list is the same element in another.
    public enum Identity: Sendable {
        /// Only the whole list counts.
        case none
        case value
        case keys([ListKey])
    }

    public struct ListKey: Sendable {
        var name: String
        /// What stands for a key that is not given.
        var fallback: Value?
    }

    public struct CustomNode: Sendable {
        let schema: CustomSchema
        /// Whether fields that no schema names are kept: said here or further out.
        let preservesUnknownFields: Bool
        /// Whether it has `apiVersion`, `kind` and `metadata` beside what the schema says.
        let isResource: Bool
    }

    /// Which of the forms that the shape allows a value has.
    enum Form {
        case scalar
        case list(Identity)
        case map(isAtomic: Bool)
    }
}

extension MergeShape {
    /// The shape of a resource's objects.
    public init(_ resource: ResourceType) { self.init(resource.schema) }

    /// The shape of objects of a type.
    public init(_ reference: TypeReference) {
        if let custom = reference.schema.custom {
            self = .custom(CustomNode(schema: custom, preservesUnknownFields: custom.preservesUnknownFields, isResource: true))
        } else {
            self = .structure(reference, isAtomic: false)
        }
    }

    init(_ field: FieldSchema) {
        switch field.type {
        case .array(let element):
            let identity: Identity =
                switch field.listType {
                case .atomic: .none
                case .set: .value
                case .map: .keys(field.listMapKeys.map { Self.key($0, of: element) })
                }
            self = .list(identity, MergeShape(element, isAtomic: field.isAtomicMap))
        default: self.init(field.type, isAtomic: field.isAtomicMap)
        }
    }

    private init(_ type: FieldType, isAtomic: Bool) {
        switch type {
        case .string, .bytes: self = .scalar(.string)
        case .time, .microTime, .quantity, .intOrString: self = .scalar(.untyped)
        case .int32, .int64, .double: self = .scalar(.numeric)
        case .boolean: self = .scalar(.boolean)
        case .any(let name): self = name.hasSuffix(".RawExtension") ? .untyped : .deduced
        case .array(let element): self = .list(.none, MergeShape(element, isAtomic: false))
        case .map(let element): self = .map(MergeShape(element, isAtomic: false), isAtomic: isAtomic)
        case .object(let reference): self = .structure(reference, isAtomic: isAtomic)
        }
    }

    private static func key(_ name: String, of element: FieldType) -> ListKey {
        guard case .object(let reference) = element else { return ListKey(name: name) }
        return ListKey(name: name, fallback: reference.schema.field(name)?.fallback?.value)
    }

    // MARK: Looking

    /// The form of a value; of one that is not there, or of none that the shape allows, the form that it would have.
    func form(of value: Value?) -> Form {
        switch value {
        case .object?: if let map { return map }
        case .array?: if let list { return list }
        case .null?, nil: break
        default: if isScalar { return .scalar }
        }
        return map ?? (isScalar ? .scalar : list ?? .scalar)
    }

    private var isScalar: Bool {
        switch self {
        case .scalar, .deduced, .untyped: true
        case .custom(let node): ![.object, .array].contains(node.schema.kind)
        default: false
        }
    }

    private var map: Form? {
        switch self {
        case .structure(_, let isAtomic), .map(_, let isAtomic): .map(isAtomic: isAtomic)
        case .deduced: .map(isAtomic: false)
        case .untyped: .map(isAtomic: true)
        case .custom(let node) where node.schema.kind == .object || node.schema.kind == .any: .map(isAtomic: node.schema.isAtomicMap)
        default: nil
        }
    }

    private var list: Form? {
        switch self {
        case .list(let identity, _): .list(identity)
        case .deduced, .untyped: .list(.none)
        case .custom(let node) where node.schema.kind == .array || node.schema.kind == .any: .list(node.identity)
        default: nil
        }
    }

    /// What a single value must be; only asked where the form is one.
    var scalar: Scalar {
        switch self {
        case .scalar(let scalar): scalar
        case .custom(let node): node.scalar
        default: .untyped
        }
    }

    /// The shape of a field that the type names.
    func declared(_ name: String) -> MergeShape? {
        switch self {
        case .structure(let reference, _): reference.schema.shape(name)
        case .custom(let node): node.declared(name)
        default: nil
        }
    }

    /// The shape of fields that the type does not name; `nil` where there may be none.
    var others: MergeShape? {
        switch self {
        case .map(let element, _): element
        case .deduced: .deduced
        case .untyped: .untyped
        case .custom(let node): node.others
        default: nil
        }
    }

    func field(_ name: String) -> MergeShape? { declared(name) ?? others }

    /// The shape of a list's elements.
    var element: MergeShape {
        switch self {
        case .list(_, let element): element
        case .custom(let node): node.element
        default: .untyped
        }
    }

    /// Whether changes inside are changes of the whole, for a value of the type's own form.
    var isAtomic: Bool {
        switch form(of: nil) {
        case .map(let isAtomic): isAtomic
        case .list(.none): true
        default: false
        }
    }
}

extension MergeShape.CustomNode {
    private static let metadata = MergeShape.structure(
        TypeReference(name: ObjectFields.metadataType) { Catalogue.builtin.type(named: $0) }, isAtomic: false)

    private func node(_ inner: CustomSchema) -> MergeShape {
        .custom(
            Self(
                schema: inner, preservesUnknownFields: preservesUnknownFields || inner.preservesUnknownFields,
                isResource: inner.isEmbeddedResource))
    }

    var identity: MergeShape.Identity {
        switch schema.listType {
        case .atomic: .none
        case .set: .value
        case .map:
            .keys(schema.listMapKeys.map { MergeShape.ListKey(name: $0, fallback: schema.items?.properties[$0]?.fallback) })
        }
    }

    var scalar: MergeShape.Scalar {
        switch schema.kind {
        case .string: schema.demands.format.isEmpty || schema.demands.format == "byte" ? .string : .untyped
        case .integer, .number: .numeric
        case .boolean: .boolean
        default: .untyped
        }
    }

    func declared(_ name: String) -> MergeShape? {
        if isResource, ObjectFields.names.contains(name) { return name == "metadata" ? Self.metadata : .scalar(.string) }
        return schema.properties[name].map(node)
    }

    var others: MergeShape? {
        if let additional = schema.additional { return node(additional) }
        if preservesUnknownFields { return .deduced }
        return schema.properties.isEmpty && !isResource ? .deduced : nil
    }

    var element: MergeShape { schema.items.map(node) ?? .untyped }
}

/// What a type is to apply, made when first asked for.
final class MergeType: Sendable {
    /// One for each field.
    let shapes: [MergeShape]
    let zero: Value

    init(_ schema: TypeSchema) {
        shapes = schema.fields.map { MergeShape($0) }
        zero = ZeroObject.of(schema)
    }
}

extension MergeShape {
    /// What an object has that nobody has written to.
    public var zero: Value {
        if case .structure(let reference, _) = self { reference.schema.merging.zero } else { .emptyObject }
    }
}
