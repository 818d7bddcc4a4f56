internal import APIModel
internal import PluginKit

/// Keeps as many Pods as a ReplicaSet asks for.
///
/// Rules: upstream `pkg/controller/replicaset`. The host shows a controller its own writes at once, so no expectations are kept.
struct ReplicaSetController: Controller {
    private static let resource = GroupVersionResource(group: "apps", version: "v1", resource: "replicasets")
    /// The most Pods made or deleted in one go; the rest follows with the next look.
    private static let burst = 500

    private let objects: Objects

    init(_ host: Host, config: Value) { objects = host.objects }

    func reconcile(_ key: Key) throws -> Outcome {
        guard let set = try objects.get(Self.resource, namespace: key.namespace, name: key.name) else { return .done }
        let pods = try objects.claim(.pods, for: set, of: Self.resource, selector: set["spec"]["selector"])
        let active = pods.filter(PodState.isActive)
        var failure: (reason: String, message: String)?
        var problem: (any Error)?
        if set["metadata"]["deletionTimestamp"].isNull {
            let wanted = Int(set["spec"]["replicas"].int ?? 1)
            do {
                if active.count < wanted {
                    failure = ("FailedCreate", "")
                    try create(min(wanted - active.count, Self.burst), for: set)
                } else if active.count > wanted {
                    failure = ("FailedDelete", "")
                    try delete(min(active.count - wanted, Self.burst), of: active, for: set)
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
        let template = set["spec"]["template"]
        let namespace = set["metadata"]["namespace"].string ?? ""
        var pod: Value = [
            "apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"].isNull ? .emptyObject : template["metadata"],
            "spec": template["spec"],
        ]
        pod["metadata"]["generateName"] = "\(set["metadata"]["name"].string ?? "")-"
        pod["metadata"]["namespace"] = .string(namespace)
        pod["metadata"]["ownerReferences"] = [OwnerReference.controller(set)]
        for _ in 0..<count {
            do {
                let made = try objects.create(.pods, namespace: namespace, pod)
                objects.event(set, .normal, reason: "SuccessfulCreate", message: "Created pod: \(made["metadata"]["name"].string ?? "")")
            } catch let error as APIError {
                // A namespace that is being deleted takes no new objects: that is no failure.
                if error.details["causes"].elements.contains(where: { $0["reason"].string == "NamespaceTerminating" }) { return }
                objects.event(set, .warning, reason: "FailedCreate", message: "Error creating: \(error.message)")
                throw error
            }
        }
    }

    private func delete(_ count: Int, of pods: [Value], for set: Value) throws {
        for pod in DeletionOrder.sorted(pods).prefix(count) {
            let name = pod["metadata"]["name"].string ?? ""
            do {
                try objects.delete(
                    .pods, namespace: set["metadata"]["namespace"].string ?? "", name: name,
                    options: ["preconditions": ["uid": pod["metadata"]["uid"]]])
                objects.event(set, .normal, reason: "SuccessfulDelete", message: "Deleted pod: \(name)")
            } catch let error as APIError where error.reason == .notFound || error.reason == .conflict {
                continue
            } catch {
                objects.event(set, .warning, reason: "FailedDelete", message: "Error deleting: \(error)")
                throw error
            }
        }
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
        status["terminatingReplicas"] = Value(all.count { !$0["metadata"]["deletionTimestamp"].isNull && !PodState.isTerminal($0) })
        status["observedGeneration"] = set["metadata"]["generation"]
        if let failure {
            Conditions.set(&status, type: "ReplicaFailure", true, reason: failure.reason, message: failure.message)
        } else {
            Conditions.remove(&status, type: "ReplicaFailure")
        }
        if status != set["status"] {
            var changed = set
            changed["status"] = status
            do { try objects.updateStatus(Self.resource, changed) } catch let error as APIError where error.reason == .notFound {
                return .done
            }
        }
        // A Pod that is ready but not yet for long enough becomes available without any event.
        let waits = ready.compactMap { pod in PodState.readySince(pod).map { max(0, $0 + minReady - now) } }.filter { $0 > 0 }
        return waits.min().map { .doneCheckAgain(afterMilliseconds: $0 * 1000 + 50) } ?? .done
    }
}

extension Objects {
    /// The Pods of `set` as they are now.
    fileprivate func controlled(by set: Value) throws -> [Value] {
        try dependents(of: set["metadata"]["uid"].string ?? "", .pods).filter { OwnerReference.isControlled($0, by: set) }
    }
}
