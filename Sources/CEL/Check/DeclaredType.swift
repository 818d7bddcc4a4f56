/// The type of a variable with what the checker and the cost estimate need to know of it: fields, elements, and how large a value can be.
public final class DeclaredType: Sendable {
    public let type: CELType
    /// By the identifiers that expressions use. Only objects have fields.
    public let fields: [String: DeclaredType]
    public let key: DeclaredType?
    public let element: DeclaredType?
    /// How many elements, entries or bytes a value has at most; below zero, any number.
    public let maxElements: Int64
    /// How many bytes of JSON a value takes at least.
    public let minSerializedSize: Int64

    /// Whether the checker knows its fields.
    private let hasFields: Bool

    private init(
        _ type: CELType, fields: [String: DeclaredType] = [:], hasFields: Bool = false, key: DeclaredType? = nil,
        element: DeclaredType? = nil, maxElements: Int64 = 0,
        minSerializedSize: Int64
    ) {
        self.type = type
        self.fields = fields
        self.hasFields = hasFields
        self.key = key
        self.element = element
        self.maxElements = maxElements
        self.minSerializedSize = minSerializedSize
    }

    public static let any = DeclaredType(.any, minSerializedSize: 1)
    public static let dyn = DeclaredType(.dyn, minSerializedSize: 1)
    public static let bool = DeclaredType(.bool, minSerializedSize: 4)
    public static let int = DeclaredType(.int, minSerializedSize: 1)
    public static let uint = DeclaredType(.uint, minSerializedSize: 1)
    public static let double = DeclaredType(.double, minSerializedSize: 1)
    public static let string = DeclaredType(.string, minSerializedSize: 2)
    public static let bytes = DeclaredType(.bytes, minSerializedSize: 2)
    public static let duration = DeclaredType(.duration, minSerializedSize: 3)
    public static let timestamp = DeclaredType(.timestamp, minSerializedSize: 12)
    public static let quantity = DeclaredType(.quantity, minSerializedSize: 8)

    /// A type without fields that only functions know what to do with, such as an authorizer.
    public static func opaque(_ type: CELType) -> DeclaredType { DeclaredType(type, minSerializedSize: 1) }

    public static func list(of element: DeclaredType, maxItems: Int64 = -1) -> DeclaredType {
        DeclaredType(.list(element.type), element: element, maxElements: maxItems, minSerializedSize: 2)
    }

    public static func map(of element: DeclaredType, key: DeclaredType = .string, maxProperties: Int64 = -1) -> DeclaredType {
        DeclaredType(.map(key.type, element.type), key: key, element: element, maxElements: maxProperties, minSerializedSize: 2)
    }

    /// An object type. Two of one name must have the same fields.
    public static func object(_ name: String, _ fields: [String: DeclaredType], minSerializedSize: Int64 = 2) -> DeclaredType {
        DeclaredType(.object(name), fields: fields, hasFields: true, minSerializedSize: minSerializedSize)
    }

    public static func optional(_ wrapped: DeclaredType) -> DeclaredType { wrapped.with(type: .optional(wrapped.type)) }

    /// The same type with a bound of its own.
    public func with(maxElements: Int64) -> DeclaredType {
        DeclaredType(
            type, fields: fields, hasFields: hasFields, key: key, element: element, maxElements: maxElements,
            minSerializedSize: minSerializedSize)
    }

    func with(minSerializedSize: Int64) -> DeclaredType {
        DeclaredType(
            type, fields: fields, hasFields: hasFields, key: key, element: element, maxElements: maxElements,
            minSerializedSize: minSerializedSize)
    }

    private func with(type: CELType) -> DeclaredType {
        DeclaredType(
            type, fields: fields, hasFields: hasFields, key: key, element: element, maxElements: maxElements,
            minSerializedSize: minSerializedSize)
    }

    /// The type of a field, also where the expression writes a reserved word as it is.
    func field(_ name: String) -> DeclaredType? { fields[name] ?? (FieldName.isReserved(name) ? fields["__\(name)__"] : nil) }

    /// All object types in it, by name.
    func collectObjects(into objects: inout [String: DeclaredType]) {
        let name: String?
        if case .object(let object) = type.unwrapped ?? type { name = object } else { name = nil }
        if let name, hasFields {
            guard objects[name] == nil else { return }
            objects[name] = self
        }
        for field in fields.values { field.collectObjects(into: &objects) }
        key?.collectObjects(into: &objects)
        element?.collectObjects(into: &objects)
    }
}
