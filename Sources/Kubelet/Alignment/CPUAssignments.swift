import APIModel
import FileSystem
import OrderedCollections

/// Which containers have processors of their own, and what is left for the others. A value: what upstream's static policy decides.
/// Upstream: `cpumanager/policy_static.go`.
struct CPUAssignments: Equatable, Sendable {
    let topology: CPUTopology
    /// Nobody's own.
    let reserved: CPUSet
    /// By pod and container.
    private(set) var own: [String: [String: CPUSet]] = [:]

    init(topology: CPUTopology, reserved: CPUSet) { (self.topology, self.reserved) = (topology, reserved) }

    /// What containers without processors of their own run on.
    var shared: CPUSet { own.values.reduce(topology.all) { $1.values.reduce($0) { $0.subtracting($1) } } }
    /// What can become somebody's own.
    var available: CPUSet { shared.subtracting(reserved) }

    /// How many of its own a container gets: as many as it asks for, if it is promised all it may have, and that is a whole number.
    static func count(for container: Value, of pod: Pod) -> Int {
        guard QualityOfService(of: pod) == .guaranteed, pod.spec["resources"].isEmpty,
            let quantity = container[path: "resources", "requests", "cpu"].quantity, quantity.milliValue % 1000 == 0
        else { return 0 }
        return Int(quantity.value)
    }

    /// What a container may have because an init container of its pod has it, which is over before.
    private func reusable(_ name: String, of pod: Pod) -> CPUSet {
        let all = own[pod.uid] ?? [:]
        func cpus(_ containers: some Sequence<Value>) -> CPUSet {
            containers.reduce(CPUSet()) { $1.name == name ? $0 : $0.union(all[$1.name] ?? CPUSet()) }
        }
        let before = pod.initContainers.prefix { $0.name != name }
        return cpus(before.filter { !$0.isSidecar }).subtracting(cpus(pod.initContainers.filter(\.isSidecar) + pod.containers))
    }

    /// Gives a container its own. What it has, it keeps.
    /// - Parameter affinity: the NUMA nodes they should be of; `nil` where that is all the same.
    mutating func assign(_ container: Value, of pod: Pod, affinity: NodeMask?) throws(CPUPacking.Shortage) {
        let count = Self.count(for: container, of: pod)
        guard count > 0, own[pod.uid]?[container.name] == nil else { return }
        let free = available.union(reusable(container.name, of: pod))
        var taken = CPUSet()
        if let nodes = affinity?.nodes {
            let near = free.intersection(topology.cpus { nodes.contains($0.node) })
            taken = try CPUPacking.take(min(count, near.count), of: near, topology)
        }
        let rest = try CPUPacking.take(count - taken.count, of: free.subtracting(taken), topology)
        own[pod.uid, default: [:]][container.name] = taken.union(rest)
    }

    /// Where a container could get its own; `nil` when it gets none.
    func hints(for container: Value, of pod: Pod) -> [TopologyHint]? {
        let count = Self.count(for: container, of: pod)
        guard count > 0 else { return nil }
        if let had = own[pod.uid]?[container.name] { return had.count == count ? hints(count, had, CPUSet()) : [] }
        return hints(count, available, reusable(container.name, of: pod))
    }

    /// The same for all containers of a pod together.
    func hints(for pod: Pod) -> [TopologyHint]? {
        var (sidecars, first) = (0, 0)
        for container in pod.initContainers {
            let count = Self.count(for: container, of: pod)
            if container.isSidecar { sidecars += count } else { first = max(first, sidecars + count) }
        }
        let count = max(first, sidecars + pod.containers.reduce(0) { $0 + Self.count(for: $1, of: pod) })
        guard count > 0 else { return nil }
        if let had = own[pod.uid]?.values.reduce(CPUSet(), { $0.union($1) }) {
            return had.count == count ? hints(count, had, CPUSet()) : []
        }
        return hints(count, available, CPUSet())
    }

    private func hints(_ count: Int, _ available: CPUSet, _ required: CPUSet) -> [TopologyHint] {
        func nodes(_ cpus: CPUSet) -> [Set<Int>] { cpus.ids.compactMap { topology.places[$0].map { [$0.node] } } }
        return TopologyHint.hints(
            for: count, nodes: NodeMask(topology.nodes), all: nodes(topology.all), available: nodes(available.subtracting(required)),
            required: nodes(required))
    }

    /// Returns whether it had any.
    mutating func release(_ pod: String) -> Bool { own.removeValue(forKey: pod) != nil }

    // MARK: Over a restart

    /// As upstream's `cpu_manager_state`, but for its checksum.
    var checkpoint: [UInt8] {
        var entries = Value.emptyObject
        for (pod, containers) in own.sorted(by: { $0.key < $1.key }) {
            entries[pod] = Value(containers.mapValues(\.description))
        }
        return JSON.encode([
            "policyName": .string(CPUPolicy.static.rawValue), "defaultCpuSet": .string(shared.description), "entries": entries,
        ])
    }

    /// Takes over what an earlier kubelet gave away. Throws when that does not go with what there is.
    mutating func restore(_ file: Value) throws(ConfigurationError) {
        guard let text = file["defaultCpuSet"].string, let shared = CPUSet(text) else {
            throw ConfigurationError(message: "it holds no defaultCpuSet")
        }
        var known = shared
        for (pod, containers) in file["entries"].fields {
            for (container, text) in containers.fields {
                guard let cpus = text.string.flatMap(CPUSet.init) else {
                    throw ConfigurationError(message: "pod: \(pod), container: \(container) has no cpuset")
                }
                if !cpus.intersection(shared).isEmpty {
                    throw ConfigurationError(
                        message: "pod: \(pod), container: \(container) cpuset: \"\(cpus)\" overlaps with default cpuset \"\(shared)\"")
                }
                known = known.union(cpus)
                own[pod, default: [:]][container] = cpus
            }
        }
        if reserved.intersection(shared) != reserved {
            throw ConfigurationError(message: "not all reserved cpus: \"\(reserved)\" are present in defaultCpuSet: \"\(shared)\"")
        }
        if known != topology.all {
            throw ConfigurationError(
                message: "current set of available CPUs \"\(topology.all)\" doesn't match with CPUs in state \"\(known)\"")
        }
    }
}
