import APIModel

/// Gives the containers of a pod their devices, processors and memory, near each other as far as the policy wants that. Upstream:
/// `topologymanager.Admit`.
struct Alignment: Sendable {
    let devices: DeviceManager
    let cpus: CPUManager
    let memory: MemoryManager
    let policy: TopologyPolicy
    let scope: TopologyPolicy.Scope

    /// What was given when this throws stays until all are told to release it. Throws `TopologyPolicy.Refusal` when there is no place
    /// where all could be near.
    func allocate(_ pod: Pod) async throws {
        var place = TopologyHint.anywhere
        if policy != .none, scope == .pod {
            let wishes = devices.hints(for: pod, nodes: cpus.nodes) + [cpus.hints(for: pod)] + memory.hints(for: pod)
            place = try policy.place(for: wishes, nodes: cpus.nodes)
        }
        for container in pod.initContainers + pod.containers {
            if policy != .none, scope == .container {
                let wishes =
                    devices.hints(for: container, of: pod, nodes: cpus.nodes) + [cpus.hints(for: container, of: pod)]
                    + memory.hints(for: container, of: pod)
                place = try policy.place(for: wishes, nodes: cpus.nodes)
            }
            try await devices.allocate(container, of: pod, affinity: place.nodes?.nodes)
            try await cpus.assign(container, of: pod, affinity: place.nodes)
            try await memory.assign(container, of: pod, at: place)
        }
    }

    /// Why a pod did not get what it asks for, by upstream's words.
    static func refusal(_ error: any Error) -> PodAdmission.Refusal {
        if let error = error as? TopologyPolicy.Refusal { return .init(reason: "TopologyAffinityError", message: error.description) }
        return .init(reason: "UnexpectedAdmissionError", message: "Allocate failed due to \(error), which is unexpected")
    }
}
