import APIModel
import FileSystem
import Logging
import Synchronization

/// Whether containers get processors of their own.
public enum CPUPolicy: String, CaseIterable, Sendable { case none, `static` }

/// Gives containers processors of their own, keeps which over a restart, and moves the others off them. Safe from any task. Upstream:
/// `cm/cpumanager`.
final class CPUManager: Sendable {
    private let policy: CPUPolicy
    private let file: ManagerState
    private let state: Mutex<CPUAssignments>
    /// Set when others have them than before.
    private let moved = Wakeup()

    /// - Parameter configuration: of which there is no `problem`.
    init(_ configuration: KubeletConfiguration, topology: CPUTopology, disk: BlockingWork) {
        policy = configuration.cpuPolicy
        file = ManagerState("CPU", path: configuration.rootDirectory + "/cpu_manager_state", policy: policy.rawValue, disk: disk)
        let named = CPUSet(configuration.reservedCPUs) ?? CPUSet()
        let packed = try? CPUPacking.take(Self.reservedCount(configuration), of: topology.all, topology)
        state = Mutex(CPUAssignments(topology: topology, reserved: named.isEmpty ? packed ?? CPUSet() : named))
    }

    /// How many processors are set aside, part of one being one.
    private static func reservedCount(_ configuration: KubeletConfiguration) -> Int {
        let milli = [configuration.kubeReserved, configuration.systemReserved].reduce(Whole(0)) { sum, reserved in
            sum + (reserved["cpu"].flatMap { try? Quantity($0) }?.milliValue ?? 0)
        }
        return Int((milli + 999) / 1000)
    }

    /// Why there cannot be such a kubelet on this machine; `nil` when there can.
    static func problem(_ configuration: KubeletConfiguration, _ topology: CPUTopology) -> String? {
        let named = CPUSet(configuration.reservedCPUs) ?? CPUSet()
        if !named.subtracting(topology.all).isEmpty {
            return "unable to reserve the required amount of CPUs: \(named.subtracting(topology.all)) of reservedSystemCPUs are not there"
        }
        guard configuration.cpuPolicy == .static else { return nil }
        let count = named.isEmpty ? reservedCount(configuration) : named.count
        if count == 0 { return "[cpumanager] the static policy requires systemreserved.cpu + kubereserved.cpu to be greater than zero" }
        if count > topology.all.count {
            return "[cpumanager] unable to reserve the required amount of CPUs (size of \(topology.all) did not equal \(count))"
        }
        return nil
    }

    /// Learns what an earlier kubelet gave away. Throws when it cannot go on from there.
    func load() async throws {
        try await file.load { (file) throws(ConfigurationError) in
            guard policy == .static else { return }
            try state.withLock { (state) throws(ConfigurationError) in try state.restore(file) }
        }
    }

    private func save() async throws { try await file.save { self.state.withLock(\.checkpoint) } }

    /// The machine's NUMA nodes.
    var nodes: NodeMask { state.withLock { NodeMask($0.topology.nodes) } }

    func hints(for container: Value, of pod: Pod) -> [TopologyHint]? {
        policy == .static ? state.withLock { $0.hints(for: container, of: pod) } : nil
    }

    func hints(for pod: Pod) -> [TopologyHint]? { policy == .static ? state.withLock { $0.hints(for: pod) } : nil }

    /// Gives a container its own if it is to have some. Throws `CPUPacking.Shortage`.
    func assign(_ container: Value, of pod: Pod, affinity: NodeMask?) async throws {
        guard policy == .static else { return }
        let isNew = try state.withLock { state throws(CPUPacking.Shortage) in
            let before = state.own[pod.uid]?[container.name]
            try state.assign(container, of: pod, affinity: affinity)
            return before != state.own[pod.uid]?[container.name]
        }
        guard isNew else { return }
        moved.set()
        try await save()
    }

    /// What a container is to run on; `nil` where that is not looked after.
    func cpus(of container: String, in pod: String) -> CPUSet? {
        policy == .static ? state.withLock { $0.own[pod]?[container] ?? $0.shared } : nil
    }

    /// What can become somebody's own, and what is a container's; nothing where that is not looked after.
    var allocatable: CPUSet { policy == .static ? state.withLock { $0.topology.all.subtracting($0.reserved) } : CPUSet() }
    func own(of container: String, in pod: String) -> CPUSet { state.withLock { $0.own[pod]?[container] ?? CPUSet() } }

    /// Whether a container has processors of its own.
    func hasOwn(_ container: String, in pod: String) -> Bool { state.withLock { $0.own[pod]?[container] != nil } }
    func hasOwn(_ pod: String) -> Bool { state.withLock { $0.own[pod] != nil } }

    func release(_ uid: String) { if state.withLock({ $0.release(uid) }) { moved.set() } }

    /// Only these pods are there still.
    func keep(_ isThere: (_ uid: String) -> Bool) {
        for uid in state.withLock({ Array($0.own.keys) }) where !isThere(uid) { release(uid) }
    }

    /// Why other resources of a pod that runs cannot be had, by upstream's words.
    func resizeProblem(_ old: Pod, _ new: Pod) -> String? {
        guard policy == .static, QualityOfService(of: new) == .guaranteed else { return nil }
        func asked(_ pod: Pod) -> [Whole?] {
            (pod.containers + pod.initContainers).map { $0[path: "resources", "requests", "cpu"].quantity?.milliValue }
        }
        return asked(old) == asked(new)
            ? nil : "Resize is infeasible for Guaranteed Pods alongside CPU Manager policy \"\(CPUPolicy.static.rawValue)\""
    }

    /// Sees to it that what runs does so where it should, until cancelled: at once when that is elsewhere, and every so many seconds.
    /// - Parameters:
    ///   - running: pods and names of containers that run, by id.
    ///   - move: makes a container run on those.
    func run(
        every seconds: Whole, running: () async -> [String: (pod: String, container: String)],
        move: (_ id: String, _ cpus: CPUSet) async -> Bool
    ) async {
        guard policy == .static else { return }
        var applied: [String: CPUSet] = [:]
        while !Task.isCancelled {
            let running = await running()
            applied = applied.filter { running[$0.key] != nil }
            for (id, container) in running {
                // Asked last: others may have got some while another was moved.
                guard let cpus = cpus(of: container.container, in: container.pod), applied[id] != cpus else { continue }
                if await move(id, cpus) { applied[id] = cpus }
            }
            try? await save()
            await moved.wait(until: .now + .seconds(seconds))
        }
    }
}
