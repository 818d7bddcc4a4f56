internal import APIModel
internal import PluginKit

/// Which Nodes need a daemon and which daemons have to go. No clock, no API: the controller does what it says.
struct DaemonSetPlan {
    /// What to do on the Nodes: at first what is missing or wrong, then, in a second look, what the update asks for.
    struct Changes: Hashable {
        var create: [String] = []
        var delete: [Value] = []
        /// To tell, in order.
        var failed: [Value] = []
        var succeeded: [Value] = []
        /// Seconds until a failed Pod may be replaced.
        var wait: Whole?

        /// Cut to what may be done in one go.
        func limited(to count: Int) -> Changes {
            var limited = self
            limited.create = Array(create.prefix(count))
            limited.delete = Array(delete.prefix(count))
            return limited
        }
    }

    let daemonSet: Value
    /// Of the newest revision.
    let hash: String
    let nodes: [Value]
    /// By Node, without those that have ended and are being deleted.
    let pods: [String: [Value]]
    /// Seconds since 1970.
    let now: Whole
    private let spec: Value

    init(_ daemonSet: Value, hash: String, nodes: [Value], pods: [Value], now: Whole) {
        (self.daemonSet, self.hash, self.nodes, self.now) = (daemonSet, hash, nodes, now)
        spec = DaemonPod.spec(of: daemonSet)
        var byNode: [String: [Value]] = [:]
        for pod in pods where !PodState.isTerminal(pod) || pod["metadata"]["deletionTimestamp"].isNull {
            if let node = DaemonPod.node(of: pod) { byNode[node, default: []].append(pod) }
        }
        self.pods = byNode
    }

    private var rolling: Value { daemonSet["spec"]["updateStrategy"]["rollingUpdate"] }
    private var isRolling: Bool { daemonSet["spec"]["updateStrategy"]["type"].string == "RollingUpdate" }

    private func surge(of nodes: Whole) -> Whole {
        isRolling ? IntOrPercent(rolling["maxSurge"])?.resolved(of: nodes, roundedUp: true) ?? 0 : 0
    }

    func fits(_ node: Value) -> (shouldRun: Bool, mayStay: Bool) { DaemonPod.fits(daemonSet, spec, node: node) }
    func pods(on node: Value) -> [Value] { pods[node["metadata"]["name"].string ?? ""] ?? [] }
    private func isNew(_ pod: Value) -> Bool { DaemonPod.isUpdated(pod, hash: hash, of: daemonSet) }
    private func isStaying(_ pod: Value) -> Bool { pod["metadata"]["deletionTimestamp"].isNull }

    func isAvailable(_ pod: Value) -> Bool {
        PodState.isAvailable(pod, minReadySeconds: daemonSet["spec"]["minReadySeconds"].seconds ?? 0, now: now)
    }

    /// The one that counts first: it has a Node, and it is the oldest.
    static func sorted(_ pods: [Value]) -> [Value] {
        func rank(_ pod: Value) -> (Int, String, String) {
            let metadata = pod["metadata"]
            return (pod["spec"]["nodeName"].isEmpty ? 1 : 0, metadata["creationTimestamp"].string ?? "", metadata["name"].string ?? "")
        }
        return pods.sorted { rank($0) < rank($1) }
    }

    // MARK: What is missing or wrong

    /// - Parameter wait: seconds until a failed Pod of a Node may go, for a Pod that fails at once must not be made anew all the time.
    func upkeep(wait: (_ node: String) -> Whole) -> Changes {
        var changes = Changes()
        for node in nodes {
            let name = node["metadata"]["name"].string ?? ""
            let (shouldRun, mayStay) = fits(node)
            let present = pods(on: node)
            if !mayStay {
                changes.delete += present.filter(isStaying)
            } else if present.isEmpty {
                if shouldRun { changes.create.append(name) }
            } else {
                upkeep(name, shouldRun, present, wait, &changes)
            }
        }
        let known = Set(nodes.map { $0["metadata"]["name"].string ?? "" })
        for (node, waiting) in pods.sorted(by: { $0.key < $1.key }) where !known.contains(node) {
            changes.delete += waiting.filter { $0["spec"]["nodeName"].isEmpty && isStaying($0) }
        }
        return changes
    }

    private func upkeep(_ node: String, _ shouldRun: Bool, _ present: [Value], _ wait: (String) -> Whole, _ changes: inout Changes) {
        var running: [Value] = []
        for pod in present.filter(isStaying) {
            switch pod["status"]["phase"].string {
            case "Failed":
                let seconds = wait(node)
                if seconds > 0 {
                    changes.wait = min(changes.wait ?? seconds, seconds)
                } else {
                    changes.failed.append(pod)
                    changes.delete.append(pod)
                }
            case "Succeeded":
                changes.succeeded.append(pod)
                changes.delete.append(pod)
            default: running.append(pod)
            }
        }
        running = Self.sorted(running)
        if surge(of: 1) == 0 {
            changes.delete += running.dropFirst()
        } else if running.isEmpty {
            if shouldRun { changes.create.append(node) }
        } else if running.count > 1 {
            // Two may be, an old one that serves and a new one that is not there yet.
            let (new, old) = (running.first(where: isNew), running.first { !isNew($0) })
            changes.delete += running.filter { $0 != new && $0 != old }
            if let new, let old, !PodState.isReady(old) || isAvailable(new) { changes.delete.append(old) }
        }
    }

