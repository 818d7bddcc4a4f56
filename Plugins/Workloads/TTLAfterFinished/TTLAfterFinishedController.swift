public import APIModel
public import PluginKit

/// Deletes Jobs that ended, `ttlSecondsAfterFinished` later.
///
/// Rules: upstream `pkg/controller/ttlafterfinished`.
public struct TTLAfterFinishedController: Controller {
    private static let resource = GroupVersionResource(group: "batch", version: "v1", resource: "jobs")

    private let objects: Objects

    public init(_ host: Host, config: Value) { objects = host.objects }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard let cached = try objects.get(Self.resource, namespace: key.namespace, name: key.name), let left = secondsLeft(cached)
        else { return .done }
        if left > 0 { return .doneCheckAgain(afterMilliseconds: left * 1000) }
        // Perhaps the cache does not know yet that the Job may live longer.
        guard let job = try objects.fetch(Self.resource, namespace: key.namespace, name: key.name), let left = secondsLeft(job)
        else { return .done }
        if left > 0 { return .doneCheckAgain(afterMilliseconds: left * 1000) }
        let metadata = job["metadata"]
        do {
            try objects.delete(
                Self.resource, namespace: key.namespace, name: key.name,
                options: [
                    "propagationPolicy": "Foreground",
                    "preconditions": ["uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]],
                ])
        } catch let error as APIError where error.reason == .notFound {}
        return .done
    }

    /// `nil` for a Job that is not to be deleted.
    private func secondsLeft(_ job: Value) -> Whole? {
        guard let ttl = job["spec"]["ttlSecondsAfterFinished"].seconds, job["metadata"]["deletionTimestamp"].isNull else { return nil }
        guard let ended = JobState.end(of: job)["lastTransitionTime"].time else { return nil }
        return ended + ttl - Timestamp.nowSeconds()
    }
}
