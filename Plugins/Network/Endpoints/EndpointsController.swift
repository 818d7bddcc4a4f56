public import APIModel
public import PluginKit

/// Lists the Pods behind each Service in its Endpoints object, for clients from before EndpointSlices.
///
/// Rules: upstream `pkg/controller/endpoint`.
public struct EndpointsController: Controller {
    private static let resource = GroupVersionResource(group: "", version: "v1", resource: "endpoints")
    /// The most addresses in one object, which says so when there are more.
    private static let capacity = 1000

    private let objects: Objects

    public init(_ host: Host, config: Value) { objects = host.objects }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard let service = try objects.get(.services, namespace: key.namespace, name: key.name) else {
            do { try objects.delete(Self.resource, namespace: key.namespace, name: key.name) } catch let error as APIError
                where error.reason == .notFound
            {}
            return .done
        }
        guard !service["spec"]["selector"].isEmpty, service["spec"]["type"].string != "ExternalName" else { return .done }

        let existing = try objects.get(Self.resource, namespace: key.namespace, name: key.name)
        var wanted =
            existing ?? [
                "apiVersion": "v1", "kind": "Endpoints", "metadata": ["name": .string(key.name), "namespace": .string(key.namespace)],
            ]
        let subsets = SubsetPlan.subsets(of: service, try ServicePods.pods(of: service, objects))
        let isCut = SubsetPlan.count(subsets) > Self.capacity
        wanted["subsets"] = subsets.isEmpty ? .null : .array(SubsetPlan.cut(subsets, to: Self.capacity).map(SubsetPlan.value))
        var labels = service["metadata"]["labels"].isNull ? .emptyObject : service["metadata"]["labels"]
        labels["endpoints.kubernetes.io/managed-by"] = "endpoint-controller"
        labels["service.kubernetes.io/headless"] = service["spec"]["clusterIP"].string == "None" ? "" : .null
        wanted["metadata"]["labels"] = labels
        wanted["metadata"]["annotations"]["endpoints.kubernetes.io/over-capacity"] = isCut ? "truncated" : .null
        if wanted["metadata"]["annotations"].isEmpty { wanted["metadata"]["annotations"] = .null }
        guard wanted != existing else { return .done }
        do {
            if existing == nil {
                try objects.create(Self.resource, namespace: key.namespace, wanted)
            } else {
                try objects.update(Self.resource, wanted)
            }
        } catch let error as APIError where error.isOfEndingNamespace {
            return .done
        } catch let error as APIError {
            let name = "\(key.namespace)/\(key.name): \(error.message)"
            if existing == nil {
                objects.event(
                    wanted, .warning, reason: "FailedToCreateEndpoint", message: "Failed to create endpoint for service \(name)")
            } else {
                objects.event(wanted, .warning, reason: "FailedToUpdateEndpoint", message: "Failed to update endpoint \(name)")
            }
            throw error
        }
        return .done
    }
}
