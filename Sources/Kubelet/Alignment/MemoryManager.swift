import APIModel
import FileSystem
import Synchronization

/// Whether containers get memory of their own, near each other.
public enum MemoryPolicy: String, CaseIterable, Sendable {
    case none = "None"
    case `static` = "Static"
}

/// Gives containers memory at some NUMA nodes, and keeps which over a restart. Safe from any task. Upstream: `cm/memorymanager`.
final class MemoryManager: Sendable {
    private let policy: MemoryPolicy
    private let file: ManagerState
    private let state: Mutex<MemoryAssignments>

    /// - Parameter configuration: of which there is no `problem`.
    init(_ configuration: KubeletConfiguration, topology: MemoryTopology, disk: BlockingWork) {
        policy = configuration.memoryPolicy
        file = ManagerState(
            "memory", path: configuration.rootDirectory + "/memory_manager_state", policy: policy.rawValue, disk: disk)
        state = Mutex(MemoryAssignments(topology: topology, reserved: configuration.reservedMemory))
    }

    /// Why there cannot be such a kubelet on this machine, in upstream's words; `nil` when there can.
    static func problem(_ configuration: KubeletConfiguration, _ topology: MemoryTopology, _ machine: Machine) -> String? {
        guard configuration.memoryPolicy == .static else { return nil }
        var reserved: [String: Whole] = [:]
        for (node, amounts) in configuration.reservedMemory.sorted(by: { $0.key < $1.key }) {
            if topology.nodes[node] == nil {
                return "the reserved memory configuration references a NUMA node \(node) that does not exist on this machine"
            }
            reserved.merge(amounts, uniquingKeysWith: +)
        }
        let kept = machine.setAside(configuration).filter { MemoryTopology.isKind($0.key) }
        for kind in Set(reserved.keys).union(kept.keys).sorted() {
            let (own, wanted) = (reserved[kind] ?? 0, kept[kind] ?? 0)
            if own == wanted { continue }
            func text(_ size: Whole) -> String { Quantity(value: size.int64, format: .binarySI).description }
            return
                "the total amount \"\(text(own))\" of type \"\(kind)\" is not equal to the value \"\(text(wanted))\" determined by Node Allocatable feature"
        }
        return (reserved[MemoryTopology.kind] ?? 0) > 0 ? nil : "[memorymanager] you should specify the system reserved memory"
    }

    /// Learns what an earlier kubelet gave away. Throws when it cannot go on from there.
    func load() async throws {
        try await file.load { (file) throws(ConfigurationError) in
            guard policy == .static else { return }
            try state.withLock { (state) throws(ConfigurationError) in try state.restore(file) }
        }
    }

    func hints(for container: Value, of pod: Pod) -> [[TopologyHint]] {
        policy == .static ? state.withLock { $0.hints(for: container, of: pod) } : []
    }

    func hints(for pod: Pod) -> [[TopologyHint]] { policy == .static ? state.withLock { $0.hints(for: pod) } : [] }

    /// Gives a container its own if it is to have some. Throws `MemoryAssignments.Failure`.
    func assign(_ container: Value, of pod: Pod, at place: TopologyHint) async throws {
        guard policy == .static else { return }
        let isNew = try state.withLock { state throws(MemoryAssignments.Failure) in
            let before = state.own[pod.uid]?[container.name]
            try state.assign(container, of: pod, at: place)
            return before != state.own[pod.uid]?[container.name]
        }
        if isNew { try await save() }
    }

    private func save() async throws { try await file.save { self.state.withLock(\.checkpoint) } }

    /// The NUMA nodes that a container's memory is to be of, as the kernel lists them; `nil` for any.
    func nodes(of container: String, in pod: String) -> String? {
        let blocks = own(of: container, in: pod)
        return blocks.isEmpty ? nil : CPUSet(blocks.reduce(into: Set<Int>()) { $0.formUnion($1.nodes.nodes) }).description
    }

    func own(of container: String, in pod: String) -> [MemoryAssignments.Block] { state.withLock { $0.own[pod]?[container] ?? [] } }

    /// What can become somebody's own; nothing where that is not looked after.
    var allocatable: [MemoryAssignments.Block] {
        guard policy == .static else { return [] }
        return state.withLock { state in
            state.nodes.sorted { $0.key < $1.key }.flatMap { number, node in
                node.tables.sorted { $0.key < $1.key }.filter { $0.value.allocatable > 0 }.map {
                    MemoryAssignments.Block(nodes: NodeMask([number]), kind: $0.key, size: $0.value.allocatable)
                }
            }
        }
    }

    func release(_ uid: String) { state.withLock { _ = $0.release(uid) } }

    /// Only these pods are there still.
    func keep(_ isThere: (_ uid: String) -> Bool) {
        for uid in state.withLock({ Array($0.own.keys) }) where !isThere(uid) { release(uid) }
    }

    /// Why other resources of a pod that runs cannot be had, by upstream's words.
    func resizeProblem(_ old: Pod, _ new: Pod) -> String? {
        guard policy == .static, QualityOfService(of: new) == .guaranteed else { return nil }
        func asked(_ pod: Pod) -> [Whole?] {
            (pod.containers + pod.initContainers).map { $0[path: "resources", "requests", "memory"].quantity?.milliValue }
        }
        return asked(old) == asked(new)
            ? nil : "Resize is infeasible for Guaranteed Pods alongside Memory Manager policy \"\(policy.rawValue)\""
    }
}
