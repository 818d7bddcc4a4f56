import APIModel
import Client
import Testing

@Suite(.serialized) struct JobTests {
    private let finalizer: Value = "batch.kubernetes.io/job-tracking"

    private func ended(_ job: Value?, _ type: String) -> Bool { condition(job ?? .null, type)["status"].string == "True" }

    @Test func runsPodsUntilEnoughHaveSucceeded() async throws {
        try await Cluster.with { cluster in
            let made = try await cluster.client.create(
                .jobs, namespace: "default", job("pi", hollow: "succeeds", ["completions": 5, "parallelism": 2]))
            let uid = Value.string(made.uid)
            #expect(made.value["spec"]["selector"] == ["matchLabels": ["batch.kubernetes.io/controller-uid": uid]])
            #expect(made.value["metadata"]["labels"]["batch.kubernetes.io/job-name"] == "pi" && made.labels["app"] == "pi")

            let done = try await cluster.wait(for: .jobs, "pi", "its end") { ended($0, "Complete") }
            let status = done["status"]
            #expect(status["succeeded"] == 5 && status["failed"].isNull && status["active"].isNull && status["ready"] == 0)
            #expect(status["uncountedTerminatedPods"] == .emptyObject && !status["startTime"].isNull && !status["completionTime"].isNull)
            #expect(condition(done, "SuccessCriteriaMet")["reason"] == "CompletionsReached")
            let pods = try await cluster.client.list(.pods, namespace: "default").items
            #expect(pods.count == 5 && pods.allSatisfy { $0.metadata["finalizers"].isEmpty })
            try await cluster.wait(for: .events, in: "default", "events") { events in
                events.contains { $0.value["reason"] == "Completed" } && events.count { $0.value["reason"] == "SuccessfulCreate" } == 5
            }
            try await cluster.waitUntilQuiet()
            try await cluster.delete(.jobs, "pi", "Background")
            try await cluster.wait(for: .pods, in: "default", "no Pod") { $0.isEmpty }
        }
    }

    @Test func countsIndexesAndFailures() async throws {
        try await Cluster.with { cluster in
            _ = try await cluster.client.create(
                .jobs, namespace: "default",
                job(
                    "each", hollow: "fails-odd",
                    ["completionMode": "Indexed", "completions": 4, "parallelism": 4, "backoffLimitPerIndex": 0]))
            let each = try await cluster.wait(for: .jobs, "each", "its end") { ended($0, "Failed") }
            #expect(each["status"]["completedIndexes"] == "0,2" && each["status"]["failedIndexes"] == "1,3")
            #expect(each["status"]["succeeded"] == 2 && each["status"]["failed"] == 2)
            #expect(condition(each, "Failed")["reason"] == "FailedIndexes" && condition(each, "FailureTarget")["status"] == "True")
            let names = try await cluster.client.list(.pods, namespace: "default").items.map { $0.name.prefix(7) }.sorted()
            #expect(names == ["each-0-", "each-1-", "each-2-", "each-3-"])

            // One fails, the other is taken down with it.
            _ = try await cluster.client.create(
                .jobs, namespace: "default",
                job(
                    "all", hollow: "fails-odd",
                    ["completionMode": "Indexed", "completions": 2, "parallelism": 2, "backoffLimit": 0]))
            let all = try await cluster.wait(for: .jobs, "all", "its end") { ended($0, "Failed") }
            #expect(condition(all, "Failed")["message"] == "Job has reached the specified backoff limit")
            #expect(all["status"]["active"].isNull)
            try await cluster.wait(for: .pods, in: "default", "no finalizers") { pods in
                pods.allSatisfy { $0.metadata["finalizers"].isEmpty }
            }
        }
    }

    @Test func standsStillAndGoesOn() async throws {
        try await Cluster.with { cluster in
            _ = try await cluster.client.create(
                .jobs, namespace: "default", job("later", ["suspend": true, "parallelism": 2, "completions": 2]))
            let suspended = try await cluster.wait(for: .jobs, "later", "suspended") { ended($0, "Suspended") }
            #expect(suspended["status"]["startTime"].isNull)
            #expect(try await cluster.client.list(.pods, namespace: "default").items.isEmpty)
            try await cluster.merge(.jobs, "later", ["spec": ["suspend": false]])
            let running = try await cluster.wait(for: .jobs, "later", "2 Pods") { $0?["status"]["ready"] == 2 }
            #expect(condition(running, "Suspended")["reason"] == "JobResumed" && !running["status"]["startTime"].isNull)
            try await cluster.merge(.jobs, "later", ["spec": ["suspend": true]])
            try await cluster.wait(for: .pods, in: "default", "no Pod") { $0.isEmpty }
            let again = try await cluster.wait(for: .jobs, "later", "suspended") {
                ended($0, "Suspended") && $0?["status"]["active"].isNull == true
            }
            // Those were not failures.
            #expect(again["status"]["failed"].isNull)
        }
    }

