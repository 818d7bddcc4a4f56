internal import APIModel
internal import PluginKit

/// One look at a Job and its Pods: what they have come to, and what should happen next. No clock, no API: the controller does what it says.
struct JobSync {
    /// How the Job ends. It is told in two steps: `FailureTarget` or `SuccessCriteriaMet` as soon as it is clear, `Failed` or `Complete` once
    /// every Pod is counted and gone.
    struct Verdict: Hashable {
        var isFailure: Bool
        var reason: String
        var message: String

        var announcement: String { isFailure ? "FailureTarget" : "SuccessCriteriaMet" }
        var end: String { isFailure ? "Failed" : "Complete" }

        static func failure(_ reason: String, _ message: String) -> Verdict { Verdict(isFailure: true, reason: reason, message: message) }
        static func success(_ reason: String, _ message: String) -> Verdict { Verdict(isFailure: false, reason: reason, message: message) }
    }

    enum Step {
        case nothing
        /// Deletes Pods that still count when they end.
        case end([JobPod])
        /// Deletes Pods that are not to count: the Job lets go of them first.
        case remove([JobPod])
        /// Makes a Pod for each; `nil` where Pods have no index.
        case create([Whole?])
        /// Nothing until so many seconds have passed.
        case wait(Whole)
    }

    /// The most Pods made or deleted in one look; the rest follows with the next.
    static let burst = 500

    let job: Value
    let spec: Value
    let pods: [JobPod]
    /// Seconds since 1970.
    let now: Whole
    var status: Value
    /// With the Pods that ended since it was last noted.
    private(set) var backoff: JobBackoff
    let active: [JobPod]
    let uncounted: (succeeded: Set<String>, failed: Set<String>)
    let counted: CompletionIndexes
    private(set) var succeeded: Whole
    private(set) var failed: Whole
    private(set) var succeededIndexes: CompletionIndexes
    /// `nil` where indexes have no limit of their own.
    private(set) var failedIndexes: CompletionIndexes?
    /// The last failed Pod of each index that has none now: it hands its count on to the next one, so it stays until there is one.
    private(set) var handingOver: [Whole: JobPod] = [:]
    var verdict: Verdict?
    /// Not every Pod that ended could be noted: there is more to do before the Job can end.
    var isCutShort = false

    /// - Parameter backoff: what is remembered; `nil` after a start, when it is read from the Pods that are still there.
    init(_ job: Value, _ pods: [JobPod], backoff: JobBackoff?, now: Whole) {
        self.job = job
        self.pods = pods
        self.now = now
        spec = job["spec"]
        status = job["status"].isNull ? .emptyObject : job["status"]
        active = pods.filter(\.isActive)
        let listed = status["uncountedTerminatedPods"]
        uncounted = (
            Set(listed["succeeded"].elements.compactMap(\.string)), Set(listed["failed"].elements.compactMap(\.string))
        )
        (succeeded, failed, self.backoff) = (0, 0, JobBackoff())
        counted = CompletionIndexes(status["completedIndexes"].string ?? "", below: spec["completions"].int ?? 0)
        succeededIndexes = counted
        if status["startTime"].isNull, !isSuspended { status["startTime"] = .string(Timestamp.format(seconds: now)) }
        let known = backoff ?? JobBackoff().updated(by: pods.filter { !$0.isTracked && $0.hasEnded })
        self.backoff = known.updated(by: newlySucceeded + newlyFailed)
        count()
        judge()
    }

    var isIndexed: Bool { spec["completionMode"].string == "Indexed" }
    var isSuspended: Bool { spec["suspend"].bool == true }
    var isBeingDeleted: Bool { !job["metadata"]["deletionTimestamp"].isNull }
    var waitsForEnd: Bool { spec["podReplacementPolicy"].string == "Failed" }
    var limitsEachIndex: Bool { !spec["backoffLimitPerIndex"].isNull }
    var failurePolicy: FailurePolicy { FailurePolicy(spec["podFailurePolicy"]) }
    var terminating: Whole { Whole(pods.count(where: \.isTerminating)) }

    func isFailed(_ pod: JobPod) -> Bool { pod.isFailed(waitsForEnd: waitsForEnd) }

