import APIModel
import OrderedCollections
import PluginKit
import Testing

@testable import ControllerCronJob

@Suite struct CronJobPlanTests {
    /// A Friday.
    static let now = Timestamp.parse("2026-11-27T10:07:30Z")?.seconds ?? 0

    static func cronJob(_ spec: Value = .emptyObject, status: Value = .emptyObject, created: String = "2026-11-27T10:06:30Z") -> Value {
        var all: Value = [
            "schedule": "*/5 * * * *", "timeZone": "UTC", "concurrencyPolicy": "Allow", "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1,
            "jobTemplate": ["metadata": ["labels": ["a": "b"]], "spec": ["template": .emptyObject]],
        ]
        for (name, value) in spec.fields { all[name] = value }
        return [
            "apiVersion": "batch/v1", "kind": "CronJob",
            "metadata": ["name": "tick", "namespace": "default", "uid": "c", "creationTimestamp": .string(created)], "spec": all,
            "status": status,
        ]
    }

    static func job(_ name: String, _ end: String? = nil, started: String = "2026-11-27T10:00:00Z") -> Value {
        let condition: Value = ["type": Value(end), "status": "True"]
        return [
            "metadata": ["name": .string(name), "namespace": "default", "uid": .string(name)],
            "status": [
                "startTime": .string(started), "conditions": end == nil ? .null : [condition],
                "completionTime": end == "Complete" ? "2026-11-27T10:01:00Z" : .null,
            ],
        ]
    }

    static func active(_ names: String...) -> Value {
        ["active": .array(names.map { ["name": .string($0), "uid": .string($0)] })]
    }

    private func look(_ cronJob: Value, jobs: [Value] = [], missing: Set<String> = []) -> CronJobPlan {
        CronJobPlan(cronJob, jobs: jobs, missing: missing, now: Self.now)
    }

    /// Seconds until the next look, whatever was missed: over week-ends, after weeks, and before anything was ever started.
    @Test(
        arguments: [
            ("30 6-16/4 * * 1-5", "2016-05-19T10:30:00Z", "2016-05-20T10:31:00Z", 14_340),
            ("30 10,11,12 * * 1-5", "2016-05-19T10:30:00Z", "2016-05-20T16:30:00Z", 237_600),
            ("0 12 * * 4", "2016-05-19T12:00:00Z", "2016-06-07T11:30:00Z", 174_600),
            ("0 12 * * 5", nil, "2016-05-19T16:00:00Z", 72_000),
        ] as [(String, String?, String, Whole)])
    func looksAgain(schedule: String, last: String?, now: String, wait: Whole) {
        let cronJob = Self.cronJob(
            ["schedule": .string(schedule)], status: ["lastScheduleTime": Value(last)], created: "2016-05-19T10:00:00Z")
        let plan = CronJobPlan(cronJob, jobs: [], missing: [], now: Value.string(now).time ?? 0)
        #expect(plan.wait == wait)
    }

