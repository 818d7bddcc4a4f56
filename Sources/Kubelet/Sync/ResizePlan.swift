import APIModel

/// Which running containers do not have the resources yet that they have been given. Worked out without doing anything. Upstream:
/// `computePodResizeAction`.
struct ResizePlan: Equatable, Sendable {
    struct Update: Equatable, Sendable {
        var id: String
        var name: String
    }

    /// What can be done while they run, those that get less first.
    var updates: [Update] = []
    /// Ids of containers whose policy wants them to start again.
    var restarts: Set<String> = []

    var isDone: Bool { updates.isEmpty && restarts.isEmpty }

    /// - Parameters:
    ///   - pod: with the resources its containers have been given.
    ///   - actual: what each running container has, by id, and the pod as `Pod.whole`; one that is missing has what it was given.
    static func compute(for pod: Pod, runtime: PodRuntime, actual: [String: Value]) -> ResizePlan {
        var plan = ResizePlan()
        var updates: [(update: Update, growth: Whole)] = []
        let whole = pod.spec["resources"]
        for container in pod.containers + pod.initContainers {
            guard let running = runtime.container(container.name), running.state == .running, let has = actual[running.id] else { continue }
            let (old, new) = (Amounts(has, within: actual[Pod.whole] ?? whole), Amounts(container["resources"], within: whole))
            let changed = ["cpu", "memory"].filter { old[$0] != new[$0] }
            if changed.isEmpty { continue }
            let policies = container["resizePolicy"].elements.filter { $0["restartPolicy"].string == "RestartContainer" }
            if policies.contains(where: { changed.contains($0["resourceName"].string ?? "") }) {
                plan.restarts.insert(running.id)
            } else {
                updates.append((Update(id: running.id, name: container.name), new.limits - old.limits))
            }
        }
        plan.updates = updates.sorted { $0.growth < $1.growth }.map(\.update)
        return plan
    }

    /// Of one container, in the kernel's units.
    private struct Amounts {
        private var values: [String: [Whole]]

        /// Without a limit of its own it has that of its pod.
        init(_ resources: Value, within whole: Value) {
            func limit(_ name: String) -> Value {
                resources[path: "limits", name].isNull ? whole[path: "limits", name] : resources[path: "limits", name]
            }
            values = Dictionary(
                uniqueKeysWithValues: ["cpu", "memory"].map { name in
                    (name, [resources[path: "requests", name], limit(name)].map { $0.quantity?.milliValue ?? 0 })
                })
        }

        subscript(_ name: String) -> [Whole] { values[name] ?? [] }
        /// Says no more than which of two is more.
        var limits: Whole { (values["cpu"]?.last ?? 0) / 2 + (values["memory"]?.last ?? 0) / 2 }
    }
}
