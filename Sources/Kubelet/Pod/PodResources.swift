import APIModel

/// What a pod as a whole asks for, from its own resources, or else its containers'. Upstream: `component-helpers/resource`,
/// `cm/helpers_linux.go`. Amounts that a Pod's owner may choose as large as numbers go end at the largest.
struct PodResources: Equatable, Sendable {
    /// In thousandths.
    var cpuRequest: Whole = 0
    /// In bytes.
    var memoryRequest: Whole = 0
    /// `nil` is no limit.
    var cpuLimit: Whole?
    var memoryLimit: Whole?

    init(of pod: Pod) {
        let overhead = pod.spec["overhead"]
        let amounts = { (resource: String, unit: KeyPath<Quantity, Whole>) -> (request: Whole, limit: Whole?) in
            let extra = overhead[resource].quantity?[keyPath: unit] ?? 0
            let own = pod.spec["resources"]
            let limit = own[path: "limits", resource].quantity?[keyPath: unit] ?? Self.sum(pod, resource, unit) { $0.limit }
            let request = own[path: "requests", resource].quantity?[keyPath: unit] ?? Self.sum(pod, resource, unit) { $0.request } ?? 0
            return (request + extra, limit.flatMap { $0 == 0 ? nil : $0 + extra })
        }
        (cpuRequest, cpuLimit) = amounts("cpu", \.milliValue)
        (memoryRequest, memoryLimit) = amounts("memory", \.value)
    }

    private struct Amount {
        var request: Whole?
        /// `nil` for no limit.
        var limit: Whole?
    }

    /// All that run together, or the init container that needs most, with the sidecars started before it. `nil` when one has no amount.
    private static func sum(_ pod: Pod, _ resource: String, _ unit: KeyPath<Quantity, Whole>, _ pick: (Amount) -> Whole?) -> Whole? {
        func amount(_ container: Value) -> Whole? {
            let limit = container[path: "resources", "limits", resource].quantity?[keyPath: unit]
            let request = container[path: "resources", "requests", resource].quantity?[keyPath: unit]
            return pick(Amount(request: request ?? limit ?? 0, limit: limit))
        }
        var sidecars: Whole? = 0
        var most: Whole? = 0
        for container in pod.initContainers {
            let own = amount(container)
            let together = sidecars.flatMap { running in own.map { running + $0 } }
            most = most.flatMap { most in together.map { max(most, $0) } }
            if container.isSidecar { sidecars = together }
        }
        let running = pod.containers.reduce(sidecars) { sum, container in
            sum.flatMap { sum in amount(container).map { sum + $0 } }
        }
        return most.flatMap { most in running.map { max(most, $0) } }
    }

}
