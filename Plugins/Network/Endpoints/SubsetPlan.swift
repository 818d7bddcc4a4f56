internal import APIModel
internal import PluginKit

/// The subsets of a Service's Endpoints object, ordered so that equal Pods give equal objects.
///
/// Rules: upstream `pkg/controller/endpoint`.
enum SubsetPlan {
    /// - Parameter pods: those that have an address and have not ended.
    static func subsets(of service: Value, _ pods: [Value]) -> [EndpointSubset] {
        let publishesAll = service["spec"]["publishNotReadyAddresses"].bool == true
        // The object knows one family: the Service's primary one.
        let family = ServicePods.families(of: service)[0]
        let each = pods.compactMap { pod -> EndpointSubset? in
            guard publishesAll || pod["metadata"]["deletionTimestamp"].isNull, let ip = ServicePods.addresses(of: pod, family).first else {
                return nil
            }
            let ports = service["spec"]["ports"].elements.compactMap { port in
                ServicePods.targetPort(port, of: pod).map { number -> Value in
                    [
                        "name": port["name"], "port": .int(number), "protocol": port["protocol"].isNull ? "TCP" : port["protocol"],
                        "appProtocol": port["appProtocol"],
                    ]
                }
            }
            // A headless Service may have no ports; any other without a port for this Pod has no endpoint there.
            if ports.isEmpty, !service["spec"]["ports"].isEmpty { return nil }
            var address: Value = [
                "ip": .string(ip), "nodeName": pod["spec"]["nodeName"], "targetRef": ServicePods.reference(to: pod),
            ]
            if !pod["spec"]["hostname"].isEmpty, pod["spec"]["subdomain"] == service["metadata"]["name"] {
                address["hostname"] = pod["spec"]["hostname"]
            }
            return EndpointSubset(ports: ports, addresses: [(address, publishesAll || PodState.isReady(pod))])
        }
        let sorted = EndpointSubset.repacked(each).map { subset in
            EndpointSubset(ports: subset.ports.sorted { text([$0]) < text([$1]) }, addresses: subset.addresses)
        }
        return sorted.sorted { text($0.ports) < text($1.ports) }
    }

    private static func text(_ ports: [Value]) -> String { String(decoding: JSON.encode(.array(ports)), as: UTF8.self) }

    static func count(_ subsets: [EndpointSubset]) -> Int { subsets.reduce(0) { $0 + $1.addresses.count } }

    /// Leaves so many addresses: those that are not ready go first, of each subset as large a part as of the others.
    static func cut(_ subsets: [EndpointSubset], to capacity: Int) -> [EndpointSubset] {
        guard count(subsets) > capacity else { return subsets }
        let ready = subsets.reduce(0) { $0 + $1.addresses.count(where: \.isReady) }
        let cutsReady = ready > capacity
        let (all, room) = cutsReady ? (ready, capacity) : (count(subsets) - ready, capacity - ready)
        var left = room
        return subsets.map { subset in
            let parts = (subset.addresses.filter(\.isReady), subset.addresses.filter { !$0.isReady })
            let part = cutsReady ? parts.0 : parts.1
            let share = min(left, Int((Double(part.count) / Double(all) * Double(room)).rounded(.up)))
            let kept = part.prefix(share)
            left -= kept.count
            return EndpointSubset(ports: subset.ports, addresses: cutsReady ? Array(kept) : parts.0 + kept)
        }
    }

    /// As it stands in the object.
    static func value(_ subset: EndpointSubset) -> Value {
        func list(_ isReady: Bool) -> Value {
            let addresses = subset.addresses.filter { $0.isReady == isReady }.map(\.address)
            return addresses.isEmpty ? .null : .array(addresses)
        }
        return ["addresses": list(true), "notReadyAddresses": list(false), "ports": subset.ports.isEmpty ? .null : .array(subset.ports)]
    }
}
