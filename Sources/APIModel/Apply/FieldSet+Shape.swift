internal import OrderedCollections

extension FieldSet {
    /// With the fields of structures as members that lead to members: a structure is there because something in it is.
    func withNamedFields(_ shape: MergeShape?) -> FieldSet {
        map { entry in
            switch entry.element {
            case .field(let name):
                let declared = shape?.declared(name)
                return Entry(
                    entry.element, isMember: entry.isMember || (declared != nil && !entry.children.isEmpty),
                    entry.children.withNamedFields(declared ?? shape?.others))
            case .keys: return Entry(entry.element, isMember: entry.isMember, entry.children.withNamedFields(shape?.element))
            case .value, .index: return entry
            }
        }
    }

    /// As it would be had the kind always had this shape: what is now one whole was perhaps owned in parts.
    func reconciled(with shape: MergeShape) -> FieldSet {
        map { entry in
            guard !entry.children.isEmpty else { return entry }
            let inner: MergeShape?
            switch (entry.element, shape.form(of: nil)) {
            case (.field(let name), .map): inner = shape.field(name)
            case (.keys, .list): inner = shape.element
            default: inner = nil
            }
            guard let inner else { return entry }
            if case .untyped = inner { return entry }
            if inner.isAtomic { return Entry(entry.element, isMember: true) }
            return Entry(entry.element, isMember: entry.isMember, entry.children.reconciled(with: inner))
        }
    }
}

/// An object without the fields of a set.
enum FieldRemoval {
    static func remove(_ set: FieldSet, from object: Value, _ shape: MergeShape) -> Value {
        guard !set.isEmpty else { return object }
        switch shape.form(of: object) {
        case .scalar: return object
        case .list(.none), .map(isAtomic: true): return .null
        case .list(let identity):
            guard case .array(let elements) = object, !elements.isEmpty else { return .null }
            var hadMatches = false
            let kept = elements.compactMap { value -> Value? in
                guard let step = try? PathElement(of: value, identity), let entry = set[step] else { return value }
                if entry.isMember { return Value?.none }
                hadMatches = true
                return inside(value, entry.children, shape.element)
            }
            return kept.isEmpty && !hadMatches ? .null : .array(kept)
        case .map(isAtomic: false):
            guard case .object(let fields) = object, !fields.isEmpty else { return .null }
            var hadMatches = false
            var kept = Value.Fields(minimumCapacity: fields.count)
            for (name, value) in fields {
                guard let entry = set[.field(name)] else {
                    kept[name] = value
                    continue
                }
                if entry.isMember { continue }
                hadMatches = true
                kept[name] = inside(value, entry.children, shape.field(name) ?? .deduced)
            }
            return kept.isEmpty && !hadMatches ? .null : .object(kept)
        }
    }

    /// What is emptied from inside stays, empty.
    private static func inside(_ value: Value, _ set: FieldSet, _ shape: MergeShape) -> Value {
        let rest = remove(set, from: value, shape)
        guard rest.isNull else { return rest }
        return switch value {
        case .object: .emptyObject
        case .array: .array([])
        default: rest
        }
    }
}
