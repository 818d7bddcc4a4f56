internal import OrderedCollections

/// Says what is wrong with an object, in upstream's words.
///
/// All but the last by type, so that a pod template is judged alike wherever it stands: the schema says what is required, its fields'
/// constraints formats, enumerations and ranges, its rule what relates several fields. Rules for whole kinds are in `KindRules`, those for
/// updates in `UpdateRules`. Objects must have their defaults already.
public enum Validation {
    /// For an object about to be created. `status` is not looked at.
    public static func validate(_ object: Value, resource: ResourceType) -> [FieldError] {
        var validator = Validator()
        validator.errors += ObjectMetaRules.validate(
            object["metadata"], kind: "\(resource.group)/\(resource.kind)", isNamespaced: resource.isNamespaced,
            isCustom: resource.custom != nil)
        if let custom = resource.custom { return validator.errors + custom.validate(object) }
        let isStatefulSet = resource.group == "apps" && resource.kind == "StatefulSet"
        validator.check(
            isStatefulSet ? StatefulSetTemplate.completed(object) : object, resource.schema.schema, "",
            except: ["apiVersion", "kind", "metadata", "status"])
        KindRules.rules["\(resource.group)/\(resource.kind)"]?(object, &validator.errors)
        return validator.finished
    }

    /// For an object about to replace `old`.
    /// - Parameter subresource: `status`, `resize` … or `nil` for the object itself. Only what the subresource may change is judged.
    public static func validateUpdate(_ new: Value, old: Value, resource: ResourceType, subresource: String?) -> [FieldError] {
        let kind = "\(resource.group)/\(resource.kind)"
        let metadata = ObjectMetaRules.validateUpdate(new["metadata"], old: old["metadata"], isCustom: resource.custom != nil)
        if let custom = resource.custom {
            let form = ObjectMetaRules.validate(new["metadata"], kind: kind, isNamespaced: resource.isNamespaced, isCustom: true)
            return merged(metadata + form + custom.validate(new, old: old))
        }
        switch subresource {
        case nil:
            let changes = UpdateRules.validate(new, old: old, kind: kind)
            // What was let in once, by looser rules, does not hold up the last steps of a deletion.
            if !old["metadata"]["deletionTimestamp"].isNull, new["spec"] == old["spec"] { return metadata + changes }
            let whole = validate(new, resource: resource)
            return merged(metadata + (UpdateRules.comesLast.contains(kind) ? whole + changes : changes + whole))
        case "status" where kind == "/Pod": return metadata + PodStatusRules.check(new, old: old)
        case "status" where kind == "/Namespace": return metadata + NamespaceUpdateRules.status(new)
        case "finalize" where kind == "/Namespace": return metadata + NamespaceUpdateRules.finalizers(new)
        case "resize" where kind == "/Pod": return metadata + PodResizeRules.check(new, old: old)
        case "ephemeralcontainers" where kind == "/Pod":
            return metadata + PodUpdateRules.ephemeralContainers(new, old: old)
                + validate(new, resource: resource).filter { $0.field.hasPrefix("spec.ephemeralContainers") }
        default: return metadata
        }
    }

    /// For a value of a type that is no resource of its own: `Scale`, `Eviction`, `TokenRequest`.
    public static func validate(_ value: Value, schema: TypeSchema) -> [FieldError] {
        var validator = Validator()
        validator.check(value, schema, "", except: ["apiVersion", "kind", "metadata", "status"])
        return validator.finished
    }

    private static func merged(_ errors: [FieldError]) -> [FieldError] {
        var seen: Set<FieldError> = []
        return errors.filter { seen.insert($0).inserted }
    }
}

/// One walk along a schema.
struct Validator {
    var errors: [FieldError] = []
    /// What the schema misses; said only where no rule has said it better.
    private var missing: [FieldError] = []

    var finished: [FieldError] {
        let fields = Set(errors.map(\.field))
        return errors + missing.filter { !fields.contains($0.field) }
    }

    mutating func check(_ value: Value, _ schema: TypeSchema, _ path: FieldPath, except: Set<String> = []) {
        guard case .object(let fields) = value else { return }
        for index in schema.constrained {
            let field = schema.fields[index]
            guard let found = fields[field.name] else { continue }
            for constraint in field.constraints { constraint.check(found, path.child(field.name), &errors) }
        }
        schema.rules.check?(value, path, &errors)
        for field in schema.fields where !except.contains(field.name) {
            let child = path.child(field.name)
            let found = fields[field.name] ?? .null
            let isAsked = field.missing != nil || field.isRequired && !field.mayBeEmpty
            if isAsked || path.description.isEmpty && field.name == "spec" && !field.isOptional && !field.mayBeEmpty {
                switch (field.type, found) {
                case (.object(let reference), .null):
                    // Upstream has an empty structure there, and tells what that misses.
                    check(.emptyObject, reference.schema, child)
                    continue
                case (.string, .null), (.string, .string("")), (.array, .null), (.array, .array([])), (.intOrString, .null),
                    (.bytes, .null), (.map, .null), (.quantity, .null):
                    missing.append(.required(child, field.missing ?? ""))
                    continue
                default: break
                }
            }
            if field.type.holdsObjects { descend(found, field.type, child) }
        }
    }

    private mutating func descend(_ value: Value, _ type: FieldType, _ path: FieldPath) {
        switch type {
        case .object(let reference): check(value, reference.schema, path)
        case .array(let element): for (index, item) in value.elements.enumerated() { descend(item, element, path.index(index)) }
        case .map(let element): for (key, item) in value.fields { descend(item, element, path.key(key)) }
        default: break
        }
    }
}
