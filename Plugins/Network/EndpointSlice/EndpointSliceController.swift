public import APIModel
public import PluginKit
internal import Synchronization

/// Lists the Pods behind each Service in EndpointSlices.
///
/// Rules: upstream `pkg/controller/endpointslice` and `staging/src/k8s.io/endpointslice`.
public final class EndpointSliceController: Controller {
    private static let resource = GroupVersionResource.endpointSlices
    private static let manager = "endpointslice-controller.k8s.io"
    private static let perSlice = 100

    private let objects: Objects
    private let automatic = Mutex(Automatic())

    /// What is remembered of Services whose hints follow the zones' processors: found out again when it is lost.
    private struct Automatic {
        /// `nil` after a Node changed that counts.
        var shares: ZoneShares?
        /// Grows with each such change.
        var changes = 0
        /// The Services, and whether they had hints last time.
        var services: [Key: Bool] = [:]
    }

    public init(_ host: Host, config: Value) { objects = host.objects }

    public func reconcile(_ key: Key) throws -> Outcome {
        // Whichever Service has the name.
        let key = Key(resource: key.resource, namespace: key.namespace, name: key.name)
        guard let service = try objects.get(.services, namespace: key.namespace, name: key.name),
            !service["spec"]["selector"].isEmpty, service["spec"]["type"].string != "ExternalName"
        else {
            automatic.withLock { _ = $0.services.removeValue(forKey: key) }
            return .done
        }
        do {
            return try reconcile(service, key)
        } catch let error as APIError where error.isOfEndingNamespace {
            return .done
        } catch let error as APIError {
            sayFailed(service, key, error.message)
            throw error
        }
    }

    private func reconcile(_ service: Value, _ key: Key) throws -> Outcome {
        let selector = "kubernetes.io/service-name=\(key.name),endpointslice.kubernetes.io/managed-by=\(Self.manager)"
        // What is going already is no slice to put anything in.
        let existing = try objects.list(Self.resource, namespace: key.namespace, selector: selector).filter {
            $0["metadata"]["deletionTimestamp"].isNull
        }
        let families = ServicePods.families(of: service)
        // What is of a family that the Service had goes, and what is of another Service that had the name.
        func isOwn(_ slice: Value) -> Bool {
            OwnerReference.isControlled(slice, by: service) && families.contains { $0.rawValue == slice["addressType"].string }
        }
        let (groups, homeless) = try wanted(service)
        var changes = try families.flatMap { family in
            try self.changes(
                of: service, key, from: existing.filter { isOwn($0) && $0["addressType"].string == family.rawValue },
                to: groups[family] ?? [], family)
        }
        changes += existing.filter { !isOwn($0) }.map { .delete(name: $0["metadata"]["name"].string ?? "") }
        for change in changes {
            do {
                try write(change, of: service, key)
            } catch let error as APIError where error.reason == .notFound {
                return .retry
            }
        }
        guard let pod = homeless else { return .done }
        sayFailed(
            service, key,
            "skipping Pod \(pod["metadata"]["name"].string ?? "") for Service \(key.namespace)/\(key.name): "
                + "Node \(pod["spec"]["nodeName"].string ?? "") Not Found")
        return .retry
    }

    private func sayFailed(_ service: Value, _ key: Key, _ reason: String) {
        objects.event(
            service, .warning, reason: "FailedToUpdateEndpointSlices",
            message: "Error updating Endpoint Slices for Service \(key.namespace)/\(key.name): \(reason)")
    }

