internal import APIModel
internal import PluginKit

/// A Pod as its Job sees it.
struct JobPod {
    /// What keeps an ended Pod until the Job has counted it.
    static let finalizer = "batch.kubernetes.io/job-tracking"
    /// Label and annotation with the index of an Indexed Job's Pod.
    static let indexKey = "batch.kubernetes.io/job-completion-index"
    /// How often Pods of that index failed before this one, counted towards the limit and not.
    static let failureCount = "batch.kubernetes.io/job-index-failure-count"
    static let ignoredFailureCount = "batch.kubernetes.io/job-index-ignored-failure-count"

    let object: Value
    let uid: String
    let phase: String
    let isTracked: Bool
    let isBeingDeleted: Bool
    let index: Whole?

    init(_ object: Value) {
        self.object = object
        let metadata = object["metadata"]
        uid = metadata["uid"].string ?? ""
        phase = object["status"]["phase"].string ?? ""
        isTracked = metadata["finalizers"].elements.contains(.string(Self.finalizer))
        isBeingDeleted = !metadata["deletionTimestamp"].isNull
        index = metadata["annotations"][Self.indexKey].string.flatMap { Whole($0) }.flatMap { $0 < 0 ? nil : $0 }
    }

    var isSucceeded: Bool { phase == "Succeeded" }
    var hasEnded: Bool { isSucceeded || phase == "Failed" }
    var isActive: Bool { !hasEnded && !isBeingDeleted }
    var isTerminating: Bool { !hasEnded && isBeingDeleted }
    var isReady: Bool { PodState.isReady(object) }

    /// A Pod that is being deleted counts as failed, unless the Job waits for it to end.
    func isFailed(waitsForEnd: Bool) -> Bool { phase == "Failed" || !waitsForEnd && isBeingDeleted && !isSucceeded }

    /// The failures of its index before it.
    func failures(_ annotation: String) -> Whole {
        let count = object["metadata"]["annotations"][annotation].string.flatMap { Whole($0) } ?? 0
        return (0...Whole(Int32.max)).contains(count) ? count : 0
    }

    /// When it ended, in seconds since 1970: when its last container did, it stopped being ready, its deletion was asked for, or it was
    /// made, whichever is known first.
    var finished: Whole {
        let sidecars = Set(object["spec"]["initContainers"].elements.filter { $0["restartPolicy"].string == "Always" }.map { $0["name"] })
        let statuses =
            object["status"]["containerStatuses"].elements
            + object["status"]["initContainerStatuses"].elements.filter { sidecars.contains($0["name"]) }
        let ends = statuses.map { $0["state"]["terminated"]["finishedAt"].time }
        if let last = ends.compactMap({ $0 }).max(), !ends.contains(nil) { return last }
        let ready = PodState.condition(object, "Ready")
        if ready["status"].string == "False", let since = ready["lastTransitionTime"].time { return since }
        let metadata = object["metadata"]
        if let end = metadata["deletionTimestamp"].time { return end - (metadata["deletionGracePeriodSeconds"].seconds ?? 0) }
        return metadata["creationTimestamp"].time ?? 0
    }
}
