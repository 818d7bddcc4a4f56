public import APIModel
public import PluginKit

/// Runs one Pod on every Node that a DaemonSet is for.
///
/// Rules: upstream `pkg/controller/daemon`. `DaemonSetPlan` says what to do.
public struct DaemonSetController: Controller {
    private static let resource = GroupVersionResource(group: "apps", version: "v1", resource: "daemonsets")
    /// The most Pods made or deleted in one go; the rest follows with the next look.
    private static let burst = 250

    private let objects: Objects
    private let failures = Failures()

    public init(_ host: Host, config: Value) { objects = host.objects }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard let daemonSet = try objects.get(Self.resource, namespace: key.namespace, name: key.name) else {
            failures.forget(key.uid)
            return .done
        }
        if daemonSet["spec"]["selector"].isEmpty {
            let message = "This daemon set is selecting all pods. A non-empty selector is required."
            objects.event(daemonSet, .warning, reason: "SelectingAll", message: message)
            return .done
        }
        guard daemonSet["metadata"]["deletionTimestamp"].isNull else { return .done }
        return try sync(daemonSet)
    }

    private func sync(_ daemonSet: Value) throws -> Outcome {
        var history = try objects.revisions(of: daemonSet, Self.resource)
        let before = daemonSet["status"]["collisionCount"].int
        var collisions = before ?? 0
        let revision = try objects.synchronize(&history, of: daemonSet, hashLabel: RevisionHistory.label, collisions: &collisions)
        let hash = revision["metadata"]["labels"][RevisionHistory.label].string ?? ""

        let nodes = try objects.list(.nodes)
        let now = Timestamp.nowSeconds()
        func look() throws -> DaemonSetPlan {
            let pods = try objects.claim(.pods, for: daemonSet, of: Self.resource, selector: daemonSet["spec"]["selector"])
            return DaemonSetPlan(daemonSet, hash: hash, nodes: nodes, pods: pods, now: now)
        }
        var plan = try look()
        let upkeep = plan.upkeep { failures.wait(daemonSet, $0, now: now) }
        var problem: (any Error)?
        do {
            try act(on: upkeep, daemonSet, hash, now)
            plan = try look()
            let update = plan.update()
            try act(on: update, daemonSet, hash, now)
            if !update.create.isEmpty || !update.delete.isEmpty { plan = try look() }
            try truncate(history, revision, plan)
        } catch { problem = error }

        let status = plan.status(collisions: before == nil && collisions == 0 ? nil : collisions)
        if status != daemonSet["status"] {
            var changed = daemonSet
            changed["status"] = status
            try objects.updateStatus(Self.resource, changed)
        }
        if let problem { throw problem }
        let waits = [upkeep.wait, plan.secondsToAvailable].compactMap { $0 }
        return waits.min().map { .doneCheckAgain(afterMilliseconds: $0 * 1000 + 50) } ?? .done
    }

    private func act(on all: DaemonSetPlan.Changes, _ daemonSet: Value, _ hash: String, _ now: Whole) throws {
        let changes = all.limited(to: Self.burst)
        for pod in changes.failed {
            if let node = DaemonPod.node(of: pod) { failures.note(daemonSet, node, now: now) }
            tell(daemonSet, .warning, "FailedDaemonPod", pod, "Found failed daemon pod", "will try to kill it")
        }
        for pod in changes.succeeded {
            tell(daemonSet, .normal, "SucceededDaemonPod", pod, "Found succeeded daemon pod", "will try to delete it")
        }
        let made = Batches.slowStart(changes.create) { [objects] node in
            try objects.createPod(DaemonPod.made(for: daemonSet, hash: hash, node: node), for: daemonSet) != nil
        }
        let gone = Batches.all(changes.delete) { [objects] in try objects.deletePod($0, of: daemonSet) }
        if let error = made.error ?? gone.error { throw error }
    }

    private func tell(_ daemonSet: Value, _ type: Objects.EventType, _ reason: String, _ pod: Value, _ what: String, _ next: String) {
        let metadata = pod["metadata"]
        let name = "\(metadata["namespace"].string ?? "")/\(metadata["name"].string ?? "")"
        objects.event(daemonSet, type, reason: reason, message: "\(what) \(name) on node \(DaemonPod.node(of: pod) ?? ""), \(next)")
    }

    private func truncate(_ history: RevisionHistory, _ current: Value, _ plan: DaemonSetPlan) throws {
        let hashes = Set(plan.pods.values.joined().compactMap { $0["metadata"]["labels"][RevisionHistory.label].string })
        let used = history.revisions.filter { hashes.contains($0["metadata"]["labels"][RevisionHistory.label].string ?? "") }
        let live = Set((used + [current]).compactMap { $0["metadata"]["name"].string })
        try objects.truncate(history, of: plan.daemonSet, live: live)
    }

    /// A Node that is new, gone, or has other labels or taints concerns every DaemonSet.
    public func map(resource: String, before: Value, after: Value) -> [Key] {
        guard let sets = try? objects.list(Self.resource) else { return [] }
        return sets.map { Key($0, of: Self.resource.description) }
    }
}
