import APIModel
import OrderedCollections

/// What a question about access must say to be one.
enum AccessReviewRules {
    enum Review {
        /// About whoever asks.
        case own
        /// About somebody who is named.
        case anybody
        /// About somebody in the namespace of the request.
        case local(namespace: String)
    }

    /// - Throws: 400 for the namespace of another request, 422 for the rest. Upstream names no kind there.
    static func check(_ review: Value, _ kind: Review) throws {
        var errors = spec(review["spec"], kind)
        var metadata = review["metadata"]
        metadata["managedFields"] = .null
        switch kind {
        case .own, .anybody:
            if !metadata.fields.isEmpty { errors.append(.invalid("metadata", metadata, "must be empty")) }
        case .local(let namespace):
            let given = metadata["namespace"].string ?? ""
            guard given.isEmpty || given == namespace else { throw APIError.foreignNamespace }
            metadata["namespace"] = .null
            if !metadata.fields.isEmpty { errors.append(.invalid("metadata", metadata, "must be empty except for namespace")) }
            let (resource, other) = (review[path: "spec", "resourceAttributes"], review[path: "spec", "nonResourceAttributes"])
            if !resource.isNull, resource["namespace"].string ?? "" != namespace {
                errors.append(
                    .invalid(
                        "spec.resourceAttributes.namespace", .string(resource["namespace"].string ?? ""), "must match metadata.namespace"))
            }
            if !other.isNull { errors.append(.invalid("spec.nonResourceAttributes", shown(other), "disallowed on this kind of request")) }
        }
        guard errors.isEmpty else { throw APIError.invalid(group: "authorization.k8s.io", kind: "", name: "", errors: errors) }
    }

    private static func spec(_ spec: Value, _ kind: Review) -> [FieldError] {
        var errors: [FieldError] = []
        let (resource, other) = (spec["resourceAttributes"], spec["nonResourceAttributes"])
        if !resource.isNull, !other.isNull {
            errors.append(
                .invalid("spec.nonResourceAttributes", shown(other), "cannot be specified in combination with resourceAttributes"))
        }
        if resource.isNull, other.isNull {
            let problem = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
            errors.append(.invalid("spec.resourceAttributes", .null, problem))
        }
        if case .own = kind {
        } else if spec["user"].string ?? "" == "", spec["groups"].elements.isEmpty {
            errors.append(.invalid("spec.user", "", "at least one of user or group must be specified"))
        }
        for field in ["fieldSelector", "labelSelector"] where !resource[field].isNull {
            errors += selector(resource[field], "spec.resourceAttributes.\(field)", isOfLabels: field == "labelSelector")
        }
        return errors
    }

    private static func selector(_ selector: Value, _ path: String, isOfLabels: Bool) -> [FieldError] {
        var errors: [FieldError] = []
        let (raw, requirements) = (selector["rawSelector"].string ?? "", selector["requirements"].elements)
        let at = FieldPath(stringLiteral: path)
        if !raw.isEmpty, !requirements.isEmpty {
            errors.append(.invalid(at.child("rawSelector"), .string(raw), "may not specified at the same time as requirements"))
        }
        if raw.isEmpty, requirements.isEmpty {
            errors.append(.required(at.child("requirements"), "when \(path) is specified, requirements or rawSelector is required"))
        }
        for (index, requirement) in requirements.enumerated() {
            let at = at.child("requirements").index(index)
            // What another server understands may be asked here.
            switch requirement["operator"].string {
            case "In", "NotIn":
                if requirement["values"].elements.isEmpty {
                    errors.append(.required(at.child("values"), "must be specified when `operator` is 'In' or 'NotIn'"))
                }
            case "Exists", "DoesNotExist":
                if !requirement["values"].elements.isEmpty {
                    errors.append(.forbidden(at.child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
                }
            default: break
            }
            let key = requirement["key"].string ?? ""
            if isOfLabels {
                errors += Names.qualifiedName(key).map { .invalid(at.child("key"), .string(key), $0) }
            } else if key.isEmpty {
                errors.append(.required(at.child("key"), "must be specified"))
            }
        }
        return errors
    }

    /// With the names of Go's fields.
    private static func shown(_ attributes: Value) -> Value {
        ["Path": .string(attributes["path"].string ?? ""), "Verb": .string(attributes["verb"].string ?? "")]
    }
}
