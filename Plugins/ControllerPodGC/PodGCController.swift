internal import APIModel
internal import PluginKit
internal import Synchronization

/// Clears away Pods that nobody else will: on Nodes that are gone, deleted before they were ever scheduled, and ended ones beyond a number.
///
/// Rules: upstream `pkg/controller/podgc`. Configuration: `terminatedPodThreshold`, 12500 where it is not given, 0 for no limit.
final class PodGCController: Controller {
    /// How long a Node may be missing before its Pods are given up.
    private static let quarantine: Int64 = 40

    private let objects: Objects
    private let threshold: Int
    /// Since when a Node has been missing, in seconds since 1970.
    private let missing = Mutex<[String: Int64]>([:])

    init(_ host: Host, config: Value) throws {
        try config.requireFields(["terminatedPodThreshold"])
        objects = host.objects
        threshold = config["terminatedPodThreshold"].int.map(Int.init) ?? 12500
    }

    func reconcile(_ key: Key) throws -> Outcome {
        guard key.resource == GroupVersionResource.pods.description else {
            try sweepTerminated()
            return .doneCheckAgain(afterMilliseconds: 20_000)
        }
        guard let pod = try objects.get(.pods, namespace: key.namespace, name: key.name) else { return .done }
        guard let node = pod["spec"]["nodeName"].string, !node.isEmpty else {
            if !pod["metadata"]["deletionTimestamp"].isNull { try remove(pod) }
            return .done
        }
        guard try objects.get(.nodes, name: node) == nil else {
            missing.withLock { $0[node] = nil }
            return .done
        }
        let now = Timestamp.parse(Timestamp.now())?.seconds ?? 0
        let since = missing.withLock { missing in
            let since = missing[node] ?? now
            missing[node] = since
            return since
        }
        guard now - since >= Self.quarantine else { return .doneCheckAgain(afterMilliseconds: (since + Self.quarantine - now) * 1000 + 500) }
        try fail(pod, node: node)
        try remove(pod)
        return .done
    }

    /// When a Node goes, its Pods are looked at.
    func map(resource: String, before: Value, after: Value) -> [Key] {
        guard after.isNull, let node = before["metadata"]["name"].string, let pods = try? objects.list(.pods) else { return [] }
        return pods.filter { $0["spec"]["nodeName"].string == node }.map { pod in
            Key(resource: GroupVersionResource.pods.description, namespace: pod["metadata"]["namespace"].string ?? "", name: pod["metadata"]["name"].string ?? "")
        }
    }

    /// The oldest ended Pods go first.
    private func sweepTerminated() throws {
        guard threshold > 0 else { return }
        let ended = try objects.list(.pods).filter { PodState.isTerminal($0) && $0["metadata"]["deletionTimestamp"].isNull }
        guard ended.count > threshold else { return }
        let byAge = ended.sorted { ($0["metadata"]["creationTimestamp"].string ?? "") < ($1["metadata"]["creationTimestamp"].string ?? "") }
        for pod in byAge.prefix(ended.count - threshold) { try remove(pod) }
    }

    private func fail(_ pod: Value, node: String) throws {
        guard !PodState.isTerminal(pod) else { return }
        var failed = pod
        failed["status"]["phase"] = "Failed"
        Conditions.set(
            &failed["status"], type: "DisruptionTarget", true, reason: "DeletionByPodGC", message: "PodGC: node no longer exists")
        do { try objects.updateStatus(.pods, failed) } catch let error as APIError where error.reason == .notFound {}
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
