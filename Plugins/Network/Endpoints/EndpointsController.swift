public import APIModel
public import PluginKit

/// Lists the Pods behind each Service in its Endpoints object, for clients from before EndpointSlices.
///
/// Rules: upstream `pkg/controller/endpoint`.
public struct EndpointsController: Controller {
    private static let resource = GroupVersionResource(group: "", version: "v1", resource: "endpoints")
    /// The most addresses in one object; upstream marks what had to be cut off.
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
        guard service["metadata"]["deletionTimestamp"].isNull, !service["spec"]["selector"].isEmpty,
            service["spec"]["type"].string != "ExternalName"
        else { return .done }

        let existing = try objects.get(Self.resource, namespace: key.namespace, name: key.name)
        var wanted =
            existing ?? [
                "apiVersion": "v1", "kind": "Endpoints", "metadata": ["name": .string(key.name), "namespace": .string(key.namespace)],
            ]
        let (subsets, isCut) = try self.subsets(of: service)
        wanted["subsets"] = subsets.isEmpty ? .null : .array(subsets)
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
        } catch let error as APIError
            where error.details["causes"].elements.contains(where: { $0["reason"].string == "NamespaceTerminating" })
        {
            return .done
        }
        return .done
    }

    /// One subset for each set of ports, ordered so that equal Pods give equal objects.
    private func subsets(of service: Value) throws -> (subsets: [Value], isCut: Bool) {
        var groups: [Value: (ready: [Value], notReady: [Value])] = [:]
        var count = 0
        let publishesAll = service["spec"]["publishNotReadyAddresses"].bool == true
        for pod in try ServicePods.pods(of: service, objects) where publishesAll || pod["metadata"]["deletionTimestamp"].isNull {
            guard count < Self.capacity else { return (ordered(groups), true) }
            let ports = service["spec"]["ports"].elements.compactMap { port -> Value? in
                guard let number = ServicePods.targetPort(port, of: pod) else { return nil }
                return [
                    "name": port["name"], "port": .int(number), "protocol": port["protocol"].isNull ? "TCP" : port["protocol"],
                    "appProtocol": port["appProtocol"],
                ]
            }
            // A headless Service may have no ports; any other without a port for this Pod has no endpoint there.
            if ports.isEmpty, !service["spec"]["ports"].isEmpty { continue }
            // The object knows one family: the Service's primary one.
            guard let ip = ServicePods.addresses(of: pod, ServicePods.families(of: service)[0]).first else { continue }
            var address: Value = [
                "ip": .string(ip), "nodeName": pod["spec"]["nodeName"], "targetRef": ServicePods.reference(to: pod),
            ]
            if !pod["spec"]["hostname"].isEmpty, pod["spec"]["subdomain"] == service["metadata"]["name"] {
                address["hostname"] = pod["spec"]["hostname"]
            }
            if publishesAll || PodState.isReady(pod) {
                groups[.array(ports), default: ([], [])].ready.append(address)
            } else {
                groups[.array(ports), default: ([], [])].notReady.append(address)
            }
            count += 1
        }
        return (ordered(groups), false)
    }

    private func ordered(_ groups: [Value: (ready: [Value], notReady: [Value])]) -> [Value] {
        func sorted(_ addresses: [Value]) -> Value {
            addresses.isEmpty ? .null : .array(addresses.sorted { ($0["ip"].string ?? "") < ($1["ip"].string ?? "") })
        }
        return groups.map { ports, addresses in
            [
                "addresses": sorted(addresses.ready), "notReadyAddresses": sorted(addresses.notReady),
                "ports": ports.elements.isEmpty ? .null : ports,
            ]
        }.sorted { String(decoding: JSON.encode($0["ports"]), as: UTF8.self) < String(decoding: JSON.encode($1["ports"]), as: UTF8.self) }
    }
}
