import APIModel
import Exposition
import HTTPServer
import HTTPTypes
import NIOCore
import Synchronization
import Testing

@testable import APIServer

/// What `/metrics` tells, under upstream's names.
@Suite struct MetricsTests {
    private static let maps = "/api/v1/namespaces/default/configmaps"

    /// The value of each series by its name and labels, as the text has it.
    private func series(_ server: TestServer) async -> [String: Double] {
        let text = await server.ask(.get, "/metrics").text
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        return Dictionary(
            lines.compactMap { line in
                line.lastIndex(of: " ").flatMap { blank in Double(line[line.index(after: blank)...]).map { (String(line[..<blank]), $0) } }
            }, uniquingKeysWith: { first, _ in first })
    }

    private func labels(_ verb: String, _ scope: String, dryRun: String? = "") -> String {
        let dryRun = dryRun.map { "dry_run=\"\($0)\"," } ?? ""
        return
            "component=\"apiserver\",\(dryRun)group=\"\",resource=\"configmaps\",scope=\"\(scope)\",subresource=\"\",verb=\"\(verb)\",version=\"v1\""
    }

    @Test func checksOfHealthAreCountedOnAPageOfTheirOwn() async throws {
        try await TestServer.with {
            $0.healthChecks = [HealthCheck("loop") { "stuck" }]
        } _: { server in
            for path in ["/livez", "/livez/ping", "/readyz?exclude=loop"] { await server.ask(.get, path) }
            let lines = Set(await server.ask(.get, "/metrics/slis").text.split(separator: "\n"))
            for line in [
                "kubernetes_healthcheck{name=\"loop\",type=\"livez\"} 0", "kubernetes_healthcheck{name=\"ping\",type=\"livez\"} 1",
                "kubernetes_healthchecks_total{name=\"ping\",status=\"success\",type=\"livez\"} 2",
                "kubernetes_healthchecks_total{name=\"loop\",status=\"error\",type=\"livez\"} 1",
                "kubernetes_healthchecks_total{name=\"ping\",status=\"success\",type=\"readyz\"} 1",
            ] {
                #expect(lines.contains(Substring(line)), "\(line)")
            }
            #expect(!lines.contains { $0.contains("loop") && $0.contains("readyz") })
        }
    }

    @Test func writesOfTheStoreAreTimed() async throws {
        try await TestServer.with { server in
            await server.ask(.post, Self.maps, TestServer.configMap("a"))
            await server.ask(.put, "\(Self.maps)/a", TestServer.configMap("a", data: ["x": "y"]))
            await server.ask(.delete, "\(Self.maps)/a")
            let series = await series(server)
            for operation in ["create", "update", "delete"] {
                let labels = "group=\"\",operation=\"\(operation)\",resource=\"configmaps\""
                #expect(series["etcd_requests_total{\(labels)}"] == 1)
                #expect(series["etcd_request_duration_seconds_count{\(labels)}"] == 1)
            }
        }
    }

