public import APIModel
public import PluginKit
internal import Synchronization

/// Runs Pods until enough of them have succeeded.
///
/// Rules: upstream `pkg/controller/job`. `JobSync` says what to do; this does it, in an order that loses no Pod wherever it is cut short.
public struct JobController: Controller {
    private static let resource = GroupVersionResource(group: "batch", version: "v1", resource: "jobs")

    private let objects: Objects
    private let backoffs = Backoffs()

    public init(_ host: Host, config: Value) { objects = host.objects }

    /// Of a Job, or of a Pod that its Job has left behind.
    public func reconcile(_ key: Key) throws -> Outcome {
        if key.resource == GroupVersionResource.pods.description {
            // That the Job is gone, only the API itself can say.
            if let pod = try objects.get(.pods, namespace: key.namespace, name: key.name),
                try isLeftBehind(pod, by: { try objects.fetch(Self.resource, namespace: key.namespace, name: $0) })
            {
                try release([JobPod(pod)])
            }
            return .done
        }
        guard let job = try objects.get(Self.resource, namespace: key.namespace, name: key.name) else {
            backoffs[key.uid] = nil
            try release(ownPods(key.uid))
            return .done
        }
        let uid = job["metadata"]["uid"].string ?? ""
        if !key.uid.isEmpty, key.uid != uid {
            // Of an earlier Job of the name, which was gone and made again between two looks.
            backoffs[key.uid] = nil
            try release(ownPods(key.uid))
        }
        guard job["spec"]["managedBy"].isNull || job["spec"]["managedBy"] == "kubernetes.io/job-controller" else { return .done }
        if !JobState.end(of: job).isNull {
            backoffs[uid] = nil
            try release(ownPods(uid))
            return .done
        }
        return try sync(job, uid)
    }

    /// A Pod that lost its Job before the Job let go of it.
    public func map(resource: String, before: Value, after: Value) -> [Key] {
        let namespace = after["metadata"]["namespace"].string ?? ""
        let isLeft = try? isLeftBehind(after) { try objects.get(Self.resource, namespace: namespace, name: $0) }
        return isLeft == true ? [Key(after, of: resource)] : []
    }

    /// Whether nobody else will let go of the Pod: no Job has it, or it is being deleted for a Job that is not there.
    /// - Parameter job: finds one by its name.
    private func isLeftBehind(_ pod: Value, by job: (String) throws -> Value?) rethrows -> Bool {
        guard JobPod(pod).isTracked else { return false }
        let owner = OwnerReference.controller(of: pod)
        if owner.isNull { return true }
        guard owner["kind"].string == "Job", !pod["metadata"]["deletionTimestamp"].isNull else { return false }
        return try job(owner["name"].string ?? "")?["metadata"]["uid"] != owner["uid"]
    }

    private func sync(_ job: Value, _ uid: String) throws -> Outcome {
        let pods = try objects.claim(.pods, for: job, of: Self.resource, selector: job["spec"]["selector"], finalizer: JobPod.finalizer)
            .map(JobPod.init)
        var sync = JobSync(job, pods, backoff: backoffs[uid], now: Timestamp.nowSeconds())
        var (done, problem) = (JobSync.Done(), (any Error)?.none)
        let step = sync.step()
        do { try act(on: step, sync, &done) } catch { problem = error }
        let happenings = sync.settle(done, isWhole: problem == nil)
        let ended = sync.note()
        var current = try write(sync.status, to: job)
        backoffs[uid] = sync.backoff
        tell(happenings, about: job)

        sync.release(try release(ended))
        let end = sync.end()
        current = try write(sync.status, to: current)
        if let end {
            tell(end, about: current)
            return .done
        }
        if let problem { throw problem }
        return next(sync, step)
    }

    private func next(_ sync: JobSync, _ step: JobSync.Step) -> Outcome {
        var waits = [sync.secondsToDeadline].compactMap { $0 }.filter { $0 > 0 }
        if case .wait(let seconds) = step { waits.append(seconds) }
        return waits.min().map { .doneCheckAgain(afterMilliseconds: $0 * 1000) } ?? .done
    }

    private func act(on step: JobSync.Step, _ sync: JobSync, _ done: inout JobSync.Done) throws {
        switch step {
        case .nothing, .wait: return
        case .end(let pods):
            let outcome = Batches.all(pods) { [objects] in try objects.deletePod($0.object, of: sync.job) }
            done.removed = outcome.done
            if let error = outcome.error { throw error }
        case .remove(let pods):
            let outcome = Batches.all(pods) { [objects] pod in
                try objects.letGo(pod)
                try objects.deletePod(pod.object, of: sync.job)
            }
            done.removed = outcome.done
            if let error = outcome.error { throw error }
        case .create(let indexes):
            let outcome = Batches.slowStart(indexes) { [objects] in try objects.createPod(sync.pod(index: $0), for: sync.job) != nil }
            done.created = outcome.done.count
            if let error = outcome.error { throw error }
        }
    }

    private func write(_ status: Value, to job: Value) throws -> Value {
        guard status != job["status"] else { return job }
        var changed = job
        changed["status"] = status
        return try objects.updateStatus(Self.resource, changed)
    }

    private func tell(_ happenings: [JobSync.Happening], about job: Value) {
        for told in happenings { objects.event(job, told.isWarning ? .warning : .normal, reason: told.reason, message: told.message) }
    }

    private func ownPods(_ uid: String) throws -> [JobPod] {
        guard !uid.isEmpty else { return [] }
        return try objects.dependents(of: uid, .pods).filter { OwnerReference.controller(of: $0)["uid"].string == uid }.map(JobPod.init)
    }

    /// Lets go of Pods, which then can be deleted.
    /// - Returns: the uids of those that the Job holds no more.
    @discardableResult
    private func release(_ pods: [JobPod]) throws -> Set<String> {
        let outcome = Batches.all(pods.filter(\.isTracked)) { [objects] in try objects.letGo($0) }
        if let error = outcome.error { throw error }
        return Set(outcome.done.map(\.uid))
    }
}

extension Objects {
    /// Takes away the finalizer by which a Job keeps the Pod.
    fileprivate func letGo(_ pod: JobPod) throws {
        guard pod.isTracked else { return }
        let metadata = pod.object["metadata"]
        do {
            try patch(
                .pods, namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? "", .strategic,
                ["metadata": ["uid": metadata["uid"], "$deleteFromPrimitiveList/finalizers": [.string(JobPod.finalizer)]]])
        } catch let error as APIError where error.reason == .notFound || error.reason == .conflict {}
    }
}

/// The back-off of each unfinished Job by its uid. A hint: a start without it waits shorter.
private final class Backoffs: Sendable {
    private let known = Mutex<[String: JobBackoff]>([:])

    subscript(uid: String) -> JobBackoff? {
        get { known.withLock { $0[uid] } }
        set { known.withLock { $0[uid] = newValue } }
    }
}
