import APIModel
import HTTPTypes
import Testing

/// Workloads that are refused, and in which words: an object and upstream's causes in each line of `Fixtures/workloads.json`.
@Suite struct WorkloadValidationTests {
    private static let collections = [
        "Job": "/apis/batch/v1/namespaces/default/jobs", "CronJob": "/apis/batch/v1/namespaces/default/cronjobs",
        "StatefulSet": "/apis/apps/v1/namespaces/default/statefulsets", "DaemonSet": "/apis/apps/v1/namespaces/default/daemonsets",
        "ReplicationController": "/api/v1/namespaces/default/replicationcontrollers",
        "PodDisruptionBudget": "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
    ]

    /// With `<uid>` for whatever uid there is.
    private func causes(_ status: Value) -> Set<String> {
        Set(
            status["details"]["causes"].elements.map { cause in
                "\(cause["field"].string ?? ""): \(cause["message"].string ?? "")"
                    .replacing(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/, with: "<uid>")
            })
    }

    @Test func badWorkloads() async throws {
        try await TestServer.with { server in
            for test in try fixture("workloads") {
                let object = test["object"]
                let path = try #require(Self.collections[object["kind"].string ?? ""])
                let answer = await server.ask(.post, "\(path)?dryRun=All", object)
                let expected = Set(test["causes"].elements.compactMap(\.string))
                #expect(answer.code == (expected.isEmpty ? 201 : 422), "\(object["metadata"]["name"].string ?? "")")
                #expect(causes(answer.json) == expected, "\(object["metadata"]["name"].string ?? "")")
            }
        }
    }

    private static let template: Value = [
        "metadata": ["labels": ["x": "y"]], "spec": ["restartPolicy": "Never", "containers": [["name": "c", "image": "i"]]],
    ]

    @Test func aJobIsLabelledByItsOwnUID() async throws {
        try await TestServer.with { server in
            let path = "/apis/batch/v1/namespaces/default/jobs"
            let job = await server.ask(.post, path, ["metadata": ["name": "a"], "spec": ["template": Self.template]]).json
            let uid = job["metadata"]["uid"]
            let labels: Value = [
                "x": "y", "controller-uid": uid, "batch.kubernetes.io/controller-uid": uid, "job-name": "a",
                "batch.kubernetes.io/job-name": "a",
            ]
            #expect(job["spec"]["template"]["metadata"]["labels"] == labels && job["metadata"]["labels"] == labels)
            #expect(job["spec"]["selector"] == ["matchLabels": ["batch.kubernetes.io/controller-uid": uid]])
            #expect(job["spec"]["manualSelector"] == false && job["status"] == .emptyObject)

            let manual = await server.ask(
                .post, path,
                [
                    "metadata": ["name": "b"],
                    "spec": ["template": Self.template, "manualSelector": true, "selector": ["matchLabels": ["x": "y"]]],
                ]
            ).json
            #expect(manual["spec"]["template"]["metadata"]["labels"] == ["x": "y"])
        }
    }

    @Test func aDaemonSetsTemplatesAreCounted() async throws {
        try await TestServer.with { server in
            let path = "/apis/apps/v1/namespaces/default/daemonsets"
            var template = Self.template
            template["spec"]["restartPolicy"] = .null
            let made = await server.ask(
                .post, path, ["metadata": ["name": "d"], "spec": ["selector": ["matchLabels": ["x": "y"]], "template": template]])
            func count(_ set: Value) -> Value { set["metadata"]["annotations"]["deprecated.daemonset.template.generation"] }
            func patch(_ change: Value) async -> Value {
                await server.ask(.patch, "\(path)/d", change, type: "application/merge-patch+json").json
            }
            #expect(count(made.json) == "1")
            #expect(count(await patch(["spec": ["minReadySeconds": 5]])) == "1")
            #expect(count(await patch(["spec": ["template": ["metadata": ["labels": ["new": "one"]]]]])) == "2")
            #expect(count(await patch(["metadata": ["annotations": ["deprecated.daemonset.template.generation": "9"]]])) == "2")
        }
    }

    @Test func whatAJobMayNotBecome() async throws {
        try await TestServer.with { server in
            let path = "/apis/batch/v1/namespaces/default/jobs"
            func patch(_ name: String, _ spec: Value) async -> Set<String> {
                causes(await server.ask(.patch, "\(path)/\(name)", ["spec": spec], type: "application/merge-patch+json").json)
            }
            let indexed: Value = ["template": Self.template, "completionMode": "Indexed", "completions": 2, "parallelism": 2]
            await server.ask(.post, path, ["metadata": ["name": "a"], "spec": indexed])
            await server.ask(.post, path, ["metadata": ["name": "b"], "spec": ["template": Self.template]])
            #expect(
                await patch("a", ["completions": 3]) == [
                    "spec.completions: Invalid value: 3: can only be modified in tandem with spec.parallelism"
                ])
            #expect(await patch("a", ["completions": 3, "parallelism": 3]) == [])
            #expect(await patch("b", ["completions": 3]) == ["spec.completions: Invalid value: 3: field is immutable"])
            #expect(await patch("b", ["managedBy": "a.b/c"]) == ["spec.managedBy: Invalid value: \"a.b/c\": field is immutable"])
            #expect(await patch("b", ["parallelism": 3, "suspend": true, "backoffLimit": 1, "ttlSecondsAfterFinished": 5]) == [])
            // One that stands still can be told where its pods go, and what they get.
            #expect(await patch("b", ["template": ["spec": ["nodeSelector": ["a": "b"]]]]) == [])
            let changed: Value = ["spec": ["containers": [["name": "c", "image": "other"]]]]
            #expect(await patch("b", ["template": changed]).map { $0.prefix(13) } == ["spec.template"])
            #expect(await patch("a", ["template": ["spec": ["nodeSelector": ["a": "b"]]]]).map { $0.prefix(13) } == ["spec.template"])
        }
    }
}