    // MARK: The next revision

    /// What a rolling update does next, where `upkeep` has nothing to do.
    func update() -> Changes {
        guard isRolling else { return Changes() }
        let wanted = nodes.filter { fits($0).shouldRun }
        let count = Whole(wanted.count)
        let surge = surge(of: count)
        // By node name, with those that should have a daemon and have none.
        var byNode = pods
        for node in wanted { byNode[node["metadata"]["name"].string ?? "", default: []] += [] }
        let ordered = byNode.sorted { $0.key < $1.key }.map { (node: $0.key, pods: $0.value.filter(isStaying)) }
        if surge > 0 { return surging(ordered, surge: Int(surge), wanted: wanted) }
        let limit = IntOrPercent(rolling["maxUnavailable"])?.resolved(of: count, roundedUp: true) ?? 1
        // None at all cannot move, but where no Node wants a daemon there is nothing to move.
        return replacing(ordered, unavailable: Int(count > 0 ? max(limit, 1) : limit))
    }

    /// The old and the new daemon of a Node, `nil` where there are more and `upkeep` has to see to it first.
    private func pair(_ pods: [Value]) -> (new: Value?, old: Value?)? {
        let (new, old) = (pods.filter(isNew), pods.filter { !isNew($0) })
        return new.count > 1 || old.count > 1 ? nil : (new.first, old.first)
    }

    private func replacing(_ nodes: [(node: String, pods: [Value])], unavailable limit: Int) -> Changes {
        var missing = 0
        var (broken, candidates): ([Value], [Value]) = ([], [])
        for (_, pods) in nodes {
            guard let (new, old) = pair(pods), (new == nil) != (old == nil) else {
                missing += 1
                continue
            }
            if let new, !isAvailable(new) { missing += 1 }
            guard let old else { continue }
            if isAvailable(old) {
                candidates.append(old)
            } else {
                // It serves nobody, so nothing is lost.
                broken.append(old)
                missing += 1
            }
        }
        return Changes(delete: broken + candidates.prefix(max(0, limit - missing)))
    }

    private func surging(_ nodes: [(node: String, pods: [Value])], surge: Int, wanted: [Value]) -> Changes {
        let shouldRun = Set(wanted.map { $0["metadata"]["name"].string ?? "" })
        var changes = Changes()
        var (used, available) = (0, 0)
        var (candidates, leaving): ([String], [Value]) = ([], [])
        for (node, pods) in nodes {
            guard let (new, old) = pair(pods) else {
                used += 1
                continue
            }
            if let serving = old ?? new, isAvailable(serving) { available += 1 }
            guard let old else { continue }
            if let new {
                if isAvailable(new) { changes.delete.append(old) } else { used += 1 }
            } else if !shouldRun.contains(node) {
                if isAvailable(old) { leaving.append(old) } else { changes.delete.append(old) }
            } else if isAvailable(old) {
                candidates.append(node)
            } else {
                changes.create.append(node)
            }
        }
        // Where daemons move from one Node to another, the old one stays until the new one serves.
        changes.delete += leaving.prefix(max(0, available - wanted.count))
        changes.create += candidates.prefix(max(0, surge - used))
        return changes
    }

    // MARK: Status

    func status(collisions: Whole?) -> Value {
        var (desired, current, misscheduled, ready, available, updated) = (0, 0, 0, 0, 0, 0)
        for node in nodes {
            let present = Self.sorted(pods(on: node))
            guard fits(node).shouldRun else {
                if !present.isEmpty { misscheduled += 1 }
                continue
            }
            desired += 1
            guard let pod = present.first else { continue }
            current += 1
            if PodState.isReady(pod) { ready += 1 }
            if isAvailable(pod) { available += 1 }
            if isNew(pod) { updated += 1 }
        }
        var status = daemonSet["status"].isNull ? .emptyObject : daemonSet["status"]
        status["observedGeneration"] = daemonSet["metadata"]["generation"]
        status["collisionCount"] = collisions.map(Value.int) ?? .null
        for (field, count) in [
            ("desiredNumberScheduled", desired), ("currentNumberScheduled", current), ("numberMisscheduled", misscheduled),
            ("numberReady", ready),
        ] {
            status[field] = Value(count)
        }
        for (field, count) in [
            ("updatedNumberScheduled", updated), ("numberAvailable", available), ("numberUnavailable", desired - available),
        ] {
            status[field] = count == 0 ? .null : Value(count)
        }
        return status
    }

    /// Seconds until a daemon becomes available with no event, `nil` where none will.
    var secondsToAvailable: Whole? {
        let minReady = daemonSet["spec"]["minReadySeconds"].seconds ?? 0
        return PodState.secondsToAvailable(pods.values.joined(), minReadySeconds: minReady, now: now)
    }
}
