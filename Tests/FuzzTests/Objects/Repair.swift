import APIModel
import OrderedCollections

/// Brings an object that was refused nearer to one that is not, by what the refusal says.
enum Repair {
    static func mend(_ object: inout Value, _ schema: TypeSchema, causes: [Value], _ maker: inout ObjectMaker) {
        for cause in causes.prefix(20) {
            let steps = steps(cause["field"].string ?? "")
            guard !steps.isEmpty, steps.first != "metadata" || steps.count > 2 else { continue }
            let type = type(steps, .object(TypeReference(name: schema.name) { _ in schema }))
            let message = cause["message"].string ?? ""
            switch cause["reason"].string {
            case "FieldValueForbidden": set(&object, steps[...], .null)
            case "FieldValueNotSupported":
                let supported =
                    message.split(separator: "supported values: ").last?.split(separator: "\"").filter { !$0.hasPrefix(",") } ?? []
                set(&object, steps[...], supported.isEmpty ? .null : .string(String(maker.dice.pick(supported))))
            case "FieldValueRequired": set(&object, steps[...], type.map { maker.calmValue($0, named: steps.last ?? "") } ?? .null)
            default:
                set(
                    &object, steps[...], maker.dice.once(in: 2) ? .null : type.map { maker.calmValue($0, named: steps.last ?? "") } ?? .null
                )
            }
        }
    }

    /// `spec.ports[0].name` in its parts. What is in brackets is an index or a key.
    private static func steps(_ path: String) -> [String] {
        path.split(separator: ".").flatMap { part -> [String] in
            part.split(separator: "[").map { String($0.hasSuffix("]") ? $0.dropLast() : $0) }
        }
    }

    private static func type(_ steps: [String], _ type: FieldType) -> FieldType? {
        guard let step = steps.first else { return type }
        let next: FieldType? =
            switch type {
            case .object(let reference): reference.schema.field(step)?.type
            case .array(let element), .map(let element): element
            default: nil
            }
        return next.flatMap { self.type(Array(steps.dropFirst()), $0) }
    }

    private static func set(_ value: inout Value, _ steps: ArraySlice<String>, _ new: Value) {
        guard let step = steps.first else {
            value = new
            return
        }
        if case .array(let elements) = value {
            guard let index = Int(step), elements.indices.contains(index) else { return }
            if steps.count == 1, new.isNull {
                value.elements.remove(at: index)
            } else {
                set(&value.elements[index], steps.dropFirst(), new)
            }
        } else if value.isNull || !value.fields.isEmpty || value == .emptyObject {
            set(&value[step], steps.dropFirst(), new)
        }
    }
}

extension ObjectMaker {
    /// A value with nothing extreme in it.
    mutating func calmValue(_ type: FieldType, named name: String) -> Value {
        let before = calmness
        calmness = .max
        defer { calmness = before }
        return value(type, named: name, depth: 4)
    }
}