    /// Whether its end means something to the Job: a Pod of an Indexed Job needs an index that the Job has.
    func isValid(_ pod: JobPod) -> Bool {
        guard isIndexed else { return true }
        guard let index = pod.index, let completions = spec["completions"].int else { return false }
        return index < completions
    }

    // Pods that ended and are in no count yet.
    private var newlySucceeded: [JobPod] {
        pods.filter { $0.isTracked && $0.isSucceeded && !uncounted.succeeded.contains($0.uid) && isValid($0) }
    }
    private var newlyFailed: [JobPod] {
        pods.filter { $0.isTracked && isFailed($0) && !uncounted.failed.contains($0.uid) && isValid($0) }
    }

    // MARK: Counting

    private mutating func count() {
        let policy = failurePolicy
        let newlyFailed = newlyFailed.filter(policy.counts)
        failed = (status["failed"].int ?? 0) + Whole(newlyFailed.count) + Whole(uncounted.failed.count)
        succeeded = (status["succeeded"].int ?? 0) + Whole(newlySucceeded.count) + Whole(uncounted.succeeded.count)
        guard isIndexed, let completions = spec["completions"].int else { return }
        let tracked = pods.filter { $0.isTracked && isValid($0) }
        succeededIndexes = counted.union(tracked.filter(\.isSucceeded).compactMap(\.index))
        succeeded = succeededIndexes.count
        guard let limit = spec["backoffLimitPerIndex"].int else { return }
        let ended = tracked.filter(isFailed)
        let before = CompletionIndexes(status["failedIndexes"].string ?? "", below: completions)
        let failed = before.union(ended.filter { isEndOfIndex($0, limit, policy) }.compactMap(\.index))
        failedIndexes = failed
        let running = Set(active.compactMap(\.index))
        for pod in ended {
            guard let index = pod.index, !succeededIndexes.contains(index), !failed.contains(index), !running.contains(index) else {
                continue
            }
            if let other = handingOver[index], (Self.failures(other), other.finished) > (Self.failures(pod), pod.finished) { continue }
            handingOver[index] = pod
        }
    }

    private func isEndOfIndex(_ pod: JobPod, _ limit: Whole, _ policy: FailurePolicy) -> Bool {
        switch policy.action(for: pod) {
        case .failIndex: true
        case .ignore: false
        case .count, .failJob: pod.failures(JobPod.failureCount) >= limit
        }
    }

    /// All failures of an index up to and without this Pod's own.
    static func failures(_ pod: JobPod) -> Whole { pod.failures(JobPod.failureCount) + pod.failures(JobPod.ignoredFailureCount) }

    // MARK: Judging

    private mutating func judge() {
        if let announced = condition("SuccessCriteriaMet") {
            verdict = .success(announced["reason"].string ?? "", announced["message"].string ?? "")
        } else if let announced = condition("FailureTarget") {
            verdict = .failure(announced["reason"].string ?? "", announced["message"].string ?? "")
        } else {
            verdict = failureByPolicy ?? failureByLimit ?? failureOfIndexes ?? successByPolicy
        }
    }

    private func condition(_ type: String) -> Value? {
        status["conditions"].elements.first { $0["type"].string == type && $0["status"].string == "True" }
    }

    private var failureByPolicy: Verdict? {
        let policy = failurePolicy
        for pod in pods where isFailed(pod) {
            if case .failJob(let message) = policy.action(for: pod) { return .failure("PodFailurePolicy", message) }
        }
        return nil
    }

    private var failureByLimit: Verdict? {
        if let limit = spec["backoffLimit"].int, failed > limit || restarts.map({ $0 > 0 && $0 >= limit }) ?? false {
            return .failure("BackoffLimitExceeded", "Job has reached the specified backoff limit")
        }
        if let left = secondsToDeadline, left <= 0 {
            return .failure("DeadlineExceeded", "Job was active longer than specified deadline")
        }
        return nil
    }

