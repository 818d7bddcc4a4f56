/// What a pod as a whole asks for and may use: containers run together; each init container runs alone, but for those that stay
/// (`restartPolicy: Always`), which count for everything after them; what the pod says for itself as a whole takes the place of the sum.
public struct PodTotals: Sendable {
    /// What else than the specification counts.
    public struct Options: OptionSet, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// What the kubelet says a container has, where that is more.
        public static let status = Options(rawValue: 1)
        public static let overhead = Options(rawValue: 2)
    }

    public static func requests(of pod: Value, _ options: Options = []) -> ResourceList {
        PodTotals(spec: pod["spec"], status: pod["status"]).total("requests", options)
    }

    public static func limits(of pod: Value, _ options: Options = []) -> ResourceList {
        PodTotals(spec: pod["spec"], status: pod["status"]).total("limits", options)
    }

    /// Whether a pod can ask for the resource as a whole.
    static func isOfPods(_ resource: String) -> Bool { resource == "cpu" || resource == "memory" || resource.hasPrefix("hugepages-") }

    /// core v1 PodSpec
    private let spec: Value
    /// core v1 PodStatus
    private let status: Value

    public init(spec: Value, status: Value = .null) {
        self.spec = spec
        self.status = status
    }

    /// With the overhead, by resource, sorted; `.null` for none.
    public var requests: Value { Self.value(total("requests", .overhead)) }
    /// What has no limit is left out of the sum; a limit of some is told as one.
    public var limits: Value { Self.value(total("limits", .overhead)) }
    /// Both, as core v1 ResourceRequirements.
    public var resources: Value { ["requests": requests, "limits": limits] }

    private static func value(_ list: ResourceList) -> Value { list.isEmpty ? .null : list.value }

    private func total(_ list: String, _ options: Options) -> ResourceList {
        var sum = ofContainers(list, options)
        for (name, amount) in ResourceList(spec["resources"][list]).amounts where Self.isOfPods(name) { sum[name] = amount }
        guard options.contains(.overhead) else { return sum }
        // A pod without a limit has none with its overhead either.
        return sum + ResourceList(spec["overhead"]).filter { name, _ in list == "requests" || !(sum[name]?.isZero ?? true) }
    }

    /// What the containers need together, whatever the pod itself says.
    func ofContainers(_ list: String, _ options: Options = []) -> ResourceList {
        var sum = ResourceList()
        for container in spec["containers"].elements {
            sum += own(container, list, options.contains(.status) ? status["containerStatuses"] : .null)
        }
        var staying = ResourceList()
        var highest = ResourceList()
        for container in spec["initContainers"].elements {
            let isStaying = container["restartPolicy"].string == "Always"
            let own = own(container, list, isStaying && options.contains(.status) ? status["initContainerStatuses"] : .null)
            if isStaying {
                sum += own
                staying += own
                highest = highest.max(staying)
            } else {
                highest = highest.max(own + staying)
            }
        }
        return sum.max(highest)
    }

    private func own(_ container: Value, _ list: String, _ statuses: Value) -> ResourceList {
        let own = ResourceList(container["resources"][list])
        guard let told = statuses.elements.first(where: { $0["name"] == container["name"] }) else { return own }
        let actual = own.max(ResourceList(told["resources"][list]))
        return list == "requests" ? actual.max(ResourceList(told["allocatedResources"])) : actual
    }
}
