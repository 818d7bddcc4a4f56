internal import OrderedCollections

/// Strategic merge of one object, list or map after another, led by the schema's patch strategies.
enum StrategicMerge {
    /// What is known of the value at hand.
    enum Shape {
        case object(TypeSchema)
        /// The values of a map.
        case map(FieldType)
        case unknown

        init(_ type: FieldType) {
            switch type {
            case .object(let reference): self = .object(reference.schema)
            case .map(let element): self = .map(element)
            default: self = .unknown
            }
        }

        func field(_ name: String) -> FieldSchema? {
            switch self {
            case .object(let schema): schema.field(name)
            case .map(let element): FieldSchema(name: name, type: element)
            case .unknown: nil
            }
        }
    }

    private static let directive = "$patch"
    private static let retainKeys = "$retainKeys"
    private static let deleteFromList = "$deleteFromPrimitiveList"
    private static let elementOrder = "$setElementOrder"

    static func merge(_ target: Value.Fields, _ patch: Value.Fields, _ shape: Shape) throws(APIError) -> Value.Fields {
        var patch = patch
        var target = target
        if let kind = patch.removeValue(forKey: directive) {
            switch kind.string {
            case "replace": return withoutDirectives(.object(patch)).fields
            case "delete": return [:]
            case "merge": break
            default: throw unknownDirective(kind, .object(patch))
            }
        }
        if let keep = patch.removeValue(forKey: retainKeys) {
            let names = Set(keep.elements.compactMap(\.string))
            guard case .array(let elements) = keep, elements.count == names.count,
                patch.filter({ !$0.value.isNull && !$0.key.hasPrefix("$") }).keys.allSatisfy(names.contains)
            else {
                throw APIError.badRequest("invalid patch format of retainKeys directive")
            }
            target = target.filter { names.contains($0.key) }
        }
        try order(&target, &patch, shape)

        for (name, change) in patch {
            if name.hasPrefix(deleteFromList + "/") {
                let list = String(name.dropFirst(deleteFromList.count + 1))
                guard case .array(let gone) = change else { throw APIError.badRequest("invalid patch format of primitive list") }
                if let elements = target[list]?.elements { target[list] = .array(elements.filter { !gone.contains($0) }) }
                continue
            }
            if change.isNull {
                target.removeValue(forKey: name)
                continue
            }
            guard let old = target[name] else {
                // Nothing to merge with, so the patch is the value, less what is only an instruction.
                target[name] = withoutDirectives(change)
                continue
            }
            let field = shape.field(name)
            switch (old, change) {
            case (.object(let oldFields), .object(let changes)):
                target[name] = .object(try merge(oldFields, changes, field.map { Shape($0.type) } ?? .unknown))
            case (.array(let oldElements), .array(let changes)):
                target[name] = .array(try list(oldElements, changes, field, name))
            default: target[name] = change
            }
        }
        return target
    }

    /// Obeys `$setElementOrder/…`, merging the list it speaks of.
    private static func order(_ target: inout Value.Fields, _ patch: inout Value.Fields, _ shape: Shape) throws(APIError) {
        for name in patch.keys where name.hasPrefix(elementOrder + "/") {
            guard case .array(let wanted)? = patch.removeValue(forKey: name) else {
                throw APIError.badRequest("invalid patch format of setElementOrder list")
            }
            let listName = String(name.dropFirst(elementOrder.count + 1))
            let field = shape.field(listName)
            let change = patch.removeValue(forKey: listName)
            let old = target[listName]?.elements ?? []
            var merged = old
            switch change {
            case .some(.array(let elements)):
                merged = target[listName] == nil ? withoutDirectives(.array(elements)).elements : try list(old, elements, field, listName)
            case .some(.null):
                target.removeValue(forKey: listName)
                continue
            default: if target[listName] == nil { continue }
            }
            let deleteName = "\(deleteFromList)/\(listName)"
            if case .array(let gone)? = patch.removeValue(forKey: deleteName) { merged.removeAll(where: gone.contains) }
            target[listName] = .array(arrange(merged, patchOrder: wanted, serverOrder: old, key: field?.patchMergeKey))
        }
    }