    /// Of the containers of running Pods, where it is the kubelet that starts them again.
    private var restarts: Whole? {
        guard spec["template"]["spec"]["restartPolicy"].string == "OnFailure" else { return nil }
        return pods.filter { $0.phase == "Running" || $0.phase == "Pending" }.reduce(.zero) { sum, pod in
            let status = pod.object["status"]
            return (status["initContainerStatuses"].elements + status["containerStatuses"].elements).reduce(sum) {
                $0 + ($1["restartCount"].int ?? 0)
            }
        }
    }

    /// `nil` where no deadline counts.
    var secondsToDeadline: Whole? {
        guard let deadline = spec["activeDeadlineSeconds"].seconds, !isSuspended,
            let started = status["startTime"].time
        else { return nil }
        return started + deadline - now
    }

    private var failureOfIndexes: Verdict? {
        guard let failed = failedIndexes else { return nil }
        if let most = spec["maxFailedIndexes"].int, failed.count > most {
            return .failure("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes")
        }
        guard !failed.isEmpty, failed.count + succeededIndexes.count >= spec["completions"].int ?? 0 else { return nil }
        return .failure("FailedIndexes", "Job has failed indexes")
    }

    private var successByPolicy: Verdict? {
        guard isIndexed else { return nil }
        return SuccessPolicy.message(spec["successPolicy"], succeeded: succeededIndexes, completions: spec["completions"].int ?? 0)
            .map { .success("SuccessPolicy", $0) }
    }

    // MARK: What to do

    func step() -> Step {
        if verdict != nil { return active.isEmpty ? .nothing : .end(active) }
        if isBeingDeleted { return .nothing }
        let surplus = superfluous(atLeast: max(0, Whole(active.count) - wanted))
        if !surplus.isEmpty { return .remove(Array(surplus.prefix(Self.burst))) }
        let lacking = wanted - Whole(active.count) - (waitsForEnd ? terminating : 0)
        guard !isSuspended, lacking > 0 else { return .nothing }
        if !limitsEachIndex {
            let wait = backoff.remaining(now: now)
            if wait > 0 { return .wait(wait) }
        }
        let count = Int(min(lacking, Whole(Self.burst)))
        guard isIndexed else { return .create(Array(repeating: nil, count: count)) }
        return createIndexes(count)
    }

    /// How many Pods should run.
    private var wanted: Whole {
        if isSuspended { return 0 }
        let parallelism = max(0, spec["parallelism"].int ?? 1)
        guard let completions = spec["completions"].int else {
            // Each Pod knows when all is done: after the first success no new one comes.
            return succeeded > 0 ? Whole(active.count) : parallelism
        }
        return max(0, min(completions - succeeded, parallelism))
    }

    private func createIndexes(_ count: Int) -> Step {
        var taken = succeededIndexes.union(active.compactMap(\.index))
        if waitsForEnd { taken = taken.union(pods.filter(\.isTerminating).compactMap(\.index)) }
        if let failedIndexes { taken = taken.union(failedIndexes) }
        let missing = taken.missing(below: spec["completions"].int ?? 0, count: count)
        let waits = missing.map { index in
            limitsEachIndex
                ? handingOver[index].map { JobBackoff.remaining(failures: Self.failures($0) + 1, lastFailure: $0.finished, now: now) } ?? 0
                : 0
        }
        let ready = zip(missing, waits).filter { $1 <= 0 }.map { Optional($0.0) }
        if ready.isEmpty { return waits.min().map { .wait($0) } ?? .nothing }
        return .create(ready)
    }

    /// Pods to give up: those with no index, a second one of an index, or one that the Job has no more; then those worth least.
    private func superfluous(atLeast count: Whole) -> [JobPod] {
        guard isIndexed else { return Array(worthLeast(active).prefix(Int(count))) }
        var surplus = active.filter { !isValid($0) }
        var kept: [JobPod] = []
        for (_, pods) in Dictionary(grouping: active.filter(isValid), by: { $0.index ?? 0 }) {
            let ordered = worthLeast(pods)
            surplus += ordered.dropLast()
            kept += ordered.suffix(1)
        }
        let rest = Int(count) - surplus.count
        return rest > 0 ? surplus + worthLeast(kept).prefix(rest) : surplus
    }

    private func worthLeast(_ pods: [JobPod]) -> [JobPod] { DeletionOrder.sorted(pods.map(\.object)).map(JobPod.init) }
}
