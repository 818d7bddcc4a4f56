internal import APIModel
public import PluginAPI
internal import PluginKit

/// Keeps a tenth of every Node's cpu free, and prefers the Nodes with the most free cpu.
struct Headroom: SchedulerPolicy {
    /// A Node keeps one part in so many.
    static let reserve: Int64 = 10
    /// The host calls no other: `prefilter`, `explain`, `permit`, `unreserve` and `observe` are there for the asking.
    static let slots: PolicySlots = [.filter, .score]

    private static let cpu = Int(APUS_RESOURCE_CPU)

    /// `config` is the manifest's. A field is refused before, unless it is one of `static let settings: Set = ["…"]`, of which there are
    /// none yet.
    init(_ host: Host, config: Value) {}

    /// Clears the Nodes that the Pod may not run on. One call sees them all.
    func filter(_ pod: PodNeeds, _ nodes: Nodes, _ feasible: NodeSet, _ reasons: Reasons?) {
        feasible.remove(
            "Too little cpu in reserve", .unschedulable, hints: [.nodeAdded, .nodeAllocatable, .podRemoved], reasons
        ) { node in
            free(pod, nodes, node) < nodes.allocatable(Self.cpu, node) / Self.reserve
        }
    }

    /// Gives each Node that is left from 0 to 100 points.
    func score(_ pod: PodNeeds, _ nodes: Nodes, _ feasible: NodeSet, _ points: UnsafeMutableBufferPointer<Int32>) {
        for node in feasible {
            let all = nodes.allocatable(Self.cpu, node)
            points[node] = all > 0 ? Int32(min(100, max(0, free(pod, nodes, node) * 100 / all))) : 0
        }
    }

    /// What would be free with the Pod on the Node, in thousandths of a core.
    private func free(_ pod: PodNeeds, _ nodes: Nodes, _ node: Int) -> Int64 {
        nodes.allocatable(Self.cpu, node) - nodes.requested(Self.cpu, node) - pod.request(Self.cpu)
    }
}

private let plugin = Plugin(name: "{{NAME}}", version: "0.1.0", [.schedulerPolicy("{{NAME}}", Headroom.self)])

/// The one symbol that the host looks for.
@c @implementation
public func apus_plugin_entry() -> UnsafePointer<apus_plugin> { plugin.table }
