import APIModel
import OrderedCollections

/// Makes objects from the catalogue: mostly such as mean something, here and there with what programs trip over.
struct ObjectMaker {
    var dice: Dice
    /// One value in so many is extreme.
    var calmness: Int
    /// How many values the object at hand may still get.
    private var budget = 0

    init(dice: Dice, calmness: Int) {
        self.dice = dice
        self.calmness = calmness
    }

    mutating func object(_ type: ResourceType, name: String, namespace: String) -> Value {
        budget = dice.number(10...200)
        var object = Samples.content(type.kind, &dice) ?? .null
        if object.isNull {
            for field in type.schema.schema.fields where !["apiVersion", "kind", "metadata"].contains(field.name) {
                guard field.isRequired || !dice.once(in: 5) else { continue }
                object[field.name] = value(field.type, named: field.name, depth: 1)
            }
        }
        object["apiVersion"] = .string(type.groupVersion.description)
        object["kind"] = .string(type.kind)
        object["metadata"] = metadata(type, name: name, namespace: namespace)
        if dice.once(in: 2) { mutate(&object, type.schema.schema) }
        return object
    }

    private mutating func metadata(_ type: ResourceType, name: String, namespace: String) -> Value {
        var metadata: Value = ["name": .string(name), "labels": dice.pick(PlausibleValues.labels)]
        if type.isNamespaced { metadata["namespace"] = .string(namespace) }
        if dice.once(in: 3) {
            for _ in 0..<dice.number(1...3) {
                metadata["annotations"][dice.pick(Extremes.annotations)] = .string(dice.pick(Extremes.texts))
            }
        }
        if dice.once(in: 10) {
            let reference = FieldType.object(
                TypeReference(name: "io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference") { Catalogue.builtin.type(named: $0) })
            metadata["ownerReferences"] = [value(reference, named: "ownerReferences", depth: 3)]
        }
        if dice.once(in: 20) { metadata["finalizers"] = ["example.com/f"] }
        return metadata
    }

    /// A value of a type for a field of that name.
    mutating func value(_ type: FieldType, named name: String, depth: Int) -> Value {
        budget -= 1
        if dice.once(in: calmness) { return extreme(type) }
        if let plausible = PlausibleValues.byField[name], !dice.once(in: 8) {
            let fitting = plausible.filter { fits($0, type) }
            if !fitting.isEmpty { return dice.pick(fitting) }
        }
        switch type {
        case .string, .any: return .string(dice.pick(PlausibleValues.names))
        case .boolean: return .bool(dice.once(in: 2))
        case .int32, .int64: return .int(Int64(dice.number(0...3)))
        case .double: return .double(1)
        case .bytes: return .string(Base64.encode(Array("x".utf8)))
        case .time, .microTime: return .string(Timestamp.now())
        case .quantity: return .string(dice.pick(["1", "100m", "1Gi"]))
        case .intOrString: return dice.once(in: 2) ? .int(Int64(dice.number(0...100))) : "25%"
        case .array(let element):
            if name.hasSuffix("abels") { return .array([]) }
            return .array(
                (0..<(depth > 6 || budget < 0 ? 0 : dice.number(1...2))).map { _ in value(element, named: singular(name), depth: depth + 1)
                })
        case .map(let element):
            if name == "labels" || name == "matchLabels" || name == "selector" { return dice.pick(PlausibleValues.labels) }
            if name == "annotations" { return [dice.pick(Extremes.annotations): .string(dice.pick(Extremes.texts))] }
            let key =
                ["requests", "limits", "capacity", "allocatable", "hard"].contains(name)
                ? dice.pick(["cpu", "memory", "pods", "example.com/gpu"]) : "a"
            return [key: value(element, named: "", depth: depth + 1)]
        case .object(let reference):
            var object = Value.emptyObject
            for field in reference.schema.fields {
                let isWanted =
                    field.isRequired || PlausibleValues.byField[field.name] != nil && dice.once(in: 3) || dice.once(in: 3 + depth * 2)
                guard isWanted, depth < 9, budget > 0 || field.isRequired else { continue }
                object[field.name] = value(field.type, named: field.name, depth: depth + 1)
            }
            return object
        }
    }

    private func singular(_ name: String) -> String { name.hasSuffix("s") ? String(name.dropLast()) : name }

    private func fits(_ value: Value, _ type: FieldType) -> Bool {
        switch (type, value) {
        case (.string, .string), (.boolean, .bool), (.int32, .int), (.int64, .int), (.intOrString, .int), (.intOrString, .string),
            (.map, .object):
            true
        case (.array(.string), .array(let elements)): elements.allSatisfy { $0.string != nil }
        default: false
        }
    }

