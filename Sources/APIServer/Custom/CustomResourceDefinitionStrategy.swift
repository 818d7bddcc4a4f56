import APIModel

/// Definitions of custom kinds: they note the versions that objects were stored in, and go when their objects have gone.
struct CustomResourceDefinitionStrategy: Strategy {
    static let cleanup = "customresourcecleanup.apiextensions.k8s.io"

    func prepareForCreate(_ definition: inout Value, _ target: Target, _ write: WriteContext) async throws {
        definition["status"] = ["conditions": [], "acceptedNames": ["plural": "", "kind": ""], "storedVersions": []]
        Self.noteStorage(&definition)
    }

    func prepareForUpdate(_ definition: inout Value, old: Value, _ target: Target, _ write: WriteContext) async throws {
        if target.subresource.isEmpty { Self.noteStorage(&definition) }
    }

    func prepareForDelete(_ definition: inout Value, _ target: Target, _ write: WriteContext) async throws {
        guard definition[path: "metadata", "deletionTimestamp"].isNull else { return }
        if !definition[path: "metadata", "finalizers"].elements.contains(.string(Self.cleanup)) {
            definition["metadata"]["finalizers"].elements.append(.string(Self.cleanup))
        }
        Conditions.set(
            &definition["status"], type: "Terminating", true, reason: "InstanceDeletionPending",
            message: "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon")
    }

    func validate(_ definition: Value, old: Value?, _ target: Target, found: [FieldError]) -> [FieldError] {
        guard target.subresource.isEmpty, old == nil || old?["spec"] != definition["spec"] else { return [] }
        var errors: [FieldError] = []
        for (schema, place) in DefinitionRules.schemas(of: definition) {
            let patterns = CustomPatterns.problems(in: schema, place)
            errors += patterns
            // Of what has no structure nothing more can be told.
            guard patterns.isEmpty, !found.contains(where: { $0.field.hasPrefix(place.description) }) else { continue }
            let defaults = CustomDefaults.problems(in: schema, place)
            errors += defaults.isEmpty ? CustomRules.problems(in: schema, place) : defaults
        }
        let group = definition[path: "spec", "group"].string ?? ""
        if old == nil, ApprovalPolicy.isProtected(group) {
            let (_, reason, message) = ApprovalPolicy.state(definition)
            let annotation: FieldPath = "metadata.annotations[api-approved.kubernetes.io]"
            if reason == "MissingAnnotation" { errors.append(.required(annotation, message)) }
            if reason == "InvalidAnnotation" {
                errors.append(.invalid(annotation, definition[path: "metadata", "annotations"][ApprovalPolicy.annotation], message))
            }
        }
        return errors
    }

    private static func noteStorage(_ definition: inout Value) {
        let storage = definition[path: "spec", "versions"].elements.first { $0["storage"].bool == true }?["name"] ?? .null
        guard !storage.isNull, !definition[path: "status", "storedVersions"].elements.contains(storage) else { return }
        definition["status"]["storedVersions"].elements.append(storage)
    }
}
