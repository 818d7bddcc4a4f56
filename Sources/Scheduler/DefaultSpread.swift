internal import APIModel

/// Whom a Pod without spread constraints of its own is spread from: the Pods of its Services and of its controller, as upstream has
/// it. Kept up to date with every change of those. Used by the scheduling thread only.
struct DefaultSpread {
    static let services = GroupVersionResource.services
    static let controllers = [
        GroupVersionResource(group: "", version: "v1", resource: "replicationcontrollers"),
        GroupVersionResource(group: "apps", version: "v1", resource: "replicasets"),
        GroupVersionResource(group: "apps", version: "v1", resource: "statefulsets"),
    ]
    static let resources = [services] + controllers

    private struct Label: Hashable {
        let namespace: String
        let key: String
        let value: String
    }
    struct Owner: Hashable {
        let namespace: String
        let kind: String
        let name: String
    }
    /// By one of the labels that a Service selects.
    private var servicesByLabel: [Label: [String: [String: String]]] = [:]
    private var selectors: [Owner: Value] = [:]
    /// Grows with every change.
    private var generation: UInt64 = 0

    /// Takes an object of one of `resources` over; `nil` for one that went.
    mutating func put(_ resource: GroupVersionResource, before: Object?, after: Object?) {
        generation += 1
        if resource == Self.services {
            if let before, let label = Self.label(before) { servicesByLabel[label]?[before.name] = nil }
            if let after, let label = Self.label(after) {
                servicesByLabel[label, default: [:]][after.name] = after.value["spec"]["selector"].strings
            }
        } else if let object = after ?? before {
            let owner = Owner(namespace: object.namespace, kind: Self.kind(resource), name: object.name)
            selectors[owner] = after.map {
                resource.group.isEmpty ? ["matchLabels": $0.value["spec"]["selector"]] : $0.value["spec"]["selector"]
            }
        }
    }

    /// What was found out for a template's Pods last.
    struct Found {
        fileprivate let generation: UInt64
        fileprivate let owner: Owner
        fileprivate let selector: Value?
    }

    /// A LabelSelector that means the Pods of the same Services and controller; `nil` for a Pod of neither, and for one that says itself whom it is spread from.
    func selector(_ pod: PodInfo) -> Value? {
        if servicesByLabel.isEmpty && selectors.isEmpty { return nil }
        let controller = pod.object.controllerReference
        let owner = Owner(
            namespace: pod.key.namespace, kind: controller["kind"].string ?? "", name: controller["name"].string ?? "")
        if let known = pod.template.spreadFrom, known.generation == generation, known.owner == owner { return known.selector }
        let found = find(pod, owner)
        pod.template.spreadFrom = Found(generation: generation, owner: owner, selector: found)
        return found
    }

    private func find(_ pod: PodInfo, _ owner: Owner) -> Value? {
        guard pod.object.value["spec"]["topologySpreadConstraints"].elements.isEmpty else { return nil }
        var labels: [String: String] = [:]
        let own = pod.template.classKey.labels
        for (key, value) in own {
            for service in servicesByLabel[Label(namespace: owner.namespace, key: key, value: value)]?.values ?? [:].values
            where service.allSatisfy({ own[$0.key] == $0.value }) {
                labels.merge(service) { $1 }
            }
        }
        let selector = selectors[owner] ?? .null
        labels.merge(selector["matchLabels"].strings) { $1 }
        guard !labels.isEmpty || !selector["matchExpressions"].elements.isEmpty else { return nil }
        return ["matchLabels": Value(labels), "matchExpressions": selector["matchExpressions"]]
    }

    private static func label(_ service: Object) -> Label? {
        service.value["spec"]["selector"].strings.min { $0.key < $1.key }.map {
            Label(namespace: service.namespace, key: $0.key, value: $0.value)
        }
    }

    private static func kind(_ resource: GroupVersionResource) -> String {
        ["replicationcontrollers": "ReplicationController", "replicasets": "ReplicaSet", "statefulsets": "StatefulSet"][resource.resource]
            ?? ""
    }
}
