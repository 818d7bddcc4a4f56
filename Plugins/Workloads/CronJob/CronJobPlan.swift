internal import APIModel
internal import PluginKit

/// What a CronJob should do now, given its Jobs. No clock, no API: the controller does what it says.
struct CronJobPlan {
    /// An Event about the CronJob.
    struct Told: Hashable {
        var isWarning = false
        var reason: String
        var message: String
    }

    /// A Job to start, in place of others.
    struct Start: Hashable {
        /// When it was due, in seconds since 1970.
        var time: Whole
        /// References to the Jobs that have to go first.
        var replaced: [Value] = []
    }

    let cronJob: Value
    /// Seconds since 1970.
    let now: Whole
    private(set) var status: Value
    private(set) var told: [Told] = []
    private(set) var start: Start?
    /// Seconds until the next look, `nil` when only a change makes one useful.
    private(set) var wait: Whole?
    private let jobs: [Value]

    /// - Parameters:
    ///   - jobs: those that the CronJob controls.
    ///   - missing: uids in `status.active` of Jobs that are gone.
    init(_ cronJob: Value, jobs: [Value], missing: Set<String>, now: Whole) {
        (self.cronJob, self.jobs, self.now) = (cronJob, jobs, now)
        status = cronJob["status"].isNull ? .emptyObject : cronJob["status"]
        for job in jobs { note(job) }
        for reference in active where missing.contains(reference["uid"].string ?? "") {
            drop(reference["uid"])
            tell("MissingJob", "Active job went missing: \(reference["name"].string ?? "")")
        }
        if cronJob["metadata"]["deletionTimestamp"].isNull { schedule() }
    }

    private var active: [Value] { status["active"].elements }

    private mutating func drop(_ uid: Value) {
        let rest = active.filter { $0["uid"] != uid }
        status["active"] = rest.isEmpty ? .null : .array(rest)
    }

    private mutating func tell(_ reason: String, _ message: String) { told.append(Told(reason: reason, message: message)) }
    private mutating func warn(_ reason: String, _ message: String) {
        told.append(Told(isWarning: true, reason: reason, message: message))
    }

    // MARK: What became of its Jobs

    /// `Complete` or `Failed`, `nil` for one that still runs.
    static func end(of job: Value) -> String? { JobState.end(of: job)["type"].string }

    private mutating func note(_ job: Value) {
        let (uid, name) = (job["metadata"]["uid"], job["metadata"]["name"].string ?? "")
        let isListed = active.contains { $0["uid"] == uid }
        guard let end = Self.end(of: job) else {
            if !isListed { warn("UnexpectedJob", "Saw a job that the controller did not create or forgot: \(name)") }
            return
        }
        if isListed {
            drop(uid)
            tell("SawCompletedJob", "Saw completed job: \(name), condition: \(end)")
        }
        let completed = job["status"]["completionTime"]
        if end == "Complete", let time = completed.time, time > status["lastSuccessfulTime"].time ?? .min {
            status["lastSuccessfulTime"] = completed
        }
    }

    /// The finished Jobs beyond what is kept, the oldest first.
    var outdated: [Value] {
        [("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")].flatMap { end, field -> [Value] in
            guard let limit = cronJob["spec"][field].int else { return [] }
            let ended = jobs.filter { Self.end(of: $0) == end && $0["metadata"]["deletionTimestamp"].isNull }
            func rank(_ job: Value) -> (Whole, String) {
                (job["status"]["startTime"].time ?? .max, job["metadata"]["name"].string ?? "")
            }
            return Array(ended.sorted { rank($0) < rank($1) }.prefix(max(0, ended.count - Int(max(0, limit)))))
        }
    }

    // MARK: What is due

