/// What writes to the subresources of a namespace may say. Upstream: `ValidateNamespaceStatusUpdate`, `ValidateNamespaceFinalizeUpdate`.
enum NamespaceUpdateRules {
    static func status(_ namespace: Value) -> [FieldError] {
        let isBeingDeleted = !namespace["metadata"]["deletionTimestamp"].isNull
        let wanted = isBeingDeleted ? "Terminating" : "Active"
        let phase = namespace["status"]["phase"].string ?? ""
        guard phase != wanted else { return [] }
        let message = "may only be '\(wanted)' if `deletionTimestamp` is \(isBeingDeleted ? "not empty" : "empty")"
        return [.invalid("status.Phase", .string(phase), message)]
    }

    static func finalizers(_ namespace: Value) -> [FieldError] {
        var errors: [FieldError] = []
        for (index, finalizer) in namespace["spec"]["finalizers"].elements.enumerated() {
            let path = FieldPath("spec.finalizers").index(index)
            ObjectMetaRules.finalizer(finalizer, path, path, &errors)
        }
        return errors
    }
}
