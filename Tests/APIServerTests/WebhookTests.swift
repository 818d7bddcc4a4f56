import APIModel
import HTTPTypes
import OrderedCollections
import Store
import Synchronization
import Testing

@testable import APIServer

/// Webhooks that are asked about requests.
@Suite(.timeLimit(.minutes(2))) struct WebhookTests {
    private let maps = "/api/v1/namespaces/default/configmaps"
    private let registration = "/apis/admissionregistration.k8s.io/v1"

    private func configure(_ server: TestServer, _ kind: String, _ hooks: [Value]) async {
        let answer = await server.ask(
            .post, "\(registration)/\(kind)webhookconfigurations", ["metadata": ["name": "c"], "webhooks": .array(hooks)])
        #expect(answer.code == 201, "\(answer.message)")
    }

    @Test func aWebhookSaysNo() async throws {
        try await WebhookServer.with { request in
            let isAllowed = request["object"]["data"]["a"] != "bad"
            return [
                "allowed": .bool(isAllowed), "status": ["message": "a is bad", "code": 403, "reason": "Forbidden"],
                "warnings": ["have a care"],
            ]
        } _: { hooks in
            try await TestServer.with { server in
                await configure(server, "validating", [hooks.hook()])
                let refused = await server.ask(.post, maps, TestServer.configMap("m", data: ["a": "bad"]))
                #expect(refused.code == 403)
                #expect(refused.reason == "Forbidden")
                #expect(refused.message == "admission webhook \"hook.example.com\" denied the request: a is bad")
                let made = await server.ask(.post, maps, TestServer.configMap("m"))
                #expect(made.code == 201)
                #expect(made.warnings.contains("have a care"))
                #expect(await server.ask(.delete, "\(maps)/m").code == 200)
                #expect(hooks.requests.count == 2)
                let request = hooks.requests[1]
                #expect(request["operation"] == "CREATE")
                #expect(request["kind"] == ["group": "", "version": "v1", "kind": "ConfigMap"])
                #expect(request["resource"] == ["group": "", "version": "v1", "resource": "configmaps"])
                #expect(request["name"] == "m")
                #expect(request["namespace"] == "default")
                #expect(request["userInfo"]["username"] == "admin")
                #expect(request["object"]["kind"] == "ConfigMap")
                #expect(request.fields["oldObject"] == Value.null)
                #expect(request["dryRun"] == false)
                #expect(request["options"]["kind"] == "CreateOptions")
            }
        }
    }

    @Test func aWebhookChangesTheObjectAndMayBeAskedAgain() async throws {
        try await WebhookServer.with { request in
            let count = request["object"]["data"].fields.count
            return WebhookServer.patch([["op": "add", "path": "/data/k\(count)", "value": "x"]])
        } _: { hooks in
            try await TestServer.with { server in
                await configure(
                    server, "mutating",
                    [hooks.hook("one.example.com", ["reinvocationPolicy": "IfNeeded"]), hooks.hook("two.example.com")])
                let made = await server.ask(.post, maps, TestServer.configMap("m"))
                // The first, the second, and the first again, for the second changed something after it.
                #expect(made.json["data"] == ["a": "b", "k1": "x", "k2": "x", "k3": "x"], "\(made.message)")
            }
        }
    }

    @Test func whatTheKindDoesNotHaveIsDroppedAndIdentityStays() async throws {
        try await WebhookServer.with { _ in
            WebhookServer.patch([
                ["op": "add", "path": "/nonsense", "value": 1], ["op": "replace", "path": "/metadata/name", "value": "other"],
                ["op": "add", "path": "/metadata/labels", "value": ["a": "b"]],
            ])
        } _: { hooks in
            try await TestServer.with { server in
                await configure(server, "mutating", [hooks.hook()])
                let made = await server.ask(.post, maps, TestServer.configMap("m"))
                #expect(made.code == 201, "\(made.message)")
                #expect(made.json["nonsense"].isNull)
                #expect(made.json["metadata"]["name"] == "m")
                #expect(made.json["metadata"]["labels"] == ["a": "b"])
            }
        }
    }

    @Test func nobodyIsAskedAboutWhatIsNotSelected() async throws {
        try await WebhookServer.with { _ in
            ["allowed": false]
        } _: { hooks in
            try await TestServer.with { server in
                await configure(
                    server, "validating",
                    [
                        hooks.hook("a.example.com", ["objectSelector": ["matchLabels": ["guarded": "yes"]]]),
                        hooks.hook("b.example.com", ["namespaceSelector": ["matchLabels": ["guarded": "yes"]]]),
                        hooks.hook(
                            "c.example.com",
                            ["matchConditions": [["name": "only-bob", "expression": "request.userInfo.username == 'bob'"]]]),
                        hooks.hook(
                            "d.example.com",
                            [
                                "rules": [
                                    ["operations": ["*"], "apiGroups": ["apps"], "apiVersions": ["*"], "resources": ["*/*"]]
                                ]
                            ]),
                    ])
                #expect(await server.ask(.post, maps, TestServer.configMap("m")).code == 201)
                let guarded = await server.ask(.post, maps, TestServer.configMap("n", labels: ["guarded": "yes"]))
                #expect(guarded.message == "admission webhook \"a.example.com\" denied the request without explanation")
                #expect(guarded.code == 400)
                #expect(hooks.requests.count == 1)
            }
        }
    }

    private static func rule(_ operation: String, _ group: String, _ resource: String, scope: String = "*") -> Value {
        [
            "rules": [
                [
                    "operations": [.string(operation)], "apiGroups": [.string(group)], "apiVersions": ["v1"],
                    "resources": [.string(resource)], "scope": .string(scope),
                ]
            ]
        ]
    }

    private static func selecting(_ selector: String, _ rule: Value) -> Value {
        var rule = rule
        rule[selector] = ["matchLabels": ["guarded": "yes"]]
        return rule
    }

    /// Whether a webhook of these rules and selectors is asked about a request; all of them are dry runs.
    @Test func whoIsAskedAboutWhat() async throws {
        let (objects, spaces) = ("objectSelector", "namespaceSelector")
        let guarded: Value = ["metadata": ["labels": ["guarded": "yes"]]]
        let bare: Value = ["metadata": ["labels": .object(Value.Fields(uniqueKeysWithValues: [("guarded", .null)]))]]
        let (deployment, exec) = ("\(Self.apps)/d", "/api/v1/namespaces/default/pods/p/proxy")
        let role = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
        func named(_ name: String, _ labels: Value = .null) -> Value { ["metadata": ["name": .string(name), "labels": labels]] }
        let rows: [(hook: Value, method: HTTPRequest.Method, path: String, body: Value?, isAsked: Bool)] = [
            (Self.selecting(objects, Self.rule("*", "", "configmaps")), .patch, "\(maps)/plain", guarded, true),
            (Self.selecting(objects, Self.rule("*", "", "configmaps")), .patch, "\(maps)/guarded", bare, true),
            (Self.selecting(objects, Self.rule("*", "", "configmaps")), .patch, "\(maps)/plain", ["data": ["x": "y"]], false),
            (Self.selecting(objects, Self.rule("*", "", "configmaps")), .delete, "\(maps)/guarded", nil, true),
            (Self.selecting(objects, Self.rule("*", "", "configmaps")), .delete, "\(maps)/plain", nil, false),
            (Self.selecting(spaces, Self.rule("*", "", "configmaps")), .patch, "\(maps)/plain", guarded, false),
            (Self.selecting(spaces, Self.rule("*", "", "namespaces")), .post, Self.namespaces, named("n", ["guarded": "yes"]), true),
            (Self.selecting(spaces, Self.rule("*", "", "namespaces")), .post, Self.namespaces, named("n"), false),
            (Self.selecting(spaces, Self.rule("*", "", "namespaces")), .patch, "\(Self.namespaces)/plain", guarded, true),
            (Self.selecting(spaces, Self.rule("*", "", "namespaces")), .patch, "\(Self.namespaces)/guarded", bare, false),
            (Self.selecting(spaces, Self.rule("*", "", "namespaces")), .delete, "\(Self.namespaces)/guarded", nil, true),
            (Self.selecting(spaces, Self.rule("*", "", "namespaces")), .delete, "\(Self.namespaces)/plain", nil, false),
            (Self.selecting(spaces, Self.rule("*", "*", "*")), .post, role, named("r"), true),
            (Self.rule("UPDATE", "apps", "deployments"), .patch, "\(deployment)/scale", ["spec": ["replicas": 2]], false),
            (Self.rule("UPDATE", "apps", "deployments/scale"), .patch, "\(deployment)/scale", ["spec": ["replicas": 2]], true),
            (Self.rule("UPDATE", "apps", "*/scale"), .patch, "\(deployment)/scale", ["spec": ["replicas": 2]], true),
            (Self.rule("UPDATE", "apps", "*"), .patch, "\(deployment)/scale", ["spec": ["replicas": 2]], false),
            (Self.rule("UPDATE", "apps", "deployments/*"), .patch, deployment, ["spec": ["replicas": 2]], true),
            (Self.rule("UPDATE", "apps", "deployments/status"), .patch, "\(deployment)/status", ["status": ["replicas": 2]], true),
            (Self.rule("UPDATE", "apps", "deployments/status"), .patch, deployment, ["spec": ["replicas": 2]], false),
            (Self.rule("CONNECT", "", "pods/proxy"), .get, exec, nil, true),
            (Self.rule("CREATE", "", "pods/proxy"), .get, exec, nil, false),
            (Self.selecting(objects, Self.rule("CONNECT", "", "pods/proxy")), .get, exec, nil, false),
            (Self.rule("*", "", "configmaps", scope: "Cluster"), .delete, "\(maps)/plain", nil, false),
            (Self.rule("*", "", "configmaps", scope: "Namespaced"), .delete, "\(maps)/plain", nil, true),
            (Self.rule("*", "", "namespaces", scope: "Namespaced"), .delete, "\(Self.namespaces)/plain", nil, false),
            (Self.rule("*", "", "namespaces", scope: "Cluster"), .delete, "\(Self.namespaces)/plain", nil, true),
        ]
        try await WebhookServer.with { _ in
            ["allowed": true]
        } _: { hooks in
            try await TestServer.with { server in
                for name in ["plain", "guarded"] {
                    let labels: Value = name == "plain" ? .null : ["guarded": "yes"]
                    #expect(await server.ask(.post, Self.namespaces, named(name, labels)).code == 201)
                    #expect(await server.ask(.post, maps, TestServer.configMap(name, labels: labels)).code == 201)
                }
                #expect(await server.ask(.post, Self.apps, TestServer.deployment("d")).code == 201)
                await configure(server, "validating", [hooks.hook()])
                for row in rows {
                    let changed: Value = ["webhooks": [hooks.hook("hook.example.com", row.hook)]]
                    await server.ask(
                        .patch, "\(registration)/validatingwebhookconfigurations/c", changed, type: "application/merge-patch+json")
                    let before = hooks.requests.count
                    let type = row.method == .patch ? "application/merge-patch+json" : "application/json"
                    await server.ask(row.method, "\(row.path)?dryRun=All", row.body, type: type)
                    #expect(hooks.requests.count - before == (row.isAsked ? 1 : 0), "\(row)")
                }
            }
        }
    }

    private static let namespaces = "/api/v1/namespaces"
    private static let apps = "/apis/apps/v1/namespaces/default/deployments"

    @Test func aWebhookSeesTheVersionItKnows() async throws {
        try await WebhookServer.with { _ in
            ["allowed": true]
        } _: { hooks in
            try await TestServer.with { server in
                let rules: Value = [
                    [
                        "operations": ["CREATE"], "apiGroups": ["autoscaling"], "apiVersions": ["v1"],
                        "resources": ["horizontalpodautoscalers"],
                    ]
                ]
                await configure(
                    server, "validating",
                    [hooks.hook("a.example.com", ["rules": rules]), hooks.hook("b.example.com", ["rules": rules, "matchPolicy": "Exact"])])
                let scaler: Value = [
                    "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": ["name": "h"],
                    "spec": ["maxReplicas": 3, "scaleTargetRef": ["kind": "Deployment", "name": "d", "apiVersion": "apps/v1"]],
                ]
                let path = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
                #expect(await server.ask(.post, path, scaler).code == 201)
                #expect(hooks.requests.count == 1)
                #expect(hooks.requests.first?["kind"]["version"] == "v1")
                #expect(hooks.requests.first?["requestKind"]["version"] == "v2")
                #expect(hooks.requests.first?["object"]["apiVersion"] == "autoscaling/v1")
                #expect(hooks.requests.first?["object"]["spec"]["targetCPUUtilizationPercentage"] == 80)
            }
        }
    }

    @Test(
        arguments: [
            (["raw": "garbage"], "the answer is no JSON"), (["uid": "other", "allowed": true], "expected response.uid="),
            (["allowed": true, "patch": "W10="], "validating webhook may not return response.patch"),
        ] as [(Value, String)])
    func noAnswerIsARefusalOrNoneAsThePolicySays(_ answer: Value, _ message: String) async throws {
        try await WebhookServer.with { _ in
            answer
        } _: { hooks in
            try await TestServer.with { server in
                await configure(server, "validating", [hooks.hook()])
                let failed = await server.ask(.post, maps, TestServer.configMap("m"))
                #expect(failed.code == 500)
                #expect(failed.message.hasPrefix("Internal error occurred: failed calling webhook \"hook.example.com\": "))
                #expect(failed.message.contains(message), "\(failed.message)")
                await server.ask(
                    .patch, "\(registration)/validatingwebhookconfigurations/c",
                    [["op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"]], type: "application/json-patch+json")
                #expect(await server.ask(.post, maps, TestServer.configMap("m")).code == 201)
            }
        }
    }

    @Test func aWebhookThatHangsIsGivenUp() async throws {
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        try await WebhookServer.with { _ in
            for await _ in ends {}
            return ["allowed": true]
        } _: { hooks in
            try await TestServer.with { server in
                await configure(server, "mutating", [hooks.hook("hook.example.com", ["timeoutSeconds": 1])])
                let failed = await server.ask(.post, maps, TestServer.configMap("m"))
                #expect(failed.code == 500)
                #expect(failed.message.hasSuffix("context deadline exceeded"), "\(failed.message)")
            }
            end.finish()
        }
    }

    @Test func aPatchThatDoesNotFitIsAnError() async throws {
        try await WebhookServer.with { _ in
            WebhookServer.patch([["op": "remove", "path": "/data/none"]])
        } _: { hooks in
            try await TestServer.with { server in
                await configure(server, "mutating", [hooks.hook()])
                let failed = await server.ask(.post, maps, TestServer.configMap("m"))
                #expect(failed.code == 500)
                #expect(await server.ask(.get, "\(maps)/m").code == 404)
            }
        }
    }

    @Test func aDryRunReachesThoseWithoutSideEffectsAlone() async throws {
        try await WebhookServer.with { _ in
            ["allowed": true]
        } _: { hooks in
            try await TestServer.with { server in
                await configure(server, "validating", [hooks.hook()])
                #expect(await server.ask(.post, "\(maps)?dryRun=All", TestServer.configMap("m")).code == 201)
                #expect(hooks.requests.first?["dryRun"] == true)
            }
        }
    }

    @Test func aServiceStandsForItsEndpoints() async throws {
        try await WebhookServer.with { _ in
            ["allowed": true]
        } _: { hooks in
            try await TestServer.with {
                $0.isProxyable = { _ in true }
            } _: { server in
                await server.ask(.post, "/api/v1/namespaces/default/serviceaccounts", ["metadata": ["name": "default"]])
                let service: Value = ["url": .null, "service": ["namespace": "default", "name": "hook", "path": "/p"]]
                var hook = hooks.hook()
                hook["clientConfig"] = service
                hook["clientConfig"]["caBundle"] = .string(hooks.caBundle)
                await configure(server, "validating", [hook])
                let missing = await server.ask(.post, maps, TestServer.configMap("m"))
                #expect(missing.code == 500)
                #expect(missing.message.contains("Post \"https://hook.default.svc:443/p?timeout=5s\": "), "\(missing.message)")
                await server.ask(
                    .post, "/api/v1/namespaces/default/services", TestServer.service("hook", ports: [["port": 443, "name": "tls"]]))
                await server.ask(.post, "/api/v1/namespaces/default/pods", TestServer.pod("p"))
                await server.ask(
                    .patch, "/api/v1/namespaces/default/pods/p/status", ["status": ["phase": "Running", "podIP": "127.0.0.1"]],
                    type: "application/merge-patch+json")
                // Behind the registry's back: the API lets no loopback address into a slice.
                let slice: Value = [
                    "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                    "metadata": [
                        "name": "hook", "namespace": "default", "resourceVersion": "",
                        "labels": ["kubernetes.io/service-name": "hook"],
                    ], "addressType": "IPv4",
                    "endpoints": [["addresses": ["127.0.0.1"], "targetRef": ["kind": "Pod", "name": "p"]]],
                    "ports": [["name": "tls", "port": .int(Int64(hooks.port)), "protocol": "TCP"]],
                ]
                _ = try await server.store.put(
                    RecordKey(collection: "discovery.k8s.io/endpointslices", name: "default/hook"), Body(slice), expecting: .absent)
                let made = await server.ask(.post, maps, TestServer.configMap("m"))
                #expect(made.code == 201, "\(made.message)")
                #expect(hooks.requests.count == 1)
            }
        }
    }

    @Test func anotherCertificateIsNotTrusted() async throws {
        try await WebhookServer.with { _ in
            ["allowed": true]
        } _: { hooks in
            try await WebhookServer.with { _ in
                ["allowed": true]
            } _: { other in
                try await TestServer.with { server in
                    await configure(
                        server, "validating", [hooks.hook("hook.example.com", ["clientConfig": ["caBundle": .string(other.caBundle)]])])
                    #expect(await server.ask(.post, maps, TestServer.configMap("m")).code == 500)
                    #expect(hooks.requests.isEmpty)
                }
            }
        }
    }

    @Test func nobodyIsAskedAboutConfigurations() async throws {
        try await WebhookServer.with { _ in
            ["allowed": false]
        } _: { hooks in
            try await TestServer.with { server in
                let all: Value = ["rules": [["operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"]]]]
                await configure(server, "validating", [hooks.hook("hook.example.com", all)])
                #expect(await server.ask(.post, maps, TestServer.configMap("m")).code == 400)
                #expect(await server.ask(.delete, "\(registration)/validatingwebhookconfigurations/c").code == 200)
                #expect(await server.ask(.post, maps, TestServer.configMap("m")).code == 201)
            }
        }
    }

    @Test(
        arguments: [
            (["name": "short"], "webhooks[0].name", "should be a domain with at least three segments separated by dots"),
            (["timeoutSeconds": 31], "webhooks[0].timeoutSeconds", "the timeout value must be between 1 and 30 seconds"),
            (["sideEffects": "Some"], "webhooks[0].sideEffects", "supported values: \"None\", \"NoneOnDryRun\""),
            (["admissionReviewVersions": ["v2"]], "webhooks[0].admissionReviewVersions", "must include at least one of v1, v1beta1"),
            (
                ["clientConfig": ["url": "http://x/"]], "webhooks[0].clientConfig.url",
                "'https' is the only allowed URL scheme; desired format: https://host[/path]"
            ),
            (
                ["clientConfig": ["service": ["namespace": "d", "name": "n"]]], "webhooks[0].clientConfig",
                "exactly one of url or service is required"
            ),
            (
                ["rules": [["operations": ["*", "CREATE"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"]]]],
                "webhooks[0].rules[0].operations", "if '*' is present, must not specify other operations"
            ),
            (
                ["rules": [["operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["pods/*", "pods/log"]]]],
                "webhooks[0].rules[0].resources[1]", "if 'pods/*' is present, must not specify pods/log"
            ),
            (
                ["matchConditions": [["name": "c", "expression": "1"]]], "webhooks[0].matchConditions[0].expression",
                "must evaluate to bool but got int"
            ),
        ] as [(Value, String, String)])
    func mistakesInConfigurationsAreRefused(_ change: Value, _ field: String, _ message: String) async throws {
        try await WebhookServer.with { _ in
            ["allowed": true]
        } _: { hooks in
            try await TestServer.with { server in
                let answer = await server.ask(
                    .post, "\(registration)/validatingwebhookconfigurations",
                    ["metadata": ["name": "c"], "webhooks": [hooks.hook("hook.example.com", change)]])
                #expect(answer.code == 422)
                let causes = answer.json["details"]["causes"].elements
                #expect(
                    causes.contains { $0["field"].string == field && $0["message"].string?.hasSuffix(message) == true },
                    "\(answer.message)")
            }
        }
    }
}