    @Test func requestsCountByWhatTheyAskForAndTheAnswer() async throws {
        try await TestServer.with { server in
            await server.ask(.post, Self.maps, TestServer.configMap("a"))
            await server.ask(.post, "\(Self.maps)?dryRun=All", TestServer.configMap("b"))
            await server.ask(.post, Self.maps, TestServer.configMap("a"))
            await server.ask(.put, "\(Self.maps)/a", TestServer.configMap("a", data: ["x": "y"]))
            await server.ask(.patch, "\(Self.maps)/a", ["data": ["c": "d"]], type: "application/merge-patch+json")
            for _ in 0..<3 { await server.ask(.get, Self.maps) }
            await server.ask(.get, "\(Self.maps)/none")
            let service: Value = ["name": "a", "namespace": "b"]
            await server.ask(
                .post, "/apis/apiregistration.k8s.io/v1/apiservices",
                [
                    "metadata": ["name": "v1.a.b"],
                    "spec": ["group": "a.b", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1, "service": service],
                ])
            await server.ask(.get, "/api/v1/endpoints", headers: ["User-Agent": "kube-scheduler/v1.36 (linux/amd64)"])
            await server.ask(.get, "/livez")
            await server.ask(.delete, Self.maps)
            let series = await series(server)
            for (code, labels, count) in [
                (201, labels("POST", "resource"), 1), (201, labels("POST", "resource", dryRun: "All"), 1),
                (409, labels("POST", "resource"), 1),
                (200, labels("PUT", "resource"), 1), (200, labels("PATCH", "resource"), 1), (200, labels("LIST", "namespace"), 3),
                (404, labels("GET", "resource"), 1), (200, labels("DELETE", "namespace"), 1),
            ] {
                let labels = labels.replacing("verb=", with: "system_client=\"\",verb=")
                #expect(series["apiserver_request_total{code=\"\(code)\",\(labels)}"] == Double(count), "\(code) \(labels)")
            }
            let health = series.keys.first { $0.hasPrefix("apiserver_request_total{") && $0.contains("subresource=\"/livez\"") }
            #expect(health != nil)
            let duration = "apiserver_request_duration_seconds"
            #expect(series["\(duration)_count{\(labels("LIST", "namespace"))}"] == 3)
            #expect(series["\(duration)_bucket{\(labels("LIST", "namespace")),le=\"+Inf\"}"] == 3)
            #expect(series["\(duration)_bucket{\(labels("LIST", "namespace")),le=\"60\"}"] == 3)
            #expect(series["\(duration)_sum{\(labels("LIST", "namespace"))}"] ?? 0 > 0)
            let lists = labels("LIST", "namespace", dryRun: nil)
            #expect(series["apiserver_request_sli_duration_seconds_count{\(lists)}"] == 3)
            #expect(series["apiserver_response_sizes_count{\(lists)}"] == 3)
            #expect(series["apiserver_response_sizes_sum{\(lists)}"] ?? 0 > 300)
            let old = "{group=\"\",removed_release=\"\",resource=\"endpoints\",subresource=\"\",version=\"v1\"}"
            #expect(series["apiserver_requested_deprecated_apis\(old)"] == 1)
            let scheduler = series.keys.first {
                $0.hasPrefix("apiserver_request_total{") && $0.contains("system_client=\"kube-scheduler\"")
            }
            #expect(scheduler?.contains("resource=\"endpoints\"") == true)
            #expect(series["aggregator_unavailable_apiservice{name=\"v1.a.b\"}"] == 1)
            #expect(series.contains { $0.key.hasPrefix("kubernetes_build_info{build_date=") && $0.value == 1 })
            #expect(series["apiserver_storage_events_received_total{group=\"\",resource=\"configmaps\"}"] ?? 0 >= 4)
            #expect(series["apiserver_storage_size_bytes{storage_cluster_id=\"store-0\"}"] ?? 0 > 1000)
            // The request for the figures is one of them.
            #expect(series["apiserver_current_inflight_requests{request_kind=\"readOnly\"}"] == 1)
            #expect(series["apiserver_current_inflight_requests{request_kind=\"mutating\"}"] == 0)
        }
    }

    @Test func aWatchIsInProgressUntilItEndsAndItsEventsCount() async throws {
        try await TestServer.with { server in
            for name in ["a", "b"] { await server.ask(.post, Self.maps, TestServer.configMap(name)) }
            let request = Request(
                method: .get, path: Self.maps,
                query: [
                    ("watch", "true"), ("timeoutSeconds", "1"), ("sendInitialEvents", "true"), ("resourceVersionMatch", "NotOlderThan"),
                    ("allowWatchBookmarks", "true"),
                ],
                headers: [.authorization: "Bearer admin-token"])
            let gauge = "apiserver_longrunning_requests{\(labels("WATCH", "namespace", dryRun: nil))}"
            var response: Response? = await server.server.respond(to: request)
            #expect(await series(server)[gauge] == 1)
            if case .stream(_, _, let write)? = response { try await write(BodyWriter { _ in }) }
            response = nil
            let series = await series(server)
            #expect(series[gauge] == 0)
            #expect(series["apiserver_watch_events_total{group=\"\",resource=\"configmaps\",version=\"v1\"}"] == 2)
            // How long it lasted says nothing of how fast the server is.
            #expect(!series.keys.contains { $0.hasPrefix("apiserver_request_duration_seconds_count") && $0.contains("WATCH") })
        }
    }

