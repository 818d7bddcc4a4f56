internal import APIModel
internal import PluginKit

/// Counting Pods so that none is lost and none counts twice: its uid goes into `status.uncountedTerminatedPods`, then its finalizer goes, then
/// uid becomes number. Whoever takes over in the middle finds what has to follow.
extension JobSync {
    /// What was done of a `Step`.
    struct Done {
        var created = 0
        var removed: [JobPod] = []
    }

    /// The most uids in a status at once.
    static let mostUncounted = 500

    /// An Event about the Job.
    struct Happening: Hashable {
        var isWarning = false
        var reason: String
        var message: String
    }

    /// Notes what runs now that `done` is done, and how that changes the outlook.
    /// - Parameter isWhole: whether all of the step was done.
    /// - Returns: what to tell.
    mutating func settle(_ done: Done, isWhole: Bool) -> [Happening] {
        let running = Whole(active.count) + Whole(done.created) - Whole(done.removed.count)
        let ready = active.count(where: \.isReady) - done.removed.count(where: \.isReady)
        status["active"] = running == 0 ? .null : Value(running)
        status["ready"] = Value(ready)
        status["terminating"] = Value(terminating + Whole(done.removed.count { !$0.hasEnded }))
        if status["uncountedTerminatedPods"].isNull { status["uncountedTerminatedPods"] = .emptyObject }
        if verdict != nil {
            // As long as a Pod runs, nothing has ended.
            if !isWhole { verdict = nil }
            return []
        }
        let isComplete = spec["completions"].int.map { succeeded >= $0 } ?? (succeeded > 0)
        if isComplete, running == 0 {
            verdict = .success("CompletionsReached", "Reached expected number of succeeded pods")
            return []
        }
        return isBeingDeleted ? [] : suspendOrResume()
    }

    private mutating func suspendOrResume() -> [Happening] {
        let noted = status["conditions"].elements.first { $0["type"].string == "Suspended" } ?? .null
        if isSuspended, noted["status"].string != "True" {
            setCondition("Suspended", true, "JobSuspended", "Job suspended")
            status["startTime"] = .null
            return [Happening(reason: "Suspended", message: "Job suspended")]
        }
        if !isSuspended, noted["status"].string == "True" {
            setCondition("Suspended", false, "JobResumed", "Job resumed")
            // The deadline counts from here.
            status["startTime"] = .string(Timestamp.format(seconds: now))
            return [Happening(reason: "Resumed", message: "Job resumed")]
        }
        return []
    }

    /// Notes the Pods that ended, and announces how the Job will.
    /// - Returns: those that are noted and may lose their finalizer, once this status is written.
    mutating func note() -> [JobPod] {
        keepUncounted { pod in pod.isTracked }
        var (succeededUIDs, failedUIDs) = (listed("succeeded"), listed("failed"))
        var newIndexes: [Whole] = []
        var release: [JobPod] = []
        let policy = failurePolicy
        for pod in isIndexed ? pods.sorted(by: { ($0.index ?? -1) < ($1.index ?? -1) }) : pods where pod.isTracked && mayGo(pod) {
            release.append(pod)
            if pod.isSucceeded, !uncounted.failed.contains(pod.uid) {
                if isIndexed {
                    // An index that succeeded needs no uid to be counted once.
                    if isValid(pod), let index = pod.index, !counted.contains(index) { newIndexes.append(index) }
                } else if !uncounted.succeeded.contains(pod.uid) {
                    succeededUIDs.append(pod.uid)
                }
            } else if isFailed(pod) || verdict?.isFailure == true {
                if !uncounted.failed.contains(pod.uid), isValid(pod), policy.counts(pod) { failedUIDs.append(pod.uid) }
            }
            if newIndexes.count + succeededUIDs.count + failedUIDs.count >= Self.mostUncounted {
                isCutShort = true
                break
            }
        }
        setListed("succeeded", succeededUIDs)
        setListed("failed", failedUIDs)
        if isIndexed {
            let completed = counted.union(newIndexes)
            status["succeeded"] = completed.isEmpty ? .null : Value(completed.count)
            status["completedIndexes"] = completed.isEmpty ? .null : .string(completed.description)
            status["failedIndexes"] = failedIndexes.map { .string($0.description) } ?? .null
        }
        if let verdict { setCondition(verdict.announcement, true, verdict.reason, verdict.message) }
        return release
    }

    /// A Pod that failed stays as long as its successor has yet to learn from it.
    private func mayGo(_ pod: JobPod) -> Bool {
        if isBeingDeleted || verdict != nil || pod.isSucceeded { return true }
        guard isFailed(pod) else { return false }
        return pod.index.flatMap { handingOver[$0] }?.uid != pod.uid
    }

    /// Makes numbers of the uids whose Pods have lost their finalizer.
    /// - Parameter released: by uid.
    mutating func release(_ released: Set<String>) { keepUncounted { $0.isTracked && !released.contains($0.uid) } }

    private mutating func keepUncounted(_ isStillHeld: (JobPod) -> Bool) {
        let held = Set(pods.filter(isStillHeld).map(\.uid))
        for list in ["succeeded", "failed"] {
            let before = listed(list)
            let after = before.filter(held.contains)
            guard after.count < before.count else { continue }
            status[list] = Value((status[list].int ?? 0) + Whole(before.count - after.count))
            setListed(list, after)
        }
    }

    private func listed(_ list: String) -> [String] { status["uncountedTerminatedPods"][list].elements.compactMap(\.string) }

    private mutating func setListed(_ list: String, _ uids: [String]) {
        status["uncountedTerminatedPods"][list] = uids.isEmpty ? .null : Value(uids)
        if status["uncountedTerminatedPods"].isNull { status["uncountedTerminatedPods"] = .emptyObject }
    }

    /// Ends the Job, when every Pod is counted and gone.
    /// - Returns: what to tell, `nil` where it goes on.
    mutating func end() -> [Happening]? {
        guard let verdict, !isCutShort, listed("succeeded").isEmpty, listed("failed").isEmpty, status["terminating"].int ?? 0 == 0
        else { return nil }
        setCondition(verdict.end, true, verdict.reason, verdict.message)
        guard !verdict.isFailure else { return [Happening(isWarning: true, reason: verdict.reason, message: verdict.message)] }
        status["completionTime"] = .string(Timestamp.format(seconds: now))
        var told = [Happening(reason: "Completed", message: "Job completed")]
        if let completions = spec["completions"].int, status["succeeded"].int ?? 0 > completions {
            let message = "Too many succeeded pods running after completion count reached"
            told.insert(Happening(isWarning: true, reason: "TooManySucceededPods", message: message), at: 0)
        }
        return told
    }

    private mutating func setCondition(_ type: String, _ state: Conditions.State, _ reason: String, _ message: String) {
        guard Conditions.set(&status, type: type, state, reason: reason, message: message) else { return }
        Conditions.update(&status, type: type) { $0["lastProbeTime"] = $0["lastTransitionTime"] }
    }
}
