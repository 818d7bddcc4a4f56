internal import OrderedCollections

extension Patch {
    /// Puts an object that says some fields alone over another, as apply merges: objects field by field, lists with keys element by
    /// element, sets by their members. What apply would take over whole may not be in the patch, for it would lose what is there.
    ///
    /// - Throws: `invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.args`.
    public static func schema(_ target: Value, _ patch: Value, schema: TypeSchema) throws(SchemaMergeError) -> Value {
        var atomics: [String] = []
        let merged = SchemaMerge.object(target, patch, schema, "", &atomics)
        guard atomics.isEmpty else {
            throw SchemaMergeError(
                description: "invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: \(atomics.joined(separator: ", "))"
            )
        }
        return merged
    }
}

/// Why a patch cannot be merged.
public struct SchemaMergeError: Error, Sendable, CustomStringConvertible {
    public var description: String
}

private enum SchemaMerge {
    static func object(_ target: Value, _ patch: Value, _ schema: TypeSchema, _ path: String, _ atomics: inout [String]) -> Value {
        guard case .object(let changes) = patch else { return patch }
        var fields = target.fields
        for (name, change) in changes {
            guard let field = schema.field(name) else {
                fields[name] = change
                continue
            }
            let place = "\(path).\(name)"
            if field.isAtomicMap, case .object = change { atomics.append(place) }
            fields[name] = value(fields[name] ?? .null, change, field, field.type, place, &atomics)
        }
        return .object(fields)
    }

    private static func value(
        _ target: Value, _ patch: Value, _ field: FieldSchema, _ type: FieldType, _ path: String, _ atomics: inout [String]
    ) -> Value {
        switch (type, patch) {
        case (.object(let reference), .object): return object(target, patch, reference.schema, path, &atomics)
        case (.map(let element), .object(let changes)):
            var fields = target.fields
            for (key, change) in changes { fields[key] = value(fields[key] ?? .null, change, field, element, "\(path).\(key)", &atomics) }
            return .object(fields)
        case (.array(let element), .array(let changes)):
            switch field.listType {
            case .atomic:
                atomics.append(path)
                return patch
            case .set: return .array(target.elements + changes.filter { !target.elements.contains($0) })
            case .map:
                var elements = target.elements
                for change in changes {
                    let twin = elements.firstIndex { old in field.listMapKeys.allSatisfy { old[$0] == key(change, $0, element) } }
                    let merged = value(twin.map { elements[$0] } ?? .null, change, field, element, "\(path)[*]", &atomics)
                    if let twin { elements[twin] = merged } else { elements.append(merged) }
                }
                return .array(elements)
            }
        default: return patch
        }
    }

    /// The value of a key field, its default where the element does not say it: a port without a protocol is one of TCP.
    private static func key(_ element: Value, _ name: String, _ type: FieldType) -> Value {
        guard element[name].isNull, case .object(let reference) = type else { return element[name] }
        return reference.schema.field(name)?.fallback?.value ?? .null
    }
}