    @Test func theStoreTheFlowsAndTheProcessTellTheirs() async throws {
        try await TestServer.with { server in
            let objects = "apiserver_resource_objects{group=\"\",resource=\"configmaps\"}"
            let before = await series(server)[objects] ?? 0
            await server.ask(.post, Self.maps, TestServer.configMap("a"))
            await FlowControlTests.narrow(server, ["type": "Reject"])
            let (flows, user) = (try #require(server.server.flows), UserInfo(name: "alice"))
            let request = Request(method: .get, path: Self.maps)
            let info = try RequestInfo(request)
            let seat = try await flows.enter(flows.flow(of: user, info), user, info, request)
            #expect(await server.ask(.get, Self.maps, token: "alice-token").code == 429)
            seat.giveBack()
            let series = await series(server)
            #expect(series[objects] == before + 1)
            #expect(series["apiserver_storage_objects{resource=\"configmaps\"}"] == before + 1)
            #expect(series["apiserver_resource_objects{group=\"rbac.authorization.k8s.io\",resource=\"clusterroles\"}"] ?? 0 > 50)
            func flow(_ name: String, _ schema: String, _ more: String = "", level: String? = nil) -> Double? {
                series["apiserver_flowcontrol_\(name){flow_schema=\"\(schema)\",priority_level=\"\(level ?? schema)\"\(more)}"]
            }
            #expect(flow("rejected_requests_total", "alices", ",reason=\"concurrency-limit\"", level: "narrow") == 1)
            #expect(flow("request_wait_duration_seconds_count", "alices", ",execute=\"false\"", level: "narrow") == 1)
            #expect(flow("request_execution_seconds_count", "alices", ",type=\"regular\"", level: "narrow") == 1)
            #expect(series["apiserver_flowcontrol_nominal_limit_seats{priority_level=\"workload-low\"}"] == 245)
            #expect(flow("dispatched_requests_total", "exempt") ?? 0 >= 2)
            #expect(flow("current_executing_requests", "exempt") == 1)
            for name in ["cpu_seconds_total", "resident_memory_bytes", "virtual_memory_bytes", "open_fds", "max_fds", "start_time_seconds"]
            {
                #expect(series["process_\(name)"] ?? 0 > 0, "process_\(name)")
            }
        }
    }

    @Test func admissionTellsItsTimes() async throws {
        try await WebhookServer.with { request in
            ["allowed": .bool(request["name"] != "bad"), "status": ["code": 403]]
        } _: { hooks in
            try await TestServer.with { server in
                let registration = "/apis/admissionregistration.k8s.io/v1"
                let conditions: Value = [["name": "big", "expression": "object.metadata.name != 'left-out'"]]
                let configuration: Value = [
                    "metadata": ["name": "c"], "webhooks": [hooks.hook("h.example.com", ["matchConditions": conditions])],
                ]
                await server.ask(.post, "\(registration)/validatingwebhookconfigurations", configuration)
                let rule: Value = ["operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]]
                let policy: Value = [
                    "metadata": ["name": "p"],
                    "spec": [
                        "matchConstraints": ["resourceRules": [rule]], "validations": [["expression": "object.metadata.name != 'odd'"]],
                    ],
                ]
                await server.ask(.post, "\(registration)/validatingadmissionpolicies", policy)
                let binding: Value = [
                    "metadata": ["name": "b"], "spec": ["policyName": "p", "validationActions": ["Warn", "Audit"]],
                ]
                await server.ask(.post, "\(registration)/validatingadmissionpolicybindings", binding)
                for (name, code) in [("good", 201), ("bad", 403), ("odd", 201), ("left-out", 201)] {
                    #expect(await server.ask(.post, Self.maps, TestServer.configMap(name)).code == code, "\(name)")
                }
                let series = await series(server)
                func admission(_ name: String, _ labels: String) -> Double? { series["apiserver_admission_\(name){\(labels)}"] }
                let member = "controller_admission_duration_seconds_count"
                let lifecycle = "name=\"NamespaceLifecycle\",operation=\"CREATE\""
                #expect(admission(member, "\(lifecycle),rejected=\"false\",type=\"admit\"") ?? 0 >= 4)
                #expect(admission(member, "\(lifecycle),rejected=\"false\",type=\"validate\"") == nil, "it refuses nothing later")
                let webhook = "name=\"ValidatingAdmissionWebhook\",operation=\"CREATE\",rejected=\"true\",type=\"validate\""
                #expect(admission(member, webhook) == 1)
                #expect(
                    admission("step_admission_duration_seconds_count", "operation=\"CREATE\",rejected=\"true\",type=\"validate\"") == 1)
                let call = "name=\"h.example.com\",operation=\"CREATE\""
                #expect(
                    admission("webhook_admission_duration_seconds_count", "\(call),rejected=\"false\",type=\"validating\"") == 2)
                #expect(admission("webhook_request_total", "code=\"403\",\(call),rejected=\"true\",type=\"validating\"") == 1)
                #expect(
                    admission("webhook_rejection_count", "error_type=\"no_error\",\(call),rejection_code=\"403\",type=\"validating\"")
                        == 1)
                #expect(admission("match_condition_exclusions_total", "kind=\"webhook\",\(call),type=\"validating\"") == 1)
                for action in ["warn", "audit"] {
                    let labels = "enforcement_action=\"\(action)\",error_type=\"no_error\",policy=\"p\",policy_binding=\"b\""
                    #expect(series["apiserver_validating_admission_policy_check_total{\(labels)}"] == 1, "\(action)")
                }
            }
        }
    }

    @Test func podsTellHowTheyWereJudged() async throws {
        try await TestServer.with { server in
            func make(_ name: String, _ labels: Value) async {
                await server.ask(.post, "/api/v1/namespaces", ["metadata": ["name": .string(name), "labels": labels]])
                await server.ask(.post, "/api/v1/namespaces/\(name)/serviceaccounts", ["metadata": ["name": "default"]])
            }
            let prefix = "pod-security.kubernetes.io/"
            await make("open", .null)
            await make("strict", ["\(prefix)enforce": "baseline", "\(prefix)enforce-version": "v1.30", "\(prefix)audit": "restricted"])
            await make("later", ["\(prefix)warn": "restricted", "\(prefix)warn-version": "v1.99"])
            var bad = TestServer.pod("bad")
            bad["spec"]["hostPID"] = true
            for (namespace, code) in [("open", 201), ("strict", 403), ("later", 201)] {
                #expect(await server.ask(.post, "/api/v1/namespaces/\(namespace)/pods", bad).code == code, "\(namespace)")
            }
            let series = await series(server)
            for (decision, level, version, mode) in [
                ("allow", "privileged", "latest", "enforce"), ("deny", "baseline", "v1.30", "enforce"),
                ("deny", "restricted", "latest", "audit"), ("deny", "restricted", "future", "warn"),
            ] {
                let labels =
                    "decision=\"\(decision)\",policy_level=\"\(level)\",policy_version=\"\(version)\",mode=\"\(mode)\","
                    + "request_operation=\"create\",resource=\"pod\",subresource=\"\""
                #expect(series["pod_security_evaluations_total{\(labels)}"] ?? 0 >= 1, "\(labels)")
            }
        }
    }

    @Test func aConfigurationThatIsReadAgainIsCounted() async throws {
        let metrics = ReloadMetrics("authorization")
        #expect(try await metrics.measure { true })
        #expect(try await !metrics.measure { false })
        await #expect(throws: ConfigurationProblem.self) { try await metrics.measure { throw ConfigurationProblem("no") } }
        var text = MetricsText()
        metrics.write(to: &text)
        for status in ["success", "failure"] {
            let labels = "{status=\"\(status)\",apiserver_id_hash=\"\"}"
            #expect(text.text.contains("apiserver_authorization_config_controller_automatic_reloads_total\(labels) 1\n"), "\(text.text)")
            #expect(text.text.contains("apiserver_authorization_config_controller_automatic_reload_last_timestamp_seconds\(labels)"))
        }
    }

    @Test func aHistogramNeedsNoLabels() {
        var (text, histogram) = (MetricsText(), Histogram([1]))
        histogram.add(0.5)
        text.histograms("h", "A text.", [([], histogram)])
        #expect(text.text.hasSuffix("h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 0.5\nh_count 1\n"), "\(text.text)")
    }

    @Test func certificatesOfClientsAreCountedByHowLongTheyHold() {
        let metrics = AuthenticationMetrics()
        metrics.certificate(expires: Clock.seconds + 5400)
        var text = MetricsText()
        metrics.write(to: &text)
        for (bound, count) in [("3600", 0), ("7200", 1), ("+Inf", 1)] {
            #expect(
                text.text.contains("apiserver_client_certificate_expiration_seconds_bucket{le=\"\(bound)\"} \(count)\n"), "\(text.text)")
        }
    }

    @Test func valuesOfLabelsAreEscaped() {
        var text = MetricsText()
        text.family("m", .gauge, "A text.", [([("a", "x\"y\\z\nw")], "1")])
        #expect(text.text == "# HELP m A text.\n# TYPE m gauge\nm{a=\"x\\\"y\\\\z\\nw\"} 1\n")
    }
}