    private mutating func schedule() {
        let spec = cronJob["spec"]
        let zoneName = spec["timeZone"].string
        guard let zone = zoneName.map(ZoneInfo.named) ?? .local else {
            let name = zoneName ?? ""
            return warn("UnknownTimeZone", "invalid timeZone: \(FieldError.quoted(name)): unknown time zone \(name)")
        }
        if spec["suspend"].bool == true { return }
        let line = spec["schedule"].string ?? ""
        do throws(CronSchedule.Problem) {
            schedule(try CronSchedule(line), zone, line)
        } catch {
            warn("UnparseableSchedule", "unparseable schedule: \(FieldError.quoted(line)) : \(error)")
        }
    }

    private mutating func schedule(_ schedule: CronSchedule, _ zone: ZoneInfo, _ line: String) {
        let earliest = status["lastScheduleTime"].time ?? cronJob["metadata"]["creationTimestamp"].time ?? now
        let deadline = cronJob["spec"]["startingDeadlineSeconds"].seconds
        guard schedule.next(after: earliest, in: zone) != nil else {
            return warn("InvalidSchedule", "invalid schedule: \(line) : time difference between two schedules is less than 1 second")
        }
        let last = schedule.last(after: earliest, until: now, in: zone)
        wait = schedule.next(after: last ?? earliest, in: zone).map { max(0, $0 - now) }
        let from = max(earliest, deadline.map { now - $0 } ?? earliest)
        guard let due = schedule.last(after: from, until: now, in: zone) else { return }
        if let first = schedule.next(after: from, in: zone), let second = schedule.next(after: first, in: zone),
            (now - first) / max(1, second - first) + 1 > 100
        {
            warn(
                "TooManyMissedTimes", "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew")
        }
        if let deadline, due + deadline < now {
            return warn("MissSchedule", "Missed scheduled time to start a job: \(Self.mailDate(due))")
        }
        let isStarted = active.contains { $0["name"].string == name(at: due) } || status["lastScheduleTime"].time == due
        if isStarted { return }
        switch cronJob["spec"]["concurrencyPolicy"].string {
        case "Forbid" where !active.isEmpty:
            tell("JobAlreadyActive", "Not starting job because prior execution is running and concurrency policy is Forbid")
        case "Replace": start = Start(time: due, replaced: active)
        default: start = Start(time: due)
        }
    }

    /// `Fri, 27 Nov 2026 04:05:00 +0000`
    private static func mailDate(_ time: Whole) -> String {
        let local = ZoneInfo.utc.local(time)
        let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let parts = Timestamp.format(seconds: time).split(separator: "T")
        let day = parts[0].suffix(2)
        return "\(weekdays[Int(local.weekday)]), \(day) \(months[Int(local.month) - 1]) \(local.year) \(parts[1].dropLast()) +0000"
    }

    // MARK: The Job

    /// One name for one time, so that no Job is started twice.
    func name(at time: Whole) -> String { "\(cronJob["metadata"]["name"].string ?? "")-\(time / 60)" }

    func job(at time: Whole) -> Value {
        let template = cronJob["spec"]["jobTemplate"]
        let zone = cronJob["spec"]["timeZone"].string.flatMap(ZoneInfo.named) ?? .utc
        var job: Value = [
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": [
                "name": .string(name(at: time)), "labels": template["metadata"]["labels"],
                "annotations": template["metadata"]["annotations"], "ownerReferences": [OwnerReference.controller(cronJob)],
            ], "spec": template["spec"],
        ]
        job["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"] = .string(zone.text(time))
        return job
    }

    /// Notes that `job` was started, which may have ended already.
    mutating func started(_ job: Value, at time: Whole) {
        let metadata = job["metadata"]
        let reference: Value = [
            "apiVersion": "batch/v1", "kind": "Job", "name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
        ]
        if Self.end(of: job) == nil { status["active"] = .array(active + [reference]) }
        status["lastScheduleTime"] = .string(Timestamp.format(seconds: time))
    }

    /// Notes that a Job was deleted.
    mutating func deleted(_ uid: Value) { drop(uid) }
}