    private func write(_ change: SlicePlan.Change, of service: Value, _ key: Key) throws {
        switch change {
        case .create(let content):
            // A Service that is going gets no new ones, which the garbage collector would have to run after.
            guard service["metadata"]["deletionTimestamp"].isNull else { return }
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
    }

    private func changes(of service: Value, _ key: Key, from existing: [Value], to groups: [SlicePlan.Group], _ family: IPFamily) throws
        -> [SlicePlan.Change]
    {
        let labels = labels(service)
        func say(_ type: Objects.EventType, _ reason: String, _ message: String) {
            objects.event(service, type, reason: reason, message: "\(message), addressType: \(family.rawValue)")
        }
        func plain() -> [SlicePlan.Change] {
            SlicePlan.changes(from: existing, to: groups, family, labels: labels, perSlice: Self.perSlice)
        }
        guard EndpointTopology.isAutomatic(service) else {
            if automatic.withLock({ $0.services.removeValue(forKey: key) }) == true {
                say(.warning, "TopologyAwareHintsDisabled", "Topology Aware Hints has been disabled")
            }
            return plain()
        }
        let shares = try shares()
        do throws(TopologyHints.Refusal) {
            let changes = try TopologyHints.changes(
                from: existing, to: groups, family, labels: labels, perSlice: Self.perSlice, shares)
            if automatic.withLock({ $0.services.updateValue(true, forKey: key) }) != true {
                say(.normal, "TopologyAwareHintsEnabled", "Topology Aware Hints has been enabled")
            }
            return changes
        } catch {
            automatic.withLock { $0.services[key] = false }
            say(.warning, "TopologyAwareHintsDisabled", error.message)
            return plain()
        }
    }

    /// Looks at all Nodes only after one changed that counts.
    private func shares() throws -> ZoneShares {
        let (known, changes) = automatic.withLock { ($0.shares, $0.changes) }
        if let known { return known }
        let shares = ZoneShares(try objects.list(.nodes).compactMap { ZoneShares.Part(of: $0) })
        automatic.withLock { if $0.changes == changes { $0.shares = shares } }
        return shares
    }

    /// Of a Node that came into another zone the Services in the namespaces of its Pods; of one whose part of the processors changed those
    /// whose hints follow these.
    public func map(resource: String, before: Value, after: Value) -> [Key] { moved(before, after) + resized(before, after) }

    private func resized(_ before: Value, _ after: Value) -> [Key] {
        guard ZoneShares.Part(of: before) != ZoneShares.Part(of: after) else { return [] }
        return automatic.withLock { automatic in
            automatic.shares = nil
            automatic.changes &+= 1
            return Array(automatic.services.keys)
        }
    }

    private func moved(_ before: Value, _ after: Value) -> [Key] {
        guard !before.isNull, !after.isNull,
            before["metadata"]["labels"][NodeLabel.zone] != after["metadata"]["labels"][NodeLabel.zone],
            let name = after["metadata"]["name"].string, let pods = try? objects.list(.pods, fields: "spec.nodeName=\(name)")
        else { return [] }
        return Set(pods.map { $0["metadata"]["namespace"].string ?? "" }).flatMap { namespace in
            ((try? objects.list(.services, namespace: namespace)) ?? []).map { Key($0, of: GroupVersionResource.services.description) }
        }
    }

    /// The endpoints of each family by the ports they have: Pods that resolve a named port differently stand in different slices. A Pod on a
    /// Node that is not there is left out until the Node is, unless the Service publishes whatever there is; one of these is `homeless`.
    private func wanted(_ service: Value) throws -> (groups: [IPFamily: [SlicePlan.Group]], homeless: Value?) {
        let families = ServicePods.families(of: service)
        var groups: [IPFamily: [Value: [Value]]] = [:]
        var homeless: Value?
        var topology = EndpointTopology(of: service, objects)
        let publishesAll = service["spec"]["publishNotReadyAddresses"].bool == true
        for pod in try ServicePods.pods(of: service, objects) {
            let nodeName = pod["spec"]["nodeName"].string ?? ""
            if try !publishesAll && topology.node(nodeName) == nil {
                homeless = pod
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
        return (groups.mapValues { byPorts in byPorts.map { SlicePlan.Group(ports: $0.key, endpoints: $0.value) } }, homeless)
    }

    private func labels(_ service: Value) -> Value {
        var labels = service["metadata"]["labels"].isNull ? .emptyObject : service["metadata"]["labels"]
        labels["kubernetes.io/service-name"] = service["metadata"]["name"]
        labels["endpointslice.kubernetes.io/managed-by"] = .string(Self.manager)
        labels["service.kubernetes.io/headless"] = service["spec"]["clusterIP"].string == "None" ? "" : .null
        return labels
    }
}
