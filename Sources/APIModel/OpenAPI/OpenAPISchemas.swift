internal import OrderedCollections

/// Collects schemas together with all they refer to.
struct OpenAPISchemas {
    let form: OpenAPI.Form
    private let catalogue: Catalogue
    private let kinds: [String: [GroupVersionKind]]
    private var schemas: [String: Value] = [:]

    /// The types that apply replaces whole, wherever they stand.
    private static let atomic: Set<String> = {
        let fields = Catalogue.builtin.types.lazy.flatMap(\.fields).filter(\.isAtomicMap)
        return Set(fields.compactMap { field in if case .object(let type) = field.type.element { type.name } else { nil } })
    }()

    init(form: OpenAPI.Form, catalogue: Catalogue) {
        self.form = form
        self.catalogue = catalogue
        kinds = Dictionary(grouping: catalogue.kinds, by: \.type.name).mapValues { entries in
            entries.map(\.kind).sorted { $0.description < $1.description }
        }
    }

    /// In the order of their names.
    var finished: Value.Fields { Value.Fields(uniqueKeysWithValues: schemas.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }) }

    /// Says what a type is that no catalogue has.
    mutating func set(_ name: String, _ schema: Value) { schemas[name] = schema }

    /// Adds a type of the catalogue, once. Names of none are scalars or unknown to the catalogue.
    mutating func add(_ name: String) {
        guard schemas[name] == nil else { return }
        guard let type = catalogue.type(named: name) else {
            schemas[name] = Self.scalar(name, catalogue, form)
            return
        }
        // Present before its fields are, since types refer to each other in circles.
        schemas[name] = .null
        var properties: Value.Fields = [:]
        let isList = kinds[name] != nil && name.hasSuffix("List")
        for field in type.fields {
            properties[field.name] = described(
                property(field, isList: isList), Descriptions.all.field(field.name, of: name, isKind: kinds[name] != nil))
        }
        var schema: Value = ["type": "object"]
        if let text = Descriptions.all.type(name) { schema["description"] = .string(text) }
        let required = type.fields.filter(\.isRequired).map(\.name)
        if !required.isEmpty { schema["required"] = Value(required) }
        if !properties.isEmpty { schema["properties"] = .object(properties) }
        if Self.atomic.contains(name) { schema["x-kubernetes-map-type"] = "atomic" }
        if let kinds = kinds[name] { schema["x-kubernetes-group-version-kind"] = .array(kinds.map(OpenAPI.value)) }
        schemas[name] = schema
    }

    /// A schema that says in words what it is. Where OpenAPI 2.0 lets clients read a sentence beside a `$ref`, so does this.
    func described(_ schema: Value, _ text: String?) -> Value {
        guard let text else { return schema }
        var schema = schema
        schema["description"] = .string(text)
        return schema
    }

    /// - Parameter isList: whether it is one of a list of objects, which nobody merges.
    private mutating func property(_ field: FieldSchema, isList: Bool) -> Value {
        var schema = wrapped(schema(field.type))
        // The older form has none.
        if form == .v3, let value = field.publishedDefault { schema["default"] = value }
        if let choices = field.constraints.lazy.map(\.choices).first(where: { !$0.isEmpty }) {
            if case .array = field.type {
                schema["items"]["enum"] = Value(choices.sorted())
            } else {
                schema["enum"] = Value(choices.sorted())
            }
        }
        if case .array = field.type, !isList {
            switch field.listType {
            case .atomic: schema["x-kubernetes-list-type"] = "atomic"
            case .set: schema["x-kubernetes-list-type"] = "set"
            case .map:
                schema["x-kubernetes-list-type"] = "map"
                schema["x-kubernetes-list-map-keys"] = Value(field.listMapKeys)
            }
        }
        if field.isAtomicMap, case .map = field.type { schema["x-kubernetes-map-type"] = "atomic" }
        if let key = field.patchMergeKey { schema["x-kubernetes-patch-merge-key"] = .string(key) }
        let strategies = [(FieldSchema.PatchStrategy.merge, "merge"), (.retainKeys, "retainKeys")].filter {
            field.patchStrategy.contains($0.0)
        }.map(\.1)
        if !strategies.isEmpty { schema["x-kubernetes-patch-strategy"] = .string(strategies.joined(separator: ",")) }
        return schema
    }

    private mutating func schema(_ type: FieldType) -> Value {
        switch type {
        case .string: return ["type": "string"]
        case .boolean: return ["type": "boolean"]
        case .int32: return ["type": "integer", "format": "int32"]
        case .int64: return ["type": "integer", "format": "int64"]
        case .double: return ["type": "number", "format": "double"]
        case .bytes: return ["type": "string", "format": "byte"]
        case .time: return reference("io.k8s.apimachinery.pkg.apis.meta.v1.Time")
        case .microTime: return reference("io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime")
        case .quantity: return reference("io.k8s.apimachinery.pkg.api.resource.Quantity")
        case .intOrString: return reference("io.k8s.apimachinery.pkg.util.intstr.IntOrString")
        case .any(let name): return reference(name)
        case .object(let type): return reference(type.name)
        case .array(let element): return ["type": "array", "items": schema(element)]
        case .map(let element): return ["type": "object", "additionalProperties": schema(element)]
        }
    }

    /// For a property, beside whose type more is told: OpenAPI 3.0 lets nothing stand beside a `$ref`, and clients look for it in an `allOf`.
    func wrapped(_ schema: Value) -> Value { form == .v3 && !schema["$ref"].isNull ? ["allOf": [schema]] : schema }

    mutating func reference(_ name: String) -> Value {
        add(name)
        return form.reference(name)
    }

    private static func scalar(_ name: String, _ catalogue: Catalogue, _ form: OpenAPI.Form) -> Value {
        if form == .v3 {
            if name.hasSuffix(".Quantity") { return ["oneOf": [["type": "string"], ["type": "number"]]] }
            if name.hasSuffix(".IntOrString") { return ["format": "int-or-string", "oneOf": [["type": "integer"], ["type": "string"]]] }
        }
        guard let scalar = catalogue.scalars.first(where: { $0.name == name }) else { return .emptyObject }
        return [
            "type": scalar.type.isEmpty ? .null : .string(scalar.type), "format": scalar.format.isEmpty ? .null : .string(scalar.format),
        ]
    }
}

extension FieldType {
    /// Of a list what is in it.
    var element: FieldType { if case .array(let element) = self { element } else { self } }
}
