public import APIModel
public import PluginKit

/// Starts Jobs when they are due.
///
/// Rules: upstream `pkg/controller/cronjob`. `CronJobPlan` says what to do.
public struct CronJobController: Controller {
    private static let resource = GroupVersionResource(group: "batch", version: "v1", resource: "cronjobs")
    private static let jobs = GroupVersionResource(group: "batch", version: "v1", resource: "jobs")

    private let objects: Objects

    public init(_ host: Host, config: Value) { objects = host.objects }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard let cronJob = try objects.get(Self.resource, namespace: key.namespace, name: key.name) else { return .done }
        let jobs = try objects.dependents(of: cronJob["metadata"]["uid"].string ?? "", Self.jobs).filter {
            OwnerReference.isControlled($0, by: cronJob)
        }
        let missing = try missing(cronJob, jobs)
        var plan = CronJobPlan(cronJob, jobs: jobs, missing: missing, now: Timestamp.nowSeconds())
        for told in plan.told { objects.event(cronJob, told.isWarning ? .warning : .normal, reason: told.reason, message: told.message) }
        for job in plan.outdated { try delete(job, of: cronJob, &plan) }
        var problem: (any Error)?
        if let start = plan.start {
            do { try begin(start, of: cronJob, &plan) } catch { problem = error }
        }
        if plan.status != cronJob["status"], !(plan.status.isEmpty && cronJob["status"].isEmpty) {
            var changed = cronJob
            changed["status"] = plan.status
            try objects.updateStatus(Self.resource, changed)
        }
        if let problem { throw problem }
        // A little later than due, for clocks that differ.
        return plan.wait.map { .doneCheckAgain(afterMilliseconds: $0 * 1000 + 100) } ?? .done
    }

    /// The uids of Jobs that should run and that the API itself does not know any more.
    private func missing(_ cronJob: Value, _ jobs: [Value]) throws -> Set<String> {
        let own = Set(jobs.map { $0["metadata"]["uid"] })
        var missing: Set<String> = []
        for reference in cronJob["status"]["active"].elements where !own.contains(reference["uid"]) {
            let found = try objects.fetch(
                Self.jobs, namespace: cronJob["metadata"]["namespace"].string ?? "", name: reference["name"].string ?? "")
            if found?["metadata"]["uid"] != reference["uid"] { missing.insert(reference["uid"].string ?? "") }
        }
        return missing
    }

    private func begin(_ start: CronJobPlan.Start, of cronJob: Value, _ plan: inout CronJobPlan) throws {
        let namespace = cronJob["metadata"]["namespace"].string ?? ""
        for reference in start.replaced {
            let job: Value = ["metadata": ["name": reference["name"], "namespace": .string(namespace), "uid": reference["uid"]]]
            try delete(job, of: cronJob, &plan)
        }
        do {
            let job = try objects.create(Self.jobs, namespace: namespace, plan.job(at: start.time))
            objects.event(
                cronJob, .normal, reason: "SuccessfulCreate", message: "Created job \(job["metadata"]["name"].string ?? "")")
            plan.started(job, at: start.time)
        } catch let error as APIError where error.reason == .alreadyExists {
            // Made in an earlier look that ended before it was noted, or by somebody else.
            let existing = try objects.fetch(Self.jobs, namespace: namespace, name: plan.name(at: start.time))
            if let existing, OwnerReference.isControlled(existing, by: cronJob) { plan.started(existing, at: start.time) }
        } catch let error as APIError where error.isOfEndingNamespace {
            return
        } catch {
            objects.event(cronJob, .warning, reason: "FailedCreate", message: "Error creating job: \(error)")
            throw error
        }
    }

    private func delete(_ job: Value, of cronJob: Value, _ plan: inout CronJobPlan) throws {
        do {
            if try objects.remove(Self.jobs, job, propagation: "Background") {
                objects.event(cronJob, .normal, reason: "SuccessfulDelete", message: "Deleted job \(job["metadata"]["name"].string ?? "")")
            }
        } catch {
            objects.event(cronJob, .warning, reason: "FailedDelete", message: "Deleted job: \(error)")
            throw error
        }
        plan.deleted(job["metadata"]["uid"])
    }
}
