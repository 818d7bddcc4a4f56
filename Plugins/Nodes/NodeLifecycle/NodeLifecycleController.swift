public import APIModel
public import PluginKit
internal import Synchronization

/// Notices Nodes that went silent, and taints Nodes by their conditions: those that are not ready so that their Pods go, as fast as
/// `ZoneBrakes` let it.
///
/// Rules: upstream `pkg/controller/nodelifecycle`. Configuration, by the names of upstream's flags:
/// - `nodeMonitorGracePeriodSeconds`, how long a Node may be silent, 50 where it is not given, and `nodeStartupGracePeriodSeconds`, how
///   long one that has never said anything, 60;
/// - `nodeMonitorPeriodSeconds`, how often one that is not ready is looked at, 5;
/// - `nodeEvictionRate`, `secondaryNodeEvictionRate`, `largeClusterSizeThreshold`, `unhealthyZoneThreshold`: the brakes.
public final class NodeLifecycleController: Controller {
    private struct State {
        var health = NodeHealth()
        /// `nil` until all Nodes have been counted.
        var brakes: ZoneBrakes?
    }

    private let objects: Objects
    private let settings: Settings
    private let state = Mutex(State())
    /// Of the clock that nobody sets, and that stands while the machine sleeps: then nobody can be heard.
    private let start = SuspendingClock.now

    public static let settings = Settings.names

    public init(_ host: Host, config: Value) throws {
        objects = host.objects
        settings = try Settings(config)
    }

    public func reconcile(_ key: Key) throws -> Outcome {
        try countAll()
        guard let node = try objects.get(.nodes, name: key.name) else {
            note([(key.name, nil)])
            if let gone = state.withLock({ $0.health.forget(key.name) }) {
                event(gone, "RemovingNode", "Removing Node \(key.name) from Controller")
            }
            return .done
        }
        let lease = try objects.get(.leases, namespace: "kube-node-lease", name: key.name) ?? .null
        let ready = PodState.condition(node, "Ready")
        let age = node["metadata"]["creationTimestamp"].time.map { max(0, Timestamp.nowSeconds() - $0) } ?? 0
        let (silence, isNew) = state.withLock {
            $0.health.note(node, ready: ready, renewTime: lease["spec"]["renewTime"].string, age: age, now: milliseconds / 1000)
        }
        if isNew { event(node, "RegisteredNode", "Registered Node \(key.name) in Controller") }
        let grace = ready.isNull ? settings.startupGrace : settings.grace
        let current = silence > grace ? try markUnknown(node) : node
        note([(key.name, Self.member(current))])
        let wait = try settleTaints(current)
        let labels = NodeLabels.missing(node["metadata"]["labels"])
        if !labels.isNull { try objects.patch(.nodes, name: key.name, .merge, ["metadata": ["labels": labels]]) }
        let isReady = PodState.isReady(current)
        return .doneCheckAgain(
            afterMilliseconds: isReady ? (max(0, grace - silence) + 1) * 1000 : min(wait ?? .max, settings.period * 1000))
    }

    // MARK: Zones

    /// Before anything is decided about one Node, all have been counted: one that is not ready says nothing as long as it is the only one.
    private func countAll() throws {
        guard state.withLock({ $0.brakes == nil }) else { return }
        let nodes = try objects.list(.nodes).map {
            (name: $0["metadata"]["name"].string ?? "", member: Self.member($0) as ZoneBrakes.Member?)
        }
        state.withLock { state in
            guard state.brakes == nil else { return }
            var brakes = ZoneBrakes(settings.limits)
            _ = brakes.note(nodes, now: milliseconds)
            state.brakes = brakes
        }
    }

    private func note(_ nodes: [(name: String, member: ZoneBrakes.Member?)]) {
        state.withLock { state in
            if state.brakes?.note(nodes, now: milliseconds) == true { state.health.startAnew(now: milliseconds / 1000) }
        }
    }

