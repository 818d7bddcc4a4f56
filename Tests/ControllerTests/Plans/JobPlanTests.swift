import APIModel
import OrderedCollections
import PluginKit
import Testing

@testable import ControllerJob

@Suite struct JobPlanTests {
    static let now: Whole = 1_800_000_000

    static func job(_ spec: Value = .emptyObject, status: Value = .emptyObject, without: String? = nil) -> Value {
        var all: Value = [
            "parallelism": 2, "completions": 4, "backoffLimit": 6, "completionMode": "NonIndexed",
            "podReplacementPolicy": "TerminatingOrFailed",
            "template": ["metadata": ["labels": ["a": "b"]], "spec": ["restartPolicy": "Never", "containers": [["name": "c"]]]],
        ]
        for (name, value) in spec.fields { all[name] = value }
        if let without { all[without] = .null }
        return [
            "apiVersion": "batch/v1", "kind": "Job", "metadata": ["name": "pi", "namespace": "default", "uid": "j"], "spec": all,
            "status": status,
        ]
    }

    static func pod(
        _ name: String, _ phase: String = "Running", index: Int? = nil, failures: Int? = nil, tracked: Bool = true, deleted: Bool = false,
        ended: Whole? = nil, code: Int? = nil, condition: Value? = nil
    ) -> Value {
        var pod: Value = [
            "apiVersion": "v1", "kind": "Pod",
            "metadata": [
                "name": .string(name), "namespace": "default", "uid": .string(name), "creationTimestamp": "2027-01-01T00:00:00Z",
                "finalizers": tracked ? [.string(JobPod.finalizer)] : .null,
                "deletionTimestamp": deleted ? .string(Timestamp.format(seconds: now)) : .null,
            ], "status": ["phase": .string(phase)],
        ]
        if let index { pod["metadata"]["annotations"][JobPod.indexKey] = .string(String(index)) }
        if let failures { pod["metadata"]["annotations"][JobPod.failureCount] = .string(String(failures)) }
        if let ended {
            let terminated: Value = [
                "finishedAt": .string(Timestamp.format(seconds: ended)), "exitCode": Value(code ?? (phase == "Failed" ? 1 : 0)),
            ]
            pod["status"]["containerStatuses"] = [["name": "c", "state": ["terminated": terminated]]]
        }
        if let condition { pod["status"]["conditions"] = [condition] }
        return pod
    }

    private func look(_ job: Value, _ pods: [Value], backoff: JobBackoff? = nil) -> JobSync {
        JobSync(job, pods.map(JobPod.init), backoff: backoff, now: Self.now)
    }

    private func describe(_ step: JobSync.Step) -> String {
        func names(_ pods: [JobPod]) -> String { pods.map { $0.object["metadata"]["name"].string ?? "" }.sorted().joined(separator: " ") }
        return switch step {
        case .nothing: "nothing"
        case .end(let pods): "end \(names(pods))"
        case .remove(let pods): "remove \(names(pods))"
        case .create(let indexes): "create \(indexes.map { $0.map(String.init) ?? "-" }.joined(separator: " "))"
        case .wait(let seconds): "wait \(seconds)"
        }
    }

    private static let longAgo = now - 5000

