internal import OrderedCollections

/// Requests and limits of a pod as a whole, of every resource that it or its containers name, as the API tells them. Upstream:
/// `resourcehelper.PodRequests`, `PodLimits`.
public struct PodTotals {
    /// core v1 PodSpec
    private let spec: Value

    public init(spec: Value) { self.spec = spec }

    /// By resource, sorted; `.null` for none.
    public var requests: Value { Self.list(total("requests").merging(overhead, uniquingKeysWith: +)) }

    /// What has no limit is left out of the sum; a limit of some is told as one.
    public var limits: Value {
        Self.list(total("limits").reduce(into: [:]) { $0[$1.key] = $1.value.isZero ? $1.value : $1.value + (overhead[$1.key] ?? .zero) })
    }

    /// Both, as core v1 ResourceRequirements.
    public var resources: Value { ["requests": requests, "limits": limits] }

    private typealias Amounts = [String: Quantity]

    private var overhead: Amounts { Self.amounts(spec["overhead"]) }

    /// What the pod itself says counts more than what its containers do.
    private func total(_ kind: String) -> Amounts {
        ofContainers(kind).merging(Self.amounts(spec[path: "resources", kind])) { $1 }
    }

    /// What the containers need together, whatever the pod itself says.
    func ofContainers(_ kind: String) -> [String: Quantity] {
        func own(_ container: Value) -> Amounts { Self.amounts(container[path: "resources", kind]) }
        // An init container needs its own beside that of the sidecars before it; afterwards all sidecars run beside the others.
        var sidecars: Amounts = [:]
        var most: Amounts = [:]
        for container in spec["initContainers"].elements {
            let together = sidecars.merging(own(container), uniquingKeysWith: +)
            most.merge(together, uniquingKeysWith: max)
            if container["restartPolicy"].string == "Always" { sidecars = together }
        }
        let running = spec["containers"].elements.reduce(sidecars) { $0.merging(own($1), uniquingKeysWith: +) }
        return running.merging(most, uniquingKeysWith: max)
    }

    private static func amounts(_ list: Value) -> Amounts { list.fields.reduce(into: [:]) { $0[$1.key] = $1.value.quantity } }

    private static func list(_ amounts: Amounts) -> Value {
        guard !amounts.isEmpty else { return .null }
        return .object(.init(uniqueKeysWithValues: amounts.sorted { $0.key < $1.key }.map { ($0.key, .string("\($0.value)")) }))
    }
}
