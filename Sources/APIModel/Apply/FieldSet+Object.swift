internal import OrderedCollections

extension PathElement {
    /// What a list's element is known by.
    /// - Throws: a sentence, for an element that cannot be told from others.
    init(of element: Value, _ identity: MergeShape.Identity) throws(Malformed) {
        switch identity {
        case .none: throw Malformed(description: "invalid indexing of non-associative list")
        case .value:
            switch element {
            case .object: throw Malformed(description: "associative list without keys has an element that's a map type")
            case .array: throw Malformed(description: "not supported: associative list with lists as elements")
            case .null: throw Malformed(description: "associative list without keys has an element that's an explicit null")
            default: self = .value(element)
            }
        case .keys(let keys):
            if element.isNull { throw Malformed(description: "associative list with keys may not have a null element") }
            guard case .object(let fields) = element else {
                throw Malformed(description: "associative list with keys may not have non-map elements")
            }
            let found = keys.compactMap { key in (fields[key.name] ?? key.fallback).map { Key(key.name, $0) } }
            guard !found.isEmpty else {
                let names = keys.map { FieldError.quoted($0.name) }.joined(separator: " ")
                throw Malformed(
                    description:
                        "associative list with keys has an element that omits all key fields [\(names)] (and doesn't have default values for any key fields)"
                )
            }
            self = .keys(found.sorted { $0.name < $1.name })
        }
    }
}

/// A list's elements by what they are known by, in the list's order; those that cannot be told apart are left out.
typealias IdentifiedElements = OrderedDictionary<PathElement, [Value]>

extension MergeShape.Identity {
    func elements(of list: [Value]) -> IdentifiedElements {
        var found = IdentifiedElements(minimumCapacity: list.count)
        for value in list {
            guard let element = try? PathElement(of: value, self) else { continue }
            found[element, default: []].append(value)
        }
        return found
    }
}

extension FieldSet {
    /// Every field that an object has.
    public init(of object: Value, _ shape: MergeShape) { self = Self.contents(object, shape).children }

    /// What is in a value; `isMember` where the value counts as a whole.
    private static func contents(_ value: Value, _ shape: MergeShape) -> (isMember: Bool, children: FieldSet) {
        switch shape.form(of: value) {
        case .scalar, .list(.none), .map(isAtomic: true): return (true, FieldSet())
        case .list(let identity):
            guard case .array(let elements) = value else { return (false, FieldSet()) }
            let entries = identity.elements(of: elements).map { element, values in
                // Of an element that is there more than once, only the whole is known.
                Entry(element, isMember: true, values.count > 1 ? FieldSet() : contents(values[0], shape.element).children)
            }
            return (false, FieldSet(unsorted: entries))
        case .map(isAtomic: false):
            guard case .object(let fields) = value else { return (false, FieldSet()) }
            let entries = fields.map { name, field in
                let declared = shape.declared(name)
                let inner = contents(field, declared ?? shape.others ?? .untyped)
                let isEmpty = if case .object(let fields) = field { fields.isEmpty } else { field.isNull }
                return Entry(.field(name), isMember: inner.isMember || declared == nil || isEmpty, inner.children)
            }
            return (false, FieldSet(unsorted: entries))
        }
    }
}
