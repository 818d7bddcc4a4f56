public import APIModel
public import PluginKit
internal import Synchronization

/// Says on each Node for how many seconds a kubelet may keep secrets and config maps: the longer, the more Nodes there are. Rules: upstream
/// `pkg/controller/ttl`.
public final class TTLController: Controller {
    static let annotation = "node.alpha.kubernetes.io/ttl"

    private let objects: Objects
    private let nodes = Mutex((names: Set<String>(), step: 0))

    public init(_ host: Host, config: Value) { objects = host.objects }

    public func reconcile(_ key: Key) throws -> Outcome {
        let node = try objects.get(.nodes, name: key.name)
        let seconds = nodes.withLock { nodes in
            if node == nil { nodes.names.remove(key.name) } else { nodes.names.insert(key.name) }
            nodes.step = TTLSteps.step(from: nodes.step, nodes: nodes.names.count)
            return TTLSteps.all[nodes.step].seconds
        }
        guard let node, node["metadata"]["annotations"][Self.annotation].string != seconds else { return .done }
        try objects.patch(.nodes, name: key.name, .merge, ["metadata": ["annotations": [Self.annotation: .string(seconds)]]])
        return .done
    }
}

/// From how many Nodes on, and up to how many, which time holds. The ranges overlap, so that one Node more or less does not move it.
enum TTLSteps {
    static let all: [(least: Int, most: Int, seconds: String)] = [
        (0, 100, "0"), (90, 500, "15"), (450, 1000, "30"), (900, 2000, "60"), (1800, .max, "300"),
    ]

    static func step(from step: Int, nodes: Int) -> Int {
        var step = step
        while nodes > all[step].most { step += 1 }
        while nodes < all[step].least { step -= 1 }
        return step
    }
}
