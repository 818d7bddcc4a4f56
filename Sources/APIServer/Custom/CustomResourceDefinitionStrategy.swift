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
        CustomConditions.set(
            "Terminating", true, "InstanceDeletionPending",
            "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
            in: &definition)
    }

    func validate(_ definition: Value, old: Value?, _ target: Target) -> [FieldError] {
        guard target.subresource.isEmpty, old == nil || old?["spec"] != definition["spec"] else { return [] }
        var errors: [FieldError] = []
        if definition[path: "spec", "conversion", "strategy"].string == "Webhook" {
            errors.append(.forbidden("spec.conversion.strategy", "this server does not convert by webhooks yet; use None"))
        }
        for (index, version) in definition[path: "spec", "versions"].elements.enumerated() {
            let place = FieldPath("spec.versions").index(index).child("schema", "openAPIV3Schema")
            let schema = version[path: "schema", "openAPIV3Schema"]
            do {
                _ = try CustomSchema(schema, patterns: CustomKinds.patterns)
            } catch {
                errors.append(.invalid(place, "", "a pattern is no regular expression: \(error)"))
            }
            errors += CustomRules.problems(in: schema, place)
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

/// The conditions of a definition.
enum CustomConditions {
    static func isTrue(_ type: String, _ definition: Value) -> Bool {
        definition[path: "status", "conditions"].elements.contains { $0["type"].string == type && $0["status"].string == "True" }
    }

    /// Sets a condition; the time is that of the last change of its status.
    static func set(_ type: String, _ isTrue: Bool, _ reason: String, _ message: String, in definition: inout Value) {
        var conditions = definition[path: "status", "conditions"].elements
        let index = conditions.firstIndex { $0["type"].string == type }
        let status = isTrue ? "True" : "False"
        let isSame = index.map { conditions[$0]["status"].string == status } ?? false
        let since = isSame ? index.map { conditions[$0]["lastTransitionTime"] } ?? .null : .string(Timestamp.now())
        let condition: Value = [
            "type": .string(type), "status": .string(status), "lastTransitionTime": since, "reason": .string(reason),
            "message": .string(message),
        ]
        if let index { conditions[index] = condition } else { conditions.append(condition) }
        definition["status"]["conditions"] = .array(conditions)
    }

    static func remove(_ type: String, in definition: inout Value) {
        definition["status"]["conditions"] = .array(definition[path: "status", "conditions"].elements.filter { $0["type"].string != type })
    }
}