    @Test func leavesNothingBehind() async throws {
        try await Cluster.with { cluster in
            let keeps = finalizer
            _ = try await cluster.client.create(.jobs, namespace: "default", job("orphans", ["parallelism": 2, "completions": 2]))
            try await cluster.wait(for: .jobs, "orphans", "2 Pods") { $0?["status"]["ready"] == 2 }
            #expect(try await cluster.client.list(.pods, namespace: "default").items.allSatisfy { $0.metadata["finalizers"] == [keeps] })
            try await cluster.delete(.jobs, "orphans", "Orphan")
            try await cluster.wait(for: .pods, in: "default", "free Pods") { pods in
                pods.count == 2 && pods.allSatisfy { $0.metadata["finalizers"].isEmpty && $0.metadata["ownerReferences"].isEmpty }
            }
            _ = try await cluster.client.create(
                .jobs, namespace: "default", job("short", hollow: "succeeds", ["ttlSecondsAfterFinished": 1]))
            try await cluster.wait(for: .jobs, "short", "its end") { ended($0, "Complete") }
            try await cluster.wait(for: .jobs, "no Job") { $0.isEmpty }
            // Somebody else's.
            _ = try await cluster.client.create(.jobs, namespace: "default", job("others", ["managedBy": "example.com/it"]))
            try await cluster.waitUntilQuiet()
            #expect(try await cluster.client.get(.jobs, namespace: "default", name: "others").value["status"] == .emptyObject)
        }
    }

    /// Its Job waits for the end of a Pod, and one that never began must have one, too.
    @Test func aPodThatIsDeletedBeforeItHasANodeHasFailed() async throws {
        try await Cluster.with(Cluster.Setup(only: ["job", "podgc"])) { cluster in
            _ = try await cluster.client.create(
                .jobs, namespace: "default", job("pi", hollow: "pending", ["podReplacementPolicy": "Failed"]))
            let first = try await cluster.wait(for: .pods, in: "default", "a Pod") { $0.count == 1 }[0]
            try await cluster.delete(.pods, first.name)
            try await cluster.wait(for: .jobs, "pi", "a failure") {
                $0?["status"]["failed"] == 1 && $0?["status"]["terminating"] == 0
            }
            try await cluster.wait(for: .pods, in: "default", "the Pod to go") { $0.allSatisfy { $0.uid != first.uid } }
        }
    }

    @Test func aCronJobStartsJobsAndKeepsFew() async throws {
        try await Cluster.with { cluster in
            var cron: Value = [
                "apiVersion": "batch/v1", "kind": "CronJob", "metadata": ["name": "tick"],
                "spec": ["schedule": "@every 1s", "timeZone": "Europe/Berlin", "successfulJobsHistoryLimit": 1],
            ]
            cron["spec"]["jobTemplate"]["spec"] = job("x", hollow: "succeeds")["spec"]
            _ = try await cluster.client.create(.cronJobs, namespace: "default", cron)
            try await cluster.wait(for: .events, in: "default", "an end") { $0.contains { $0.value["reason"] == "SawCompletedJob" } }
            let ticked = try await cluster.wait(for: .cronJobs, "tick", "a success") { $0?["status"]["lastSuccessfulTime"].isNull == false }
            #expect(!ticked["status"]["lastScheduleTime"].isNull)
            let started = try await cluster.client.list(.jobs, namespace: "default").items
            #expect(started.allSatisfy { $0.name.hasPrefix("tick-") && $0.controllerReference["name"] == "tick" })
            let time = started.first?.metadata["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"].string
            #expect(time?.hasSuffix("+01:00") == true || time?.hasSuffix("+02:00") == true)
            // None that ended is kept.
            let later: Value = ["suspend": true, "schedule": "0 0 31 2 *", "successfulJobsHistoryLimit": 0]
            try await cluster.merge(.cronJobs, "tick", ["spec": later])
            try await cluster.wait(for: .jobs, in: "default", "no Job") { $0.isEmpty }
            try await cluster.waitUntilQuiet()
            // A day that never comes is said, once, and then there is quiet.
            try await cluster.merge(.cronJobs, "tick", ["spec": ["suspend": false]])
            try await cluster.wait(for: .events, in: "default", "a warning") { $0.contains { $0.value["reason"] == "InvalidSchedule" } }
            try await cluster.waitUntilQuiet()
        }
    }
}
