public import APIModel
public import PluginKit

/// Shows what somebody wrote into an Endpoints object in EndpointSlices, for Services without a selector: proxies read slices alone.
///
/// Rules: upstream `pkg/controller/endpointslicemirroring`.
public struct EndpointSliceMirroringController: Controller {
    private static let resource = GroupVersionResource(group: "", version: "v1", resource: "endpoints")
    static let manager = "endpointslicemirroring-controller.k8s.io"

    private let objects: Objects

    public init(_ host: Host, config: Value) { objects = host.objects }

    public func reconcile(_ key: Key) throws -> Outcome {
        let selector = "kubernetes.io/service-name=\(key.name),endpointslice.kubernetes.io/managed-by=\(Self.manager)"
        let existing = try objects.list(.endpointSlices, namespace: key.namespace, selector: selector)
        guard let endpoints = try objects.get(Self.resource, namespace: key.namespace, name: key.name), try isMirrored(endpoints, key)
        else {
            for slice in existing { try delete(slice, key) }
            return .done
        }
        let mirror = Mirror(of: endpoints)
        if mirror.skipped > 0 {
            objects.event(
                endpoints, .warning, reason: "TooManyAddressesToMirror",
                message:
                    "A max of \(Mirror.capacity) addresses can be mirrored to EndpointSlices per Endpoints subset. \(mirror.skipped) addresses were skipped"
            )
        }
        do {
            for change in mirror.changes(from: existing) {
                switch change {
                // One that is going gets no new ones.
                case .create(let slice):
                    guard endpoints["metadata"]["deletionTimestamp"].isNull else { continue }
                    try objects.create(.endpointSlices, namespace: key.namespace, slice)
                case .update(let slice): try objects.update(.endpointSlices, slice)
                case .delete(let slice): try delete(slice, key)
                }
            }
        } catch let error as APIError where error.isOfEndingNamespace {
            return .done
        }
        return .done
    }

    /// Whether nobody else makes slices of it: another controller where the Service has a selector, or whoever says so by a label. An object
    /// that leaders are elected by has no endpoints at all.
    private func isMirrored(_ endpoints: Value, _ key: Key) throws -> Bool {
        let metadata = endpoints["metadata"]
        guard metadata["labels"]["endpointslice.kubernetes.io/skip-mirror"].string != "true",
            metadata["annotations"]["control-plane.alpha.kubernetes.io/leader"].isNull,
            let service = try objects.get(.services, namespace: key.namespace, name: key.name)
        else { return false }
        return service["spec"]["selector"].isEmpty
    }

    private func delete(_ slice: Value, _ key: Key) throws {
        do {
            try objects.delete(.endpointSlices, namespace: key.namespace, name: slice["metadata"]["name"].string ?? "")
        } catch let error as APIError where error.reason == .notFound {}
    }
}
