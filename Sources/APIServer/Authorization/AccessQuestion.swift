import APIModel
import OrderedCollections

/// A question about what somebody may do, as the `spec` of a SubjectAccessReview says it.
enum AccessQuestion {
    /// As a webhook is sent it: what is empty is left out.
    static func spec(_ attributes: Attributes, version: String) -> Value {
        let user = attributes.user
        func text(_ text: String) -> Value { text.isEmpty ? .null : .string(text) }
        var spec: Value = [
            "user": text(user.name), version == "v1beta1" ? "group" : "groups": user.groups.isEmpty ? .null : Value(user.groups),
            "extra": user.extra.isEmpty ? .null : user.extraValue, "uid": text(user.uid),
        ]
        guard attributes.isResource else {
            spec["nonResourceAttributes"] = ["path": text(attributes.path), "verb": text(attributes.verb)]
            return spec
        }
        spec["resourceAttributes"] = [
            "namespace": text(attributes.namespace), "verb": text(attributes.verb), "group": text(attributes.group),
            "version": text(attributes.version), "resource": text(attributes.resource), "subresource": text(attributes.subresource),
            "name": text(attributes.name), "fieldSelector": fieldSelector(attributes), "labelSelector": labelSelector(attributes),
        ]
        return spec
    }

    /// As conditions see it: every field of text is there, and selectors only where a condition looks at them.
    static func fields(_ attributes: Attributes, _ hasFieldSelector: Bool, _ hasLabelSelector: Bool) -> Value {
        let user = attributes.user
        var fields: Value = [
            "user": .string(user.name), "groups": Value(user.groups), "uid": .string(user.uid), "extra": user.extraValue,
        ]
        guard attributes.isResource else {
            fields["nonResourceAttributes"] = ["path": .string(attributes.path), "verb": .string(attributes.verb)]
            return fields
        }
        fields["resourceAttributes"] = [
            "namespace": .string(attributes.namespace), "verb": .string(attributes.verb), "group": .string(attributes.group),
            "version": .string(attributes.version), "resource": .string(attributes.resource),
            "subresource": .string(attributes.subresource), "name": .string(attributes.name),
            "fieldSelector": hasFieldSelector ? fieldSelector(attributes) : .null,
            "labelSelector": hasLabelSelector ? labelSelector(attributes) : .null,
        ]
        return fields
    }

    private static func fieldSelector(_ attributes: Attributes) -> Value {
        requirements(
            attributes.fieldSelector.requirements.map { ($0.field, $0.isEqual ? "In" : "NotIn", [$0.value]) })
    }

    /// What compares numbers is left out: that asks for more, never for less.
    private static func labelSelector(_ attributes: Attributes) -> Value {
        guard !attributes.labelSelector.isEmpty, let selector = try? LabelSelector(parsing: attributes.labelSelector) else { return .null }
        return requirements(
            selector.requirements.compactMap { requirement in
                switch requirement.test {
                case .in(let values): (requirement.key, "In", values.sorted())
                case .notIn(let values): (requirement.key, "NotIn", values.sorted())
                case .exists: (requirement.key, "Exists", [])
                case .doesNotExist: (requirement.key, "DoesNotExist", [])
                case .greaterThan, .lessThan: nil
                }
            })
    }

    private static func requirements(_ requirements: [(key: String, operator: String, values: [String])]) -> Value {
        guard !requirements.isEmpty else { return .null }
        let list = requirements.map { key, `operator`, values -> Value in
            ["key": .string(key), "operator": .string(`operator`), "values": values.isEmpty ? .null : Value(values)]
        }
        return ["requirements": .array(list)]
    }

    /// What a review says of fields. What is not understood narrows nothing: that asks for more, never for less.
    static func fields(_ selector: Value) -> FieldSelector {
        let raw = selector["rawSelector"].string ?? ""
        if !raw.isEmpty { return (try? FieldSelector(parsing: raw)) ?? FieldSelector() }
        let terms = selector["requirements"].elements.compactMap { requirement -> String? in
            let values = requirement["values"].elements.compactMap(\.string)
            guard let key = requirement["key"].string, let value = values.first, values.count == 1 else { return nil }
            let escaped = value.replacing("\\", with: "\\\\").replacing(",", with: "\\,").replacing("=", with: "\\=")
            switch requirement["operator"].string {
            case "In": return "\(key)=\(escaped)"
            case "NotIn": return "\(key)!=\(escaped)"
            default: return nil
            }
        }
        return (try? FieldSelector(parsing: terms.joined(separator: ","))) ?? FieldSelector()
    }

    /// The same of labels, as text.
    static func labels(_ selector: Value) -> String {
        let raw = selector["rawSelector"].string ?? ""
        if !raw.isEmpty { return raw }
        return selector["requirements"].elements.compactMap { requirement -> String? in
            guard let key = requirement["key"].string else { return nil }
            let values = requirement["values"].elements.compactMap(\.string).joined(separator: ",")
            switch requirement["operator"].string {
            case "In": return "\(key) in (\(values))"
            case "NotIn": return "\(key) notin (\(values))"
            case "Exists": return key
            case "DoesNotExist": return "!\(key)"
            default: return nil
            }
        }.joined(separator: ",")
    }
}