    static func member(_ node: Value) -> ZoneBrakes.Member {
        let labels = node["metadata"]["labels"]
        func label(_ older: String, _ name: String) -> String { (labels[older].isNull ? labels[name] : labels[older]).string ?? "" }
        let region = label(NodeLabel.olderRegion, NodeLabel.region)
        let zone = label(NodeLabel.olderZone, NodeLabel.zone)
        return ZoneBrakes.Member(
            zone: "\(region)/\(zone)", isReady: PodState.isReady(node),
            isExcluded: !labels["node.kubernetes.io/exclude-disruption"].isNull)
    }

    private var milliseconds: Whole { start.duration(to: .now).nanoseconds / 1_000_000 }

    // MARK: Taints

    /// - Returns: in how many milliseconds a Node's turn to lose its Pods comes, `nil` when it does not wait or nobody knows.
    private func settleTaints(_ node: Value) throws -> Whole? {
        let name = node["metadata"]["name"].string ?? ""
        let (eviction, wait) = state.withLock { $0.brakes?.eviction(of: node, name, now: milliseconds) } ?? (.leave, nil)
        if let taints = NodeTaints.change(of: node, eviction, now: Timestamp.now()) {
            var changed = node
            changed["spec"]["taints"] = taints.isEmpty ? .null : .array(taints)
            try objects.update(.nodes, changed)
        }
        if eviction == .add { state.withLock { $0.brakes?.done(name) } }
        return wait
    }

    // MARK: Silence

    private func markUnknown(_ node: Value) throws -> Value {
        var changed = node
        for type in ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"] {
            let known = PodState.condition(node, type)
            guard known["status"].string != "Unknown" else { continue }
            Conditions.set(
                &changed["status"], type: type, .unknown, reason: known.isNull ? "NodeStatusNeverUpdated" : "NodeStatusUnknown",
                message: known.isNull ? "Kubelet never posted node status." : "Kubelet stopped posting node status.")
            if known.isNull {
                Conditions.update(&changed["status"], type: type) { $0["lastHeartbeatTime"] = node["metadata"]["creationTimestamp"] }
            }
        }
        let name = node["metadata"]["name"].string ?? ""
        if changed != node {
            changed = try objects.updateStatus(.nodes, changed)
            if PodState.isReady(node) {
                objects.event(node, .normal, reason: "NodeNotReady", message: "Node \(name) status is now: NodeNotReady")
            }
        }
        // Each time, for what was begun may not have been finished.
        try markPodsNotReady(on: name)
        return changed
    }

    /// Services must not send traffic to Pods of a silent Node.
    private func markPodsNotReady(on node: String) throws {
        for pod in try objects.list(.pods, fields: "spec.nodeName=\(node)") where PodState.isReady(pod) {
            let metadata = pod["metadata"]
            do {
                try objects.patch(
                    .pods, namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? "", subresource: "status",
                    .strategic,
                    [
                        "metadata": ["uid": metadata["uid"]],
                        "status": [
                            "conditions": [["type": "Ready", "status": "False", "lastTransitionTime": .string(Timestamp.now())]]
                        ],
                    ])
                objects.event(pod, .warning, reason: "NodeNotReady", message: "Node is not ready")
            } catch let error as APIError where error.reason == .notFound || error.reason == .conflict {}
        }
    }

    private func event(_ node: Value, _ reason: String, _ message: String) {
        objects.event(node, .normal, reason: reason, message: "Node \(node["metadata"]["name"].string ?? "") event: \(message)")
    }
}

extension ZoneBrakes {
    /// What becomes of the taints by which the Pods of a Node that is not ready go, and in how many milliseconds to ask again.
    fileprivate mutating func eviction(of node: Value, _ name: String, now: Whole) -> (NodeTaints.Eviction, wait: Whole?) {
        switch PodState.condition(node, "Ready")["status"].string {
        // Of a Node that never said anything nothing is known yet.
        case nil: return (.leave, nil)
        case "True":
            done(name)
            return (.remove, nil)
        default:
            if isStopped { return (.remove, nil) }
            // From one of the two to the other nothing changes for the Pods.
            if NodeTaints.isEvicting(node) { return (.add, nil) }
            switch turn(of: name, in: NodeLifecycleController.member(node).zone, now: now) {
            case .now: return (.add, nil)
            case .later(let milliseconds): return (.leave, milliseconds)
            }
        }
    }
}
