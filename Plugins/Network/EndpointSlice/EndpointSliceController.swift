public import APIModel
public import PluginKit

/// Lists the Pods behind each Service in EndpointSlices.
///
/// Rules: upstream `pkg/controller/endpointslice` and `staging/src/k8s.io/endpointslice`.
public struct EndpointSliceController: Controller {
    private static let resource = GroupVersionResource.endpointSlices
    private static let manager = "endpointslice-controller.k8s.io"
    private static let perSlice = 100

    private let objects: Objects

    public init(_ host: Host, config: Value) { objects = host.objects }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard let service = try objects.get(.services, namespace: key.namespace, name: key.name),
            service["metadata"]["deletionTimestamp"].isNull,
            !service["spec"]["selector"].isEmpty, service["spec"]["type"].string != "ExternalName"
        else { return .done }
        let selector = "kubernetes.io/service-name=\(key.name),endpointslice.kubernetes.io/managed-by=\(Self.manager)"
        let existing = try objects.list(Self.resource, namespace: key.namespace, selector: selector).filter {
            OwnerReference.isControlled($0, by: service)
        }

        let (groups, isWhole) = try wanted(service)
        let families = ServicePods.families(of: service)
        // What is of a family that the Service had goes.
        let foreign = existing.filter { slice in !families.contains { $0.rawValue == slice["addressType"].string } }
        let changes = families.flatMap { family in
            SlicePlan.changes(
                from: existing.filter { $0["addressType"].string == family.rawValue }, to: groups[family] ?? [], family,
                labels: labels(service), perSlice: Self.perSlice)
        }
        let gone = foreign.map { SlicePlan.Change.delete(name: $0["metadata"]["name"].string ?? "") }
        for change in gone + changes {
            do {
                switch change {
                case .create(let content):
                    var slice = content
                    slice["apiVersion"] = "discovery.k8s.io/v1"
                    slice["kind"] = "EndpointSlice"
                    slice["metadata"]["generateName"] = .string("\(key.name)-")
                    slice["metadata"]["namespace"] = .string(key.namespace)
                    slice["metadata"]["ownerReferences"] = [OwnerReference.controller(service)]
                    try objects.create(Self.resource, namespace: key.namespace, slice)
                case .update(let slice): try objects.update(Self.resource, slice)
                case .delete(let name): try objects.delete(Self.resource, namespace: key.namespace, name: name)
                }
            } catch let error as APIError where error.reason == .notFound {
                return .retry
            } catch let error as APIError
                where error.details["causes"].elements.contains(where: { $0["reason"].string == "NamespaceTerminating" })
            {
                return .done
            }
        }
        return isWhole ? .done : .retry
    }

    /// A Node that came into another zone: the Services in the namespaces of its Pods.
    public func map(resource: String, before: Value, after: Value) -> [Key] {
        guard before["metadata"]["labels"][EndpointTopology.zoneLabel] != after["metadata"]["labels"][EndpointTopology.zoneLabel],
            let name = after["metadata"]["name"].string, let pods = try? objects.list(.pods, fields: "spec.nodeName=\(name)")
        else { return [] }
        return Set(pods.map { $0["metadata"]["namespace"].string ?? "" }).flatMap { namespace in
            ((try? objects.list(.services, namespace: namespace)) ?? []).map { Key($0, of: GroupVersionResource.services.description) }
        }
    }

    /// The endpoints of each family by the ports they have: Pods that resolve a named port differently stand in different slices. Not the whole when a Pod
    /// is on a Node that is not there: it is left out until the Node is, unless the Service publishes whatever there is.
    private func wanted(_ service: Value) throws -> (groups: [IPFamily: [SlicePlan.Group]], isWhole: Bool) {
        let families = ServicePods.families(of: service)
        var groups: [IPFamily: [Value: [Value]]] = [:]
        var isWhole = true
        var topology = EndpointTopology(of: service, objects)
        let publishesAll = service["spec"]["publishNotReadyAddresses"].bool == true
        for pod in try ServicePods.pods(of: service, objects) {
            let nodeName = pod["spec"]["nodeName"].string ?? ""
            if try !publishesAll && topology.node(nodeName) == nil {
                isWhole = false
                continue
            }
            let ports = service["spec"]["ports"].elements.compactMap { port -> Value? in
                guard let number = ServicePods.targetPort(port, of: pod) else { return nil }
                return [
                    "name": port["name"].isNull ? "" : port["name"], "protocol": port["protocol"].isNull ? "TCP" : port["protocol"],
                    "port": .int(number),
                    "appProtocol": port["appProtocol"],
                ]
            }
            let isReady = PodState.isReady(pod)
            let isTerminating = !pod["metadata"]["deletionTimestamp"].isNull
            var endpoint: Value = [
                "conditions": [
                    "ready": .bool(publishesAll || isReady && !isTerminating), "serving": .bool(isReady),
                    "terminating": .bool(isTerminating),
                ],
                "nodeName": pod["spec"]["nodeName"], "targetRef": ServicePods.reference(to: pod),
            ]
            if !pod["spec"]["hostname"].isEmpty, pod["spec"]["subdomain"] == service["metadata"]["name"] {
                endpoint["hostname"] = pod["spec"]["hostname"]
            }
            try topology.place(&endpoint, on: nodeName)
            for family in families {
                let addresses = ServicePods.addresses(of: pod, family)
                guard !addresses.isEmpty else { continue }
                endpoint["addresses"] = Value(addresses)
                groups[family, default: [:]][.array(ports), default: []].append(endpoint)
            }
        }
        return (groups.mapValues { byPorts in byPorts.map { SlicePlan.Group(ports: $0.key, endpoints: $0.value) } }, isWhole)
    }

    private func labels(_ service: Value) -> Value {
        var labels = service["metadata"]["labels"].isNull ? .emptyObject : service["metadata"]["labels"]
        labels["kubernetes.io/service-name"] = service["metadata"]["name"]
        labels["endpointslice.kubernetes.io/managed-by"] = .string(Self.manager)
        labels["service.kubernetes.io/headless"] = service["spec"]["clusterIP"].string == "None" ? "" : .null
        return labels
    }
}