    private static func list(_ old: [Value], _ patch: [Value], _ field: FieldSchema?, _ name: String) throws(APIError) -> [Value] {
        guard let field, field.patchStrategy.contains(.merge) else { return replacement(patch) }
        guard let sample = patch.first ?? old.first else { return [] }
        guard case .object = sample else {
            var merged = old
            for element in patch where !merged.contains(element) { merged.append(element) }
            return arrange(merged, patchOrder: patch, serverOrder: old, key: nil)
        }
        guard let key = field.patchMergeKey else {
            throw APIError.badRequest("cannot merge list \(FieldError.quoted(name)): it has no merge key")
        }

        var merged = old
        var changes: [Value] = []
        var replaces = false
        for element in patch {
            switch element[directive].string {
            case nil:
                guard element[directive].isNull else { throw unknownDirective(element[directive], element) }
                changes.append(element)
            case "delete":
                let id = try mergeKey(of: element, key)
                merged.removeAll { $0[key] == id }
            case "replace": replaces = true
            case "merge":
                var element = element
                element[directive] = nil
                changes.append(element)
            default: throw unknownDirective(element[directive], element)
            }
        }
        if replaces { return withoutDirectives(.array(changes)).elements }

        var shape = Shape.unknown
        if case .array(let elementType) = field.type { shape = Shape(elementType) }
        for change in changes {
            let id = try mergeKey(of: change, key)
            if let index = merged.firstIndex(where: { $0[key] == id }) {
                merged[index] = .object(try merge(merged[index].fields, change.fields, shape))
            } else {
                merged.append(withoutDirectives(change))
            }
        }
        return arrange(merged, patchOrder: changes, serverOrder: old, key: key)
    }

    private static func mergeKey(of element: Value, _ key: String) throws(APIError) -> Value {
        let id = element[key]
        guard !id.isNull else {
            let text = String(decoding: JSON.encode(element), as: UTF8.self)
            throw APIError.invalid(
                group: "", kind: "", name: "",
                errors: [.invalid("patch", .string(text), "map: \(text) does not contain declared merge key: \(key)")])
        }
        return id
    }

    /// An atomic list: replaced, but a `$patch` element in it is an instruction still.
    private static func replacement(_ patch: [Value]) -> [Value] { withoutDirectives(.array(patch)).elements }

    private static func unknownDirective(_ kind: Value, _ patch: Value) -> APIError {
        APIError.badRequest(
            "unknown patch type: \(kind.string ?? String(decoding: JSON.encode(kind), as: UTF8.self)) found in: \(String(decoding: JSON.encode(patch), as: UTF8.self))"
        )
    }

    /// Elements named by the patch stand in the patch's order; the others keep the server's, each before the first patched one that
    /// followed it.
    private static func arrange(_ merged: [Value], patchOrder: [Value], serverOrder: [Value], key: String?) -> [Value] {
        func id(_ element: Value) -> Value { key.map { element[$0] } ?? element }
        let patchIDs = patchOrder.map(id)
        let serverIDs = serverOrder.map(id)
        var patched = merged.filter { patchIDs.contains(id($0)) }.sorted {
            (patchIDs.firstIndex(of: id($0)) ?? 0) < (patchIDs.firstIndex(of: id($1)) ?? 0)
        }[...]
        var others = merged.filter { !patchIDs.contains(id($0)) }[...]
        var result: [Value] = []
        while let left = patched.first, let right = others.first {
            if let a = serverIDs.firstIndex(of: id(left)), let b = serverIDs.firstIndex(of: id(right)), a < b {
                result.append(patched.removeFirst())
            } else {
                result.append(others.removeFirst())
            }
        }
        return result + patched + others
    }

    /// A part of the patch as the value it stands for: no directives, no nulls, no deleted elements.
    private static func withoutDirectives(_ value: Value) -> Value {
        switch value {
        case .object(let fields):
            var kept: Value.Fields = [:]
            for (name, field) in fields
            where !field.isNull && name != directive && name != retainKeys && !name.hasPrefix(elementOrder + "/")
                && !name.hasPrefix(deleteFromList + "/")
            {
                kept[name] = withoutDirectives(field)
            }
            return .object(kept)
        case .array(let elements):
            return .array(
                elements.filter { element in
                    guard let kind = element[directive].string else { return true }
                    return kind == "merge" || (kind == "replace" && element.fields.count > 1)
                }.map(withoutDirectives))
        default: return value
        }
    }
}