    /// The kind of value that a type does not expect, or expects least.
    mutating func extreme(_ type: FieldType) -> Value {
        if dice.once(in: 40) { return dice.pick([.null, true, 1, 1.5, "x", [], .emptyObject, [.null], [[]]] as [Value]) }
        switch type {
        case .string, .any: return .string(dice.pick(Extremes.texts))
        case .boolean: return .bool(dice.once(in: 2))
        case .int32, .int64: return .int(dice.pick(Extremes.integers))
        case .double: return .double(dice.pick(Extremes.doubles))
        case .bytes: return .string(Base64.encode((0..<dice.number(0...40)).map { _ in UInt8(truncatingIfNeeded: dice.next()) }))
        case .time, .microTime: return .string(dice.pick(Extremes.times))
        case .quantity: return dice.once(in: 4) ? .int(dice.pick(Extremes.integers)) : .string(dice.pick(Extremes.quantities))
        case .intOrString: return dice.once(in: 2) ? .int(dice.pick(Extremes.integers)) : .string(dice.pick(Extremes.texts))
        case .array(let element):
            let count = dice.pick([0, 1, 2, 100])
            let one = extreme(element)
            return .array((0..<count).map { $0 == 0 || dice.once(in: 2) ? one : extreme(element) })
        case .map(let element):
            var map = Value.emptyObject
            for _ in 0..<dice.pick([0, 1, 3, 50]) { map[dice.pick(Extremes.texts)] = extreme(element) }
            return map
        case .object(let reference):
            var object = Value.emptyObject
            for field in reference.schema.fields where dice.once(in: 3) {
                // What nests without end does so three deep.
                object[field.name] = dice.once(in: 3) ? extreme(field.type) : leaf(field.type)
            }
            return object
        }
    }

    private mutating func leaf(_ type: FieldType) -> Value {
        switch type {
        case .array, .map, .object: .null
        default: extreme(type)
        }
    }
}

// Changes to what is there.
extension ObjectMaker {
    /// Changes one place of an object, or a few.
    mutating func mutate(_ object: inout Value, _ schema: TypeSchema) {
        for _ in 0..<dice.pick([1, 1, 1, 2, 5]) {
            mutate(&object, .object(TypeReference(name: schema.name) { _ in schema }), named: "", depth: 0)
        }
    }

    private mutating func mutate(_ value: inout Value, _ type: FieldType, named name: String, depth: Int) {
        if depth > 1, dice.once(in: 6) {
            budget = 20
            value = dice.once(in: 2) ? extreme(type) : self.value(type, named: name, depth: depth)
            return
        }
        switch (type, value) {
        case (.object(let reference), .object(let fields)):
            let known = reference.schema.fields.filter { depth > 0 || !["apiVersion", "kind"].contains($0.name) }
            guard !known.isEmpty else { return }
            let present = known.filter { fields[$0.name] != nil }
            let field = present.isEmpty || dice.once(in: 5) ? dice.pick(known) : dice.pick(present)
            if dice.once(in: 60) {
                value["unknown\(dice.number(0...9))"] = .string(dice.pick(Extremes.texts))
                return
            }
            // Names tell the objects apart that are known here.
            if depth == 1, ["name", "namespace", "uid", "resourceVersion"].contains(field.name), !dice.once(in: 20) { return }
            if value[field.name].isNull {
                budget = 20
                value[field.name] = self.value(field.type, named: field.name, depth: depth + 1)
            } else if dice.once(in: 12) {
                value[field.name] = .null
            } else {
                mutate(&value[field.name], field.type, named: field.name, depth: depth + 1)
            }
        case (.array(let element), .array(let elements)) where !elements.isEmpty:
            let index = dice.number(0...elements.count - 1)
            switch dice.number(0...9) {
            case 0: value.elements.remove(at: index)
            case 1: value.elements.append(elements[index])
            case 2: value.elements.shuffle(using: &dice)
            default: mutate(&value.elements[index], element, named: singular(name), depth: depth + 1)
            }
        case (.map(let element), .object(let fields)) where !fields.isEmpty:
            let key = dice.pick(fields.keys)
            if dice.once(in: 3) {
                value[dice.pick(Extremes.texts + Extremes.annotations)] = extreme(element)
            } else {
                mutate(&value[key], element, named: key, depth: depth + 1)
            }
        default:
            budget = 20
            value = dice.once(in: 3) ? self.value(type, named: name, depth: depth) : extreme(type)
        }
    }
}
