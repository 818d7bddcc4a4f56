internal import OrderedCollections

extension CustomSchema {
    /// What is wrong with the objects inside an object, which say themselves what they are.
    /// - Parameter isRoot: whether it is the object itself, which others judge.
    func checkEmbedded(_ value: Value, _ path: FieldPath, isRoot: Bool = false, _ errors: inout [FieldError]) {
        switch value {
        case .object(let fields):
            if isEmbeddedResource, !isRoot { Self.checkObject(value, path, &errors) }
            for (name, field) in fields {
                if let schema = properties[name] {
                    schema.checkEmbedded(field, path.child(name), &errors)
                } else {
                    additional?.checkEmbedded(field, path.key(name), &errors)
                }
            }
        case .array(let elements):
            guard let items else { return }
            for (index, element) in elements.enumerated() { items.checkEmbedded(element, path.index(index), &errors) }
        default: return
        }
    }

    private static func checkObject(_ object: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        for (field, problem) in [("apiVersion", groupVersion), ("kind", kindName)] {
            guard let given = object.fields[field] else {
                errors.append(.required(path.child(field)))
                continue
            }
            guard let text = given.string else {
                errors.append(.invalid(path.child(field), given, "must be a string"))
                continue
            }
            if let problem = text.isEmpty ? "must not be empty" : problem(text) {
                errors.append(.invalid(path.child(field), given, problem))
            }
        }
        guard !object["metadata"].isNull else { return }
        var metadata = object["metadata"]
        if metadata["name"].isEmpty { metadata["name"] = "fakename" }
        errors += ObjectMetaRules.validateEmbedded(metadata, path.child("metadata"))
    }

    private static let groupVersion: @Sendable (String) -> String? = { text in
        GroupVersion(text) == nil ? "unexpected GroupVersion string: \(text)" : nil
    }

    private static let kindName: @Sendable (String) -> String? = { text in
        let problems = Names.dns1035Label(text.lowercased())
        return problems.isEmpty ? nil : "may have mixed case, but should otherwise match: \(problems.joined(separator: ","))"
    }
}