    @Test(
        arguments: [
            // One after the other, never more than is missing.
            (job(), [], "create - -"),
            (job(), [pod("a")], "create -"),
            (job(), [pod("a"), pod("b")], "nothing"),
            (job(), [pod("a", "Succeeded"), pod("b", "Succeeded"), pod("c", "Succeeded")], "create -"),
            (job(status: ["succeeded": 3]), [pod("a")], "nothing"),
            (job(["parallelism": 1]), [pod("a"), pod("b", "Pending")], "remove b"),
            (job(["parallelism": 0]), [], "nothing"),
            // Without completions each Pod knows when all is done.
            (job(without: "completions"), [], "create - -"),
            (job(without: "completions"), [pod("a", "Succeeded"), pod("b")], "nothing"),
            // Suspended, and on its way out.
            (job(["suspend": true]), [pod("a"), pod("b")], "remove a b"),
            (job(["suspend": true]), [], "nothing"),
            // Back-off: 10 s after the first failure, twice that after the second.
            (job(), [pod("a", "Failed", ended: now - 4)], "wait 6"),
            (job(), [pod("a", "Failed", ended: now - 60), pod("b", "Failed", ended: now - 4)], "wait 16"),
            (job(), [pod("a", "Failed", ended: longAgo)], "create - -"),
            (job(), [pod("a", "Failed", tracked: false, ended: now - 4)], "wait 6"),
            // A Pod that is being deleted counts as failed, unless the Job waits for its end.
            (job(["podReplacementPolicy": "Failed"]), [pod("a", deleted: true), pod("b")], "nothing"),
            (job(["backoffLimit": 0]), [pod("a", "Failed", ended: longAgo), pod("b")], "end b"),
            (job(["podReplacementPolicy": "Failed", "backoffLimit": 0]), [pod("a", deleted: true)], "create -"),
        ] as [(Value, [Value], String)])
    func steps(job: Value, pods: [Value], expected: String) { #expect(describe(look(job, pods).step()) == expected) }

    static func indexed(_ spec: Value = .emptyObject, status: Value = .emptyObject) -> Value {
        var all: Value = ["completionMode": "Indexed"]
        for (name, value) in spec.fields { all[name] = value }
        return job(all, status: status)
    }

    @Test(
        arguments: [
            (indexed(), [], "create 0 1"),
            (indexed(), [pod("a", index: 1)], "create 0"),
            (indexed(status: ["completedIndexes": "0-1", "succeeded": 2]), [], "create 2 3"),
            (indexed(), [pod("a", "Succeeded", index: 0), pod("b", index: 1)], "create 2"),
            // Two Pods of one index, one without, one beyond the end.
            (indexed(), [pod("a", index: 0), pod("b", "Pending", index: 0)], "remove b"),
            (indexed(), [pod("a"), pod("b", index: 9)], "remove a b"),
            // The Job became smaller, and larger again.
            (indexed(["completions": 2], status: ["completedIndexes": "0,3", "succeeded": 2]), [], "create 1"),
            (indexed(["completions": 6], status: ["completedIndexes": "0-3", "succeeded": 4]), [], "create 4 5"),
            // Each index has its own limit and its own back-off.
            (indexed(["backoffLimitPerIndex": 1]), [pod("a", "Failed", index: 0, failures: 0, ended: now - 4)], "create 1"),
            (
                indexed(["backoffLimitPerIndex": 1, "parallelism": 1]), [pod("a", "Failed", index: 0, failures: 0, ended: now - 4)],
                "wait 6"
            ),
            (indexed(["backoffLimitPerIndex": 0]), [pod("a", "Failed", index: 0, failures: 0, ended: longAgo)], "create 1 2"),
            (
                indexed(["backoffLimitPerIndex": 0, "maxFailedIndexes": 0]),
                [pod("a", "Failed", index: 0, ended: longAgo), pod("b", index: 1)], "end b"
            ),
            // Enough is enough.
            (
                indexed(["successPolicy": ["rules": [["succeededIndexes": "0"]]]]), [pod("a", "Succeeded", index: 0), pod("b", index: 1)],
                "end b"
            ),
        ] as [(Value, [Value], String)])
    func indexedSteps(job: Value, pods: [Value], expected: String) { #expect(describe(look(job, pods).step()) == expected) }

    @Test(
        arguments: [
            (
                job(["backoffLimit": 0]), [pod("a", "Failed", ended: longAgo)],
                "BackoffLimitExceeded: Job has reached the specified backoff limit"
            ),
            (
                job(["activeDeadlineSeconds": 10], status: ["startTime": .string(Timestamp.format(seconds: now - 10))]), [],
                "DeadlineExceeded: Job was active longer than specified deadline"
            ),
            (
                job(["activeDeadlineSeconds": 10, "suspend": true], status: ["startTime": .string(Timestamp.format(seconds: now - 10))]),
                [], "-"
            ),
            (
                job(["podFailurePolicy": ["rules": [["action": "FailJob", "onExitCodes": ["operator": "In", "values": [42]]]]]]),
                [pod("a", "Failed", ended: now, code: 42)],
                "PodFailurePolicy: Container c for pod default/a failed with exit code 42 matching FailJob rule at index 0"
            ),
            (
                job([
                    "backoffLimit": 0,
                    "podFailurePolicy": [
                        "rules": [["action": "Ignore", "onPodConditions": [["type": "DisruptionTarget", "status": "True"]]]]
                    ],
                ]), [pod("a", "Failed", ended: now, condition: ["type": "DisruptionTarget", "status": "True"])], "-"
            ),
            (
                indexed(["backoffLimitPerIndex": 0, "completions": 2]),
                [pod("a", "Failed", index: 0, ended: now), pod("b", "Succeeded", index: 1)], "FailedIndexes: Job has failed indexes"
            ),
            (
                indexed([
                    "backoffLimitPerIndex": 5, "completions": 1,
                    "podFailurePolicy": ["rules": [["action": "FailIndex", "onExitCodes": ["operator": "NotIn", "values": [7]]]]],
                ]), [pod("a", "Failed", index: 0, ended: now, code: 1)], "FailedIndexes: Job has failed indexes"
            ),
            (
                indexed(["successPolicy": ["rules": [["succeededIndexes": "3"], ["succeededIndexes": "0-2", "succeededCount": 1]]]]),
                [pod("a", "Succeeded", index: 1)], "SuccessPolicy: Matched rules at index 1"
            ),
            (
                job(status: ["conditions": [["type": "FailureTarget", "status": "True", "reason": "R", "message": "m"]]]), [], "R: m"
            ),
        ] as [(Value, [Value], String)])
    func verdicts(job: Value, pods: [Value], expected: String) {
        #expect(look(job, pods).verdict.map { "\($0.reason): \($0.message)" } ?? "-" == expected)
    }

    /// Uid, then finalizer, then number: and whoever comes in between goes on from there.
    @Test func countsEachPodOnce() {
        let pods = [Self.pod("a", "Succeeded"), Self.pod("b", "Failed", ended: Self.longAgo), Self.pod("c")]
        var sync = look(Self.job(), pods)
        _ = sync.settle(JobSync.Done(), isWhole: true)
        #expect(sync.note().map(\.uid) == ["a", "b"])
        #expect(sync.status["uncountedTerminatedPods"] == ["succeeded": ["a"], "failed": ["b"]])
        #expect(sync.status["succeeded"].isNull && sync.status["active"] == 1)

        // Cut short here: the finalizer of `a` is gone, that of `b` is not.
        var next = look(Self.job(status: sync.status), [Self.pod("a", "Succeeded", tracked: false), pods[1], pods[2]])
        _ = next.settle(JobSync.Done(), isWhole: true)
        #expect(next.note().map(\.uid) == ["b"])
        #expect(next.status["succeeded"] == 1 && next.status["uncountedTerminatedPods"] == ["failed": ["b"]])
        next.release(["b"])
        #expect(next.status["failed"] == 1 && next.status["uncountedTerminatedPods"] == .emptyObject)
        #expect(next.end() == nil)
    }

    @Test func endsOnlyWhenAllIsCountedAndGone() {
        let pods = (0..<4).map { Self.pod("p\($0)", "Succeeded") }
        var sync = look(Self.job(), pods)
        #expect(sync.settle(JobSync.Done(), isWhole: true) == [])
        #expect(sync.verdict?.reason == "CompletionsReached")
        let ended = sync.note()
        #expect(sync.end() == nil)
        sync.release(Set(ended.map(\.uid)))
        #expect(sync.end()?.map(\.reason) == ["Completed"])
        #expect(sync.status["conditions"].elements.map { $0["type"].string } == ["SuccessCriteriaMet", "Complete"])
        #expect(sync.status["completionTime"].string == Timestamp.format(seconds: Self.now) && sync.status["succeeded"] == 4)

        var going = look(Self.job(["backoffLimit": 0]), [Self.pod("a", "Failed", ended: Self.longAgo), Self.pod("b", deleted: true)])
        _ = going.settle(JobSync.Done(), isWhole: true)
        going.release(Set(going.note().map(\.uid)))
        #expect(going.end() == nil && going.status["terminating"] == 1)
        #expect(going.status["conditions"].elements.map { $0["type"].string } == ["FailureTarget"])
    }

    @Test func suspendsAndResumes() {
        var sync = look(Self.job(["suspend": true]), [])
        #expect(sync.settle(JobSync.Done(), isWhole: true).map(\.reason) == ["Suspended"] && sync.status["startTime"].isNull)
        var again = look(Self.job(["suspend": true], status: sync.status), [])
        #expect(again.settle(JobSync.Done(), isWhole: true) == [])
        sync.status["conditions"][0]["lastProbeTime"] = "2020-01-01T00:00:00Z"
        sync.status["conditions"][0]["lastTransitionTime"] = "2020-01-01T00:00:00Z"
        var resumed = look(Self.job(status: sync.status), [])
        #expect(resumed.settle(JobSync.Done(), isWhole: true).map(\.reason) == ["Resumed"])
        #expect(resumed.status["startTime"].string == Timestamp.format(seconds: Self.now))
        let condition = resumed.status["conditions"][0]
        #expect(condition["lastProbeTime"] == condition["lastTransitionTime"] && condition["lastProbeTime"] != "2020-01-01T00:00:00Z")
    }

    @Test func aPodTellsItsIndexAndWhatFailedBefore() {
        let job = Self.indexed(["backoffLimitPerIndex": 3])
        let pod = look(job, [Self.pod("a", "Failed", index: 1, failures: 1, ended: Self.longAgo)]).pod(index: 1)
        #expect(pod["metadata"]["annotations"].strings == [JobPod.indexKey: "1", JobPod.failureCount: "2"])
        #expect(pod["metadata"]["labels"][JobPod.indexKey] == "1" && pod["metadata"]["generateName"] == "pi-1-")
        #expect(pod["spec"]["hostname"] == "pi-1" && pod["metadata"]["finalizers"] == [.string(JobPod.finalizer)])
        let variable = pod["spec"]["containers"][0]["env"][0]
        #expect(variable["name"] == "JOB_COMPLETION_INDEX")
        #expect(variable["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.labels['batch.kubernetes.io/job-completion-index']")
    }

    @Test(
        arguments: [
            ("", "", 0), ("0", "0", 1), ("0,1", "0,1", 2), ("0-1", "0,1", 2), ("0-2,4", "0-2,4", 4), ("1,2,3", "1-3", 3),
            ("3-99", "3-9", 7),
            ("x,2", "2", 1), ("5-3", "", 0), ("12", "", 0), ("-1", "", 0),
        ] as [(String, String, Whole)])
    func indexes(text: String, expected: String, count: Whole) {
        let indexes = CompletionIndexes(text, below: 10)
        #expect(indexes.description == expected && indexes.count == count)
        for index in 0..<10 { #expect(indexes.contains(Whole(index)) == !indexes.missing(below: 10, count: 10).contains(Whole(index))) }
    }

    @Test func indexesJoin() {
        let (low, high) = (CompletionIndexes("0-2,7", below: 20), CompletionIndexes("3,5,8-9", below: 20))
        #expect(low.union(high).description == "0-3,5,7-9" && low.common(with: CompletionIndexes("1-7", below: 20)) == 3)
        #expect(low.union([Whole(4)]).missing(below: 2_147_483_647, count: 3) == [3, 5, 6])
    }

    @Test(
        arguments: [
            (1, 10), (2, 20), (3, 40), (6, 320), (7, 600), (1000, 600), (Whole.max, 600), (0, 0),
        ] as [(Whole, Whole)])
    func backoff(failures: Whole, seconds: Whole) {
        #expect(JobBackoff.remaining(failures: failures, lastFailure: 100, now: 100) == seconds)
        #expect(JobBackoff.remaining(failures: failures, lastFailure: 100, now: 100 + seconds) == 0)
    }

    /// Clocks that differ a little, and one that was set back.
    @Test(arguments: [(5, 15), (10, 20), (11, 0), (86_400, 0), (Whole.max, 0)] as [(Whole, Whole)])
    func aFailureThatIsToCome(ahead: Whole, seconds: Whole) {
        #expect(JobBackoff.remaining(failures: 1, lastFailure: 100 + ahead, now: 100) == seconds)
    }

    @Test func aSuccessEndsTheBackoff() {
        let failing = JobBackoff().updated(succeeded: [], failed: [10, 20])
        #expect(failing.failures == 2 && failing.lastFailure == 20)
        #expect(failing.updated(succeeded: [30], failed: []).failures == 0)
        #expect(failing.updated(succeeded: [30], failed: [25, 40]).failures == 1)
    }
}
