internal import APIModel
internal import PluginKit

/// Keeps as many Pods as an object asks for in `spec.replicas`.
///
/// Rules: upstream `pkg/controller/replicaset`. The host shows a controller its own writes at once, so no expectations are kept.
protocol ReplicaKeeper: Controller {
    static var resource: GroupVersionResource { get }
    /// Whether the status says how many Pods are on their way out.
    static var countsTerminating: Bool { get }
    var objects: Objects { get }

    /// A LabelSelector.
    static func selector(of set: Value) -> Value
}

/// The most Pods made or deleted in one go; the rest follows with the next look.
private let burst = 500

extension ReplicaKeeper {
    func keepReplicas(_ key: Key) throws -> Outcome {
        guard let set = try objects.get(Self.resource, namespace: key.namespace, name: key.name) else { return .done }
        let pods = try objects.claim(.pods, for: set, of: Self.resource, selector: Self.selector(of: set))
        let active = pods.filter(PodState.isActive)
        var failure: (reason: String, message: String)?
        var problem: (any Error)?
        if set["metadata"]["deletionTimestamp"].isNull {
            let wanted = Int(set["spec"]["replicas"].int ?? 1)
            do {
                if active.count < wanted {
                    failure = ("FailedCreate", "")
                    try create(min(wanted - active.count, burst), for: set)
                } else if active.count > wanted {
                    failure = ("FailedDelete", "")
                    try delete(min(active.count - wanted, burst), of: active, for: set)
                }
                failure = nil
            } catch {
                failure?.message = "\(error)"
                problem = error
            }
        }
        let hasChanged = problem != nil || active.count != Int(set["spec"]["replicas"].int ?? 1)
        let now = hasChanged ? try objects.controlled(by: set) : pods
        let again = try updateStatus(of: set, all: now, failure: failure)
        if let problem { throw problem }
        return again
    }

    /// Makes Pods, until one cannot be made: what holds it up (a quota, say) holds up the others, too.
    private func create(_ count: Int, for set: Value) throws {
        let pod = PodTemplate.pod(set["spec"]["template"], for: set)
        let outcome = Batches.slowStart(Array(repeating: pod, count: count)) { [objects] in try objects.createPod($0, for: set) != nil }
        if let error = outcome.error { throw error }
    }

    private func delete(_ count: Int, of pods: [Value], for set: Value) throws {
        let ordered =
            count < pods.count ? DeletionOrder.sorted(pods, among: try related(to: set, pods), now: Timestamp.nowSeconds()) : pods
        let surplus = Array(ordered.prefix(count))
        if let error = Batches.all(surplus, { [objects] in try objects.deletePod($0, of: set) }).error { throw error }
    }

    /// The Pods of all that have the owner of `set`: during a rollout, those of another template do the same work.
    private func related(to set: Value, _ pods: [Value]) throws -> [Value] {
        let owner = OwnerReference.controller(of: set)
        guard let uid = owner["uid"].string else { return pods }
        let siblings = try objects.dependents(of: uid, Self.resource).filter { $0["metadata"]["uid"] != set["metadata"]["uid"] }
        return try siblings.reduce(pods) { $0 + (try objects.controlled(by: $1)) }
    }

    private func updateStatus(of set: Value, all: [Value], failure: (reason: String, message: String)?) throws -> Outcome {
        let pods = all.filter(PodState.isActive)
        let labels = set["spec"]["template"]["metadata"]["labels"].strings
        let minReady = set["spec"]["minReadySeconds"].seconds ?? 0
        let now = Timestamp.nowSeconds()
        let ready = pods.filter(PodState.isReady)
        let available = ready.filter { PodState.isAvailable($0, minReadySeconds: minReady, now: now) }
        let labelled = pods.filter { pod in
            let own = pod["metadata"]["labels"].strings
            return labels.allSatisfy { own[$0.key] == $0.value }
        }
        var status = set["status"].isNull ? .emptyObject : set["status"]
        status["replicas"] = Value(pods.count)
        for (field, count) in [
            ("fullyLabeledReplicas", labelled.count), ("readyReplicas", ready.count), ("availableReplicas", available.count),
        ] {
            status[field] = count == 0 ? .null : Value(count)
        }
        if Self.countsTerminating {
            let terminating = all.count { !$0["metadata"]["deletionTimestamp"].isNull && !PodState.isTerminal($0) }
            status["terminatingReplicas"] = Value(terminating)
        }
        status["observedGeneration"] = set["metadata"]["generation"]
        if failure == nil { Conditions.remove(&status, type: "ReplicaFailure") }
        // The first one stands: the next names another Pod, and to write that would be a change that calls for the next try at once.
        if let failure, PodState.condition(set, "ReplicaFailure").isNull {
            Conditions.set(&status, type: "ReplicaFailure", true, reason: failure.reason, message: failure.message)
        }
        if status != set["status"] {
            var changed = set
            changed["status"] = status
            do { try objects.updateStatus(Self.resource, changed) } catch let error as APIError where error.reason == .notFound {
                return .done
            }
        }
        let wait = PodState.secondsToAvailable(ready, minReadySeconds: minReady, now: now)
        return wait.map { .doneCheckAgain(afterMilliseconds: $0 * 1000 + 50) } ?? .done
    }
}

extension Objects {
    /// The Pods of `set` as they are now.
    fileprivate func controlled(by set: Value) throws -> [Value] {
        try dependents(of: set["metadata"]["uid"].string ?? "", .pods).filter { OwnerReference.isControlled($0, by: set) }
    }
}