    /// What is started, when the next look is, what is said.
    @Test(
        arguments: [
            // Made a minute ago, nothing was due since.
            (cronJob(), "-", 150, ""),
            // Due at 10:05.
            (cronJob(created: "2026-11-27T10:00:30Z"), "10:05:00", 150, ""),
            (cronJob(status: ["lastScheduleTime": "2026-11-27T10:05:00Z"], created: "2026-11-27T09:00:00Z"), "-", 150, ""),
            // Of several that were missed, only the last is made up for.
            (cronJob(created: "2026-11-27T09:00:30Z"), "10:05:00", 150, ""),
            (cronJob(created: "2026-10-01T09:00:30Z"), "10:05:00", 150, "TooManyMissedTimes"),
            // Nothing before the deadline counts.
            (cronJob(["startingDeadlineSeconds": 100], created: "2026-11-27T09:00:30Z"), "-", 150, ""),
            (cronJob(["startingDeadlineSeconds": 160], created: "2026-10-01T09:00:30Z"), "10:05:00", 150, ""),
            (cronJob(["suspend": true], created: "2026-11-27T10:00:30Z"), "-", -1, ""),
            // The clock was set back: what was started is not started again, and the time until the next is known. And forth.
            (cronJob(status: ["lastScheduleTime": "2026-11-27T11:05:00Z"]), "-", 3750, ""),
            (cronJob(created: "2026-11-27T12:07:30Z"), "-", 7350, ""),
            (cronJob(["schedule": "* * * * *"], created: "1970-01-01T00:00:00Z"), "10:07:00", 30, "TooManyMissedTimes"),
            (
                cronJob(["schedule": "* * * * *", "startingDeadlineSeconds": 86400], created: "2026-10-01T00:00:00Z"), "10:07:00", 30,
                "TooManyMissedTimes"
            ),
            (cronJob(["startingDeadlineSeconds": .int(.max)], created: "2026-11-27T10:00:30Z"), "10:05:00", 150, ""),
            (cronJob(["schedule": "0 0 31 2 *"], created: "2026-11-27T10:00:30Z"), "-", -1, "InvalidSchedule"),
            (cronJob(["schedule": "* * * *"], created: "2026-11-27T10:00:30Z"), "-", -1, "UnparseableSchedule"),
            (cronJob(["timeZone": "Foo/Bar"], created: "2026-11-27T10:00:30Z"), "-", -1, "UnknownTimeZone"),
            // Where it is 11 o'clock.
            (cronJob(["schedule": "5 11 * * *", "timeZone": "Europe/Berlin"], created: "2026-11-27T10:00:30Z"), "10:05:00", 86250, ""),
            (cronJob(["schedule": "5 10 * * *", "timeZone": "Europe/Berlin"], created: "2026-11-27T10:00:30Z"), "-", 82650, ""),
            // One runs already.
            (
                cronJob(["concurrencyPolicy": "Forbid"], status: active("old"), created: "2026-11-27T10:00:30Z"), "-", 150,
                "JobAlreadyActive"
            ),
            (
                cronJob(["concurrencyPolicy": "Replace"], status: active("old"), created: "2026-11-27T10:00:30Z"), "10:05:00 for old", 150,
                ""
            ),
            (cronJob(status: active("old"), created: "2026-11-27T10:00:30Z"), "10:05:00", 150, ""),
            (cronJob(status: active("tick-29929565"), created: "2026-11-27T10:00:30Z"), "-", 150, ""),
        ] as [(Value, String, Whole, String)])
    func schedules(cronJob: Value, start: String, wait: Whole, told: String) {
        let jobs = cronJob["status"]["active"].elements.map { Self.job($0["name"].string ?? "") }
        let plan = look(cronJob, jobs: jobs)
        let replaced = plan.start?.replaced.compactMap { $0["name"].string } ?? []
        let shown = plan.start.map {
            Timestamp.format(seconds: $0.time).dropFirst(11).dropLast() + (replaced.isEmpty ? "" : " for \(replaced[0])")
        }
        #expect((shown.map(String.init) ?? "-") == start)
        #expect((plan.wait ?? -1) == wait)
        #expect(plan.told.map(\.reason).joined() == told)
    }

    @Test func notesWhatBecameOfItsJobs() {
        let cronJob = Self.cronJob(["suspend": true], status: Self.active("a", "b", "c"))
        let plan = look(cronJob, jobs: [Self.job("a"), Self.job("b", "Complete"), Self.job("d")], missing: ["c"])
        #expect(plan.status["active"].elements.map { $0["name"].string } == ["a"])
        #expect(plan.status["lastSuccessfulTime"] == "2026-11-27T10:01:00Z")
        #expect(plan.told.map(\.reason) == ["SawCompletedJob", "UnexpectedJob", "MissingJob"])
        #expect(plan.told[0].message == "Saw completed job: b, condition: Complete")
    }

    @Test func keepsTheNewest() {
        let jobs =
            (1...5).map { Self.job("s\($0)", "Complete", started: "2026-11-27T0\($0):00:00Z") } + [
                Self.job("f1", "Failed", started: "2026-11-27T01:00:00Z"), Self.job("f2", "Failed", started: "2026-11-27T02:00:00Z"),
                Self.job("r"),
            ]
        #expect(look(Self.cronJob(), jobs: jobs).outdated.compactMap { $0["metadata"]["name"].string } == ["s1", "s2", "f1"])
        #expect(look(Self.cronJob(["successfulJobsHistoryLimit": 0]), jobs: jobs).outdated.count == 6)
    }

    @Test func aJobIsNamedByItsTime() {
        var plan = look(Self.cronJob(["timeZone": "Europe/Berlin"]))
        let due = Self.now - 150
        let job = plan.job(at: due)
        #expect(job["metadata"]["name"].string == "tick-\(due / 60)" && job["metadata"]["labels"] == ["a": "b"])
        #expect(
            job["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"] == "2026-11-27T11:05:00+01:00")
        plan.started(job, at: due)
        #expect(plan.status["lastScheduleTime"] == "2026-11-27T10:05:00Z" && plan.status["active"][0]["kind"] == "Job")
    }
}
