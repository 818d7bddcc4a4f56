public import APIModel
public import PluginKit
internal import Synchronization

/// Clears away Pods that nobody else will: on Nodes that are gone, deleted ones on Nodes that are out of service, deleted before they were
/// ever scheduled, and ended ones beyond a number.
///
/// Rules: upstream `pkg/controller/podgc`. Configuration: `terminatedPodThreshold`, 12500 where it is not given, 0 for no limit;
/// `quarantineSeconds`, how long a Node may be missing before its Pods are given up, 40 where it is not given.
public final class PodGCController: Controller {
    private let objects: Objects
    private let threshold: Int
    private let quarantine: Whole
    private let ended = Mutex(Ended())
    /// Since when a Node has been missing, in seconds since 1970.
    private let missing = Mutex<[String: Whole]>([:])

    public static let settings: Set = ["terminatedPodThreshold", "quarantineSeconds"]

    public init(_ host: Host, config: Value) throws {
        objects = host.objects
        threshold = config["terminatedPodThreshold"].int.map(Int.init) ?? 12500
        quarantine = config["quarantineSeconds"].seconds ?? 40
    }

    public func reconcile(_ key: Key) throws -> Outcome {
        let found = try objects.get(.pods, namespace: key.namespace, name: key.name)
        try noteEnd(key, found)
        guard let pod = found else { return .done }
        guard let node = pod["spec"]["nodeName"].string, !node.isEmpty else {
            // It never ran, and who holds it (a Job, say) learns from its phase that it never will.
            if !pod["metadata"]["deletionTimestamp"].isNull, !PodState.isTerminal(pod) { try removeFailed(pod) }
            return .done
        }
        if let there = try objects.get(.nodes, name: node) {
            missing.withLock { $0[node] = nil }
            if !pod["metadata"]["deletionTimestamp"].isNull, Self.isOutOfService(there) { try removeFailed(pod) }
            return .done
        }
        let now = Timestamp.nowSeconds()
        let since = missing.withLock { missing in
            let since = missing[node] ?? now
            missing[node] = since
            return since
        }
        guard now - since >= quarantine else { return .doneCheckAgain(afterMilliseconds: (since + quarantine - now) * 1000 + 500) }
        // Absence is believed only of the API itself.
        guard try objects.fetch(.nodes, name: node) == nil else { return .retry }
        try fail(pod, node: node)
        try remove(pod)
        return .done
    }

    /// Keeps count of the Pods that have ended; beyond the threshold the oldest go.
    private func noteEnd(_ key: Key, _ pod: Value?) throws {
        guard threshold > 0 else { return }
        let surplus = try ended.withLock { ended -> ArraySlice<Ended.Place> in
            ended.note(pod, Ended.Place(namespace: key.namespace, name: key.name))
            guard ended.pods.count > threshold else { return [] }
            if !ended.isComplete {
                // Which are the oldest can be said when all are known; from then on, each tells of itself.
                for pod in try objects.list(.pods) { ended.note(pod, Ended.Place(pod)) }
                ended.isComplete = true
            }
            return ended.first(ended.pods.count - threshold)
        }
        for place in surplus {
            guard let pod = try objects.get(.pods, namespace: place.namespace, name: place.name), Ended.has(pod) else { continue }
            try remove(pod)
        }
    }

    private func fail(_ pod: Value, node: String) throws {
        guard !PodState.isTerminal(pod) else { return }
        try objects.setPodCondition(
            pod, type: "DisruptionTarget", true, reason: "DeletionByPodGC", message: "PodGC: node no longer exists", phase: "Failed")
    }

    /// Whether somebody who knows says that nothing runs on the Node any more, and it does not say otherwise itself.
    static func isOutOfService(_ node: Value) -> Bool {
        node["spec"]["taints"].elements.contains { $0["key"].string == "node.kubernetes.io/out-of-service" }
            && !Conditions.isTrue(node["status"], type: "Ready")
    }

    /// Of a Node that went out of service the Pods that are to end there.
    public func map(resource: String, before: Value, after: Value) -> [Key] {
        guard Self.isOutOfService(after), !Self.isOutOfService(before),
            let pods = try? objects.list(.pods, fields: "spec.nodeName=\(after["metadata"]["name"].string ?? "")")
        else { return [] }
        return pods.filter { !$0["metadata"]["deletionTimestamp"].isNull }.map { Key($0, of: GroupVersionResource.pods.description) }
    }

    /// Failed first, for what still holds the Pod to see.
    private func removeFailed(_ pod: Value) throws {
        let metadata = pod["metadata"]
        if !PodState.isTerminal(pod) {
            do {
                try objects.patch(
                    .pods, namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? "", subresource: "status",
                    .strategic,
                    ["metadata": ["uid": metadata["uid"]], "status": ["phase": "Failed", "observedGeneration": metadata["generation"]]])
            } catch let error as APIError where error.reason == .notFound {}
        }
        try remove(pod)
    }

    private func remove(_ pod: Value) throws {
        let metadata = pod["metadata"]
        do {
            try objects.delete(
                .pods, namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? "",
                options: ["gracePeriodSeconds": 0, "preconditions": ["uid": metadata["uid"]]])
        } catch let error as APIError where error.reason == .notFound || error.reason == .conflict {}
    }
}
