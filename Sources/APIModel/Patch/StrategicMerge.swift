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

        var removed: Set<String> = []
        for (name, change) in patch {
            if name.hasPrefix(deleteFromList + "/") {
                let list = String(name.dropFirst(deleteFromList.count + 1))
                guard case .array(let gone) = change else { throw APIError.badRequest("invalid patch format of primitive list") }
                let unwanted = Set(gone)
                if let elements = target[list]?.elements { target[list] = .array(elements.filter { !unwanted.contains($0) }) }
                continue
            }
            if change.isNull {
                removed.insert(name)
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
        if !removed.isEmpty { target.removeAll { removed.contains($0.key) } }
        return target
    }

    /// Obeys `$setElementOrder/…`, merging the list it speaks of.
    private static func order(_ target: inout Value.Fields, _ patch: inout Value.Fields, _ shape: Shape) throws(APIError) {
        var obeyed: Set<String> = []
        var removed: Set<String> = []
        for name in patch.keys where name.hasPrefix(elementOrder + "/") {
            guard case .array(let wanted)? = patch[name] else {
                throw APIError.badRequest("invalid patch format of setElementOrder list")
            }
            let listName = String(name.dropFirst(elementOrder.count + 1))
            let deleteName = "\(deleteFromList)/\(listName)"
            obeyed.formUnion([name, listName, deleteName])
            let field = shape.field(listName)
            let change = patch[listName]
            let old = target[listName]?.elements ?? []
            var merged = old
            switch change {
            case .some(.array(let elements)):
                try checkOrder(of: elements, wanted, key: field?.patchMergeKey)
                merged = target[listName] == nil ? withoutDirectives(.array(elements)).elements : try list(old, elements, field, listName)
            case .some(.null):
                removed.insert(listName)
                continue
            default: if target[listName] == nil { continue }
            }
            if case .array(let gone)? = patch[deleteName] { merged.removeAll(where: Set(gone).contains) }
            target[listName] = .array(arrange(merged, patchOrder: wanted, serverOrder: old, key: field?.patchMergeKey))
        }
        if !obeyed.isEmpty { patch.removeAll { obeyed.contains($0.key) } }
        if !removed.isEmpty { target.removeAll { removed.contains($0.key) } }
    }

    /// The order asked for has every element of the patch, in the patch's own order.
    private static func checkOrder(of patch: [Value], _ wanted: [Value], key: String?) throws(APIError) {
        guard !wanted.isEmpty else { return }
        func id(_ element: Value) -> Value { key.map { element[$0] } ?? element }
        var rest = wanted[...]
        for element in patch where element[directive].string != "delete" {
            guard let place = rest.firstIndex(where: { id($0) == id(element) }) else {
                let (given, order) = (Value.array(patch).goText, Value.array(wanted).goText)
                throw fault("The order in patch list:\n\(given)\n doesn't match \(elementOrder) list:\n\(order)\n")
            }
            rest = rest[(place + 1)...]
        }
    }

    private static func list(_ old: [Value], _ patch: [Value], _ field: FieldSchema?, _ name: String) throws(APIError) -> [Value] {
        guard let field, field.patchStrategy.contains(.merge) else { return replacement(patch) }
        guard let sample = patch.first ?? old.first else { return [] }
        if (old + patch).contains(where: { $0.jsonType != sample.jsonType && !$0.isNull }) {
            throw fault("list element types are not identical: [\(Value.array(old).goText) \(Value.array(patch).goText)]")
        }
        guard case .object = sample else {
            var merged = old
            var known = Set(old)
            for element in patch where known.insert(element).inserted { merged.append(element) }
            return arrange(merged, patchOrder: patch, serverOrder: old, key: nil)
        }
        guard let key = field.patchMergeKey else {
            throw APIError.badRequest("cannot merge list \(FieldError.quoted(name)): it has no merge key")
        }

        var changes: [Value] = []
        var deleted: Set<Value> = []
        var replaces = false
        for element in patch {
            switch element[directive].string {
            case nil:
                guard element[directive].isNull else { throw unknownDirective(element[directive], element) }
                changes.append(element)
            case "delete":
                deleted.insert(try mergeKey(of: element, key))
            case "replace": replaces = true
            case "merge": throw APIError.badRequest("merging lists cannot yet be specified in the patch")
            default: throw unknownDirective(element[directive], element)
            }
        }
        if replaces { return withoutDirectives(.array(changes)).elements }

        var shape = Shape.unknown
        if case .array(let elementType) = field.type { shape = Shape(elementType) }
        var merged = old.filter { !deleted.contains($0[key]) }
        var places = places(of: merged.map { $0[key] })
        for change in changes {
            let id = try mergeKey(of: change, key)
            if let index = places[id] {
                merged[index] = .object(try merge(merged[index].fields, change.fields, shape))
            } else {
                places[id] = merged.count
                merged.append(withoutDirectives(change))
            }
        }
        return arrange(merged, patchOrder: changes, serverOrder: old, key: key)
    }

    private static func mergeKey(of element: Value, _ key: String) throws(APIError) -> Value {
        let id = element[key]
        guard !id.isNull else {
            throw fault("map: \(element.goText) does not contain declared merge key: \(key)")
        }
        return id
    }

    /// An atomic list: replaced, but a `$patch` element in it is an instruction still.
    private static func replacement(_ patch: [Value]) -> [Value] { withoutDirectives(.array(patch)).elements }

    private static func unknownDirective(_ kind: Value, _ patch: Value) -> APIError {
        var whole = patch
        whole[directive] = kind
        return fault("unknown patch type: \(kind.goText) in map: \(whole.goText)")
    }

    /// What upstream takes for a fault of its own, though it is the patch's.
    private static func fault(_ message: String) -> APIError { APIError(code: 500, reason: .unknown, message: message) }

    /// Where each id comes first.
    private static func places(of ids: [Value]) -> [Value: Int] {
        Dictionary(zip(ids, ids.indices), uniquingKeysWith: { first, _ in first })
    }

    /// Elements named by the patch stand in the patch's order; the others keep the server's, each before the first patched one that
    /// followed it.
    private static func arrange(_ merged: [Value], patchOrder: [Value], serverOrder: [Value], key: String?) -> [Value] {
        func id(_ element: Value) -> Value { key.map { element[$0] } ?? element }
        let inPatch = places(of: patchOrder.map(id))
        let onServer = places(of: serverOrder.map(id))
        let patched = merged.compactMap { element in inPatch[id(element)].map { (place: $0, element: element) } }
            .sorted { $0.place < $1.place }.map(\.element)
        var others = merged.filter { inPatch[id($0)] == nil }[...]
        var result: [Value] = []
        for element in patched {
            while let other = others.first, let mine = onServer[id(element)], let its = onServer[id(other)], its < mine {
                result.append(others.removeFirst())
            }
            result.append(element)
        }
        return result + others
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
                    return kind == "replace" && element.fields.count > 1
                }.map(withoutDirectives))
        default: return value
        }
    }
}
