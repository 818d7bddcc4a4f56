import APIModel
import OrderedCollections

/// What `metadata.generation` counts.
extension Storage {
    /// The kinds that have one, beside the custom ones.
    static let countingGenerations = words(
        """
        /pods /replicationcontrollers apps/deployments apps/daemonsets apps/replicasets apps/statefulsets batch/jobs batch/cronjobs
        networking.k8s.io/ingresses networking.k8s.io/networkpolicies networking.k8s.io/ingressclasses policy/poddisruptionbudgets
        apiextensions.k8s.io/customresourcedefinitions flowcontrol.apiserver.k8s.io/flowschemas flowcontrol.apiserver.k8s.io/prioritylevelconfigurations
        admissionregistration.k8s.io/mutatingwebhookconfigurations admissionregistration.k8s.io/validatingwebhookconfigurations
        admissionregistration.k8s.io/validatingadmissionpolicies admissionregistration.k8s.io/validatingadmissionpolicybindings
        admissionregistration.k8s.io/mutatingadmissionpolicies admissionregistration.k8s.io/mutatingadmissionpolicybindings
        discovery.k8s.io/endpointslices scheduling.k8s.io/priorityclasses resource.k8s.io/resourceslices storage.k8s.io/csidrivers
        plugins.apus.dev/plugins /podtemplates resource.k8s.io/deviceclasses resource.k8s.io/devicetaintrules
        """)

    /// The kind whose new objects have no generation yet.
    static func isCountedFromTheFirstChange(_ collection: String) -> Bool { collection == "storage.k8s.io/csidrivers" }

    /// What counts of the metadata, which elsewhere does not: a Deployment's annotations go into its ReplicaSets, and by their labels
    /// EndpointSlices are chosen.
    private static let countedMetadata = ["apps/deployments": "annotations", "discovery.k8s.io/endpointslices": "labels"]

    /// The subresources through which no specification changes, but for the node that a binding names.
    private static let leaveGeneration: Set = ["status", "binding"]

    /// Whether an update from `old` to `object` makes a new generation.
    func raisesGeneration(_ object: Value, old: Value, _ target: Target) -> Bool {
        guard traits.contains(.generation), !Self.leaveGeneration.contains(target.subresource) else { return false }
        if let field = Self.countedMetadata[collection], object["metadata"][field] != old["metadata"][field] { return true }
        return specification(object) != specification(old)
    }

    /// Of a custom kind whose status is not kept apart, the status is part of it.
    private func specification(_ object: Value) -> Value {
        var fields = object.fields
        let hasStatus = type.custom == nil || traits.contains(.status)
        for name in ["metadata", "kind", "apiVersion"] + (hasStatus ? ["status"] : []) { fields.removeValue(forKey: name) }
        return .object(fields)
    }
}
