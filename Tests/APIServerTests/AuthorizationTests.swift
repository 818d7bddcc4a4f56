import APIModel
import Client
import Foundation
import HTTPTypes
import Synchronization
import Testing

@testable import APIServer

/// Who is asked what users may do: modes, webhooks, and the file that names them.
@Suite struct AuthorizationTests {
    private static let pods = "/api/v1/namespaces/default/pods"
    private static let reviews = "/apis/authorization.k8s.io/v1/subjectaccessreviews"

    private static func review(_ status: Value, version: String = "v1") -> Value {
        ["apiVersion": .string("authorization.k8s.io/\(version)"), "kind": "SubjectAccessReview", "status": status]
    }

    /// Runs `body` with a server that asks a webhook, and then RBAC.
    private static func with(
        _ reply: @escaping WebhookServer.Judge, now: @escaping @Sendable () -> Whole = { 0 },
        settings change: (inout WebhookAuthorizer.Settings) -> Void = { _ in },
        _ body: (TestServer, WebhookServer) async throws -> Void
    ) async throws {
        var settings = WebhookAuthorizer.Settings()
        settings.version = "v1"
        change(&settings)
        try await WebhookServer.with { _ in
            .emptyObject
        } reply: {
            await reply($0)
        } _: { hook in
            var backend = ClientConfiguration(server: "https://127.0.0.1:\(hook.port)/authorize")
            backend.certificateAuthority = try #require(Base64.decode(hook.caBundle))
            let webhook = try WebhookAuthorizer(backend, settings, now: now)
            try await TestServer.with {
                $0.authorization = AuthorizationConfiguration([.webhook, .rbac], webhook: webhook)
            } _: { server in
                try await body(server, hook)
            }
        }
    }

    private static func allowReads(_ server: TestServer, _ user: String) async {
        let rules: Value = [["verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]]]
        let path = "/apis/rbac.authorization.k8s.io/v1"
        await server.ask(.post, "\(path)/clusterroles", ["metadata": ["name": "readers"], "rules": rules])
        await server.ask(
            .post, "\(path)/clusterrolebindings",
            [
                "metadata": ["name": "readers"],
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "readers"],
                "subjects": [["kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": .string(user)]],
            ])
    }

    // MARK: The webhook

    @Test func aWebhookIsAskedAndBelievedForAWhile() async throws {
        let now = Mutex<Whole>(0)
        try await Self.with { review in
            let resource = review[path: "spec", "resourceAttributes", "resource"].string
            return Self.review(["allowed": .bool(resource == "pods"), "reason": resource == "pods" ? "I say so" : "never"])
        } now: {
            now.withLock { $0 }
        } settings: {
            $0.authorizedLifetime = .seconds(60)
            $0.unauthorizedLifetime = .seconds(10)
        } _: { server, hook in
            let secrets = "/api/v1/namespaces/default/secrets"
            func ask() async {
                let pods = await server.ask(
                    .get, "\(Self.pods)?labelSelector=a%20in%20(b),c&fieldSelector=spec.nodeName%3Dn", token: "alice-token")
                #expect(pods.code == 200, "\(pods.text)")
                let refused = await server.ask(.get, secrets, token: "alice-token")
                #expect(refused.code == 403 && refused.message.hasSuffix(": never"), "\(refused.text)")
            }
            await ask()
            await ask()
            #expect(hook.bodies.count == 2)
            let spec = try #require(hook.bodies.first?["spec"])
            #expect(
                spec == [
                    "user": "alice", "uid": "2", "groups": ["devs", "system:authenticated"],
                    "resourceAttributes": [
                        "namespace": "default", "verb": "list", "version": "v1", "resource": "pods",
                        "fieldSelector": ["requirements": [["key": "spec.nodeName", "operator": "In", "values": ["n"]]]],
                        "labelSelector": [
                            "requirements": [["key": "a", "operator": "In", "values": ["b"]], ["key": "c", "operator": "Exists"]]
                        ],
                    ],
                ], "\(spec)")
            now.withLock { $0 = 11 }
            await ask()
            #expect(hook.bodies.count == 3, "what is not allowed is asked again first")
            now.withLock { $0 = 61 }
            await ask()
            #expect(hook.bodies.count == 5)
            // Administrators do not wait for anybody.
            #expect(await server.ask(.get, secrets).code == 200)
            #expect(hook.bodies.count == 5)
            let metrics = await server.ask(.get, "/metrics").text
            #expect(metrics.contains("apiserver_authorization_webhook_evaluations_total{name=\"default\",result=\"success\"} 5\n"))
            let decided = "apiserver_authorization_decisions_total{type=\"Webhook\",name=\"default\",decision"
            #expect(metrics.contains("\(decided)=\"allowed\"} 4\n") && !metrics.contains("\(decided)=\"denied\"}"), "\(metrics)")
        }
    }

    @Test func aWebhookMayDenyWhatRBACWouldAllow() async throws {
        try await Self.with { review in
            let user = review[path: "spec", "user"].string
            return Self.review(user == "alice" ? ["allowed": false, "denied": true, "reason": "no"] : ["allowed": false])
        } _: { server, hook in
            await Self.allowReads(server, "alice")
            #expect(await server.ask(.get, Self.pods, token: "alice-token").code == 403)
            await Self.allowReads(server, "bob")
            #expect(await server.ask(.get, Self.pods, token: "bob-token").code == 403)
            await server.ask(.delete, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/readers")
            await Self.allowReads(server, "bob")
            #expect(await server.ask(.get, Self.pods, token: "bob-token").code == 200, "no opinion leaves it to RBAC")
            let review: Value = [
                "spec": ["user": "alice", "resourceAttributes": ["verb": "list", "resource": "pods", "namespace": "default"]]
            ]
            let status = await server.ask(.post, Self.reviews, review).json["status"]
            #expect(status == ["allowed": false, "denied": true, "reason": "no"])
            let other: Value = ["spec": ["user": "x", "groups": ["g"], "nonResourceAttributes": ["verb": "get", "path": "/x"]]]
            await server.ask(.post, Self.reviews, other)
            #expect(hook.bodies.last?["spec"] == ["user": "x", "groups": ["g"], "nonResourceAttributes": ["path": "/x", "verb": "get"]])
            let rules = await server.ask(
                .post, "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", ["spec": ["namespace": "default"]], token: "bob-token")
            #expect(rules.json[path: "status", "incomplete"] == true)
            #expect(
                rules.json[path: "status", "evaluationError"].string?.contains("webhook authorizer does not support user rule resolution")
                    == true)
        }
    }

    @Test(arguments: ["garbage", "hangs", "other version", "both"], [false, true])
    func whatHappensWithoutAnAnswer(_ defect: String, _ denies: Bool) async throws {
        try await Self.with { _ in
            switch defect {
            case "hangs":
                try? await Task.sleep(for: .seconds(60))
                return .null
            case "garbage": return ["hello": "world"]
            case "other version": return Self.review(["allowed": true], version: "v1beta1")
            default: return Self.review(["allowed": true, "denied": true])
            }
        } settings: {
            // Short only where there will be no answer: a busy machine takes long for one.
            $0.timeout = defect == "hangs" ? .milliseconds(300) : .seconds(30)
            $0.deniesOnFailure = denies
        } _: { server, _ in
            await Self.allowReads(server, "alice")
            let isDenied = denies || defect == "both"
            #expect(await server.ask(.get, Self.pods, token: "alice-token").code == (isDenied ? 500 : 200))
            let result = ["hangs": "timeout", "both": "success"][defect] ?? "error"
            let labels = "{name=\"default\",result=\"\(result)\"} 1\n"
            let metrics = await server.ask(.get, "/metrics").text
            #expect(metrics.contains("apiserver_authorization_webhook_evaluations_total\(labels)"), "\(metrics)")
            #expect(metrics.contains("apiserver_authorization_webhook_evaluations_fail_open_total\(labels)") != isDenied)
            #expect(await server.ask(.delete, "\(Self.pods)/p", token: "alice-token").code == 500, "nobody can say that it is forbidden")
            let review: Value = ["spec": ["user": "zoe", "resourceAttributes": ["verb": "list", "resource": "pods"]]]
            let status = await server.ask(.post, Self.reviews, review).json["status"]
            #expect(status["allowed"] == false && status["denied"] == (isDenied ? true : .null))
            #expect(status["evaluationError"].string?.isEmpty == false)
        }
    }

    @Test func conditionsKeepQuestionsAway() async throws {
        let conditions = try ReviewConditions(
            [
                "request.user != 'bob'", "has(request.resourceAttributes)",
                "!has(request.resourceAttributes.labelSelector) || request.resourceAttributes.verb == 'list'",
            ].map(ReviewConditions.compile))
        try await Self.with { _ in
            Self.review(["allowed": true])
        } settings: {
            $0.conditions = conditions
        } _: { server, hook in
            #expect(await server.ask(.get, Self.pods, token: "bob-token").code == 403)
            #expect(await server.ask(.get, "/metrics", token: "alice-token").code == 403)
            #expect(hook.bodies.isEmpty)
            #expect(await server.ask(.get, "\(Self.pods)?labelSelector=a", token: "alice-token").code == 200)
            #expect(hook.bodies.count == 1)
            let metrics = await server.ask(.get, "/metrics").text
            let labels = "{type=\"Webhook\",name=\"default\"}"
            #expect(metrics.contains("apiserver_authorization_match_condition_exclusions_total\(labels) 2\n"), "\(metrics)")
            #expect(metrics.contains("apiserver_authorization_match_condition_evaluation_seconds_count\(labels) 3\n"))
        }
        let broken = ReviewConditions([try ReviewConditions.compile("request.extra['a'][0] == 'b'")])
        for denies in [false, true] {
            try await Self.with { _ in
                Self.review(["allowed": true])
            } settings: {
                $0.conditions = broken
                $0.deniesOnFailure = denies
            } _: { server, hook in
                // A condition without a value is as good as no answer: it cannot be said that nobody would have allowed it.
                #expect(await server.ask(.get, Self.pods, token: "alice-token").code == 500)
                #expect(hook.bodies.isEmpty)
                await Self.allowReads(server, "alice")
                #expect(await server.ask(.get, Self.pods, token: "alice-token").code == (denies ? 500 : 200))
            }
        }
    }

    @Test func expressionsOfPoliciesAskTheWebhookToo() async throws {
        try await Self.with { review in
            let resource = review[path: "spec", "resourceAttributes"]
            return Self.review(["allowed": .bool(resource["resource"] != "launches" || resource["name"] == "allowed")])
        } _: { server, hook in
            let group = "/apis/admissionregistration.k8s.io/v1"
            await server.ask(
                .post, "\(group)/validatingadmissionpolicies",
                [
                    "metadata": ["name": "launches"],
                    "spec": [
                        "matchConstraints": [
                            "resourceRules": [
                                ["operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]]
                            ]
                        ],
                        "variables": [
                            [
                                "name": "may",
                                "expression": "authorizer.group('').resource('launches').name(object.data.name).check('do').allowed()",
                            ]
                        ],
                        "validations": [["expression": "variables.may", "message": "you may not launch"]],
                    ],
                ])
            await server.ask(
                .post, "\(group)/validatingadmissionpolicybindings",
                ["metadata": ["name": "launches"], "spec": ["policyName": "launches", "validationActions": ["Deny"]]])
            for (name, code) in [("allowed", 201), ("other", 422)] {
                let map = TestServer.configMap(name, data: ["name": .string(name)])
                let answer = await server.ask(.post, "/api/v1/namespaces/default/configmaps", map, token: "alice-token")
                #expect(answer.code == code, "\(answer.text)")
            }
            #expect(hook.bodies.count { $0[path: "spec", "resourceAttributes", "resource"] == "launches" } == 2)
        }
    }

    // MARK: Modes

    @Test func modesThatLookAtNothing() async throws {
        for (mode, code) in [(AuthorizationMode.alwaysAllow, 200), (.alwaysDeny, 403)] {
            try await TestServer.with {
                $0.authorization = AuthorizationConfiguration([mode])
            } _: { server in
                let answer = await server.ask(.get, Self.pods, token: "alice-token")
                #expect(answer.code == code)
                if code == 403 { #expect(answer.message.hasSuffix(": Everything is forbidden.")) }
                #expect(await server.ask(.get, Self.pods).code == 200)
            }
        }
    }

    // MARK: The file

    private static func file(_ authorizers: Value...) -> String {
        let file: Value = [
            "apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthorizationConfiguration", "authorizers": .array(authorizers),
        ]
        return String(decoding: JSON.encode(file), as: UTF8.self)
    }

    /// Runs `body` with the path of a kubeconfig that can be used.
    private static func withKubeconfig(_ body: (String) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("webhook-\(UniqueID.make()).kubeconfig").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let text = """
            apiVersion: v1
            kind: Config
            clusters: [{name: c, cluster: {server: "https://127.0.0.1:1/authorize"}}]
            users: [{name: u, user: {token: t}}]
            contexts: [{name: x, context: {cluster: c, user: u}}]
            current-context: x
            """
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        try await body(path)
    }

    private static func webhook(_ kubeconfig: String, _ changes: Value = .emptyObject) -> Value {
        let entry: Value = [
            "type": "Webhook", "name": "hook",
            "webhook": [
                "timeout": "3s", "authorizedTTL": "5m", "unauthorizedTTL": "30s", "subjectAccessReviewVersion": "v1",
                "matchConditionSubjectAccessReviewVersion": "v1", "failurePolicy": "NoOpinion",
                "connectionInfo": ["type": "KubeConfigFile", "kubeConfigFile": .string(kubeconfig)],
                "matchConditions": [["expression": "request.user != 'x'"]],
            ],
        ]
        return Change.apply(changes, to: entry)
    }

    @Test func whatIsWrongWithAFileIsSaid() async throws {
        try await Self.withKubeconfig { kubeconfig in
            func told(_ text: String) -> String {
                do {
                    _ = try AuthorizationConfiguration(text)
                    return "good"
                } catch {
                    return "\(error)"
                }
            }
            let rbac: Value = ["type": "RBAC", "name": "rbac"]
            #expect(told(Self.file(Self.webhook(kubeconfig), Self.webhook(kubeconfig, ["name": "other"]), rbac)) == "good")
            func hook(_ changes: Value) -> String { told(Self.file(Self.webhook(kubeconfig, ["webhook": changes]))) }
            let expectations: [(told: String, why: String)] = [
                (told(Self.file()), "authorizers: Required value"), (told(Self.file(["name": "x"])), "authorizers[0].type: Required value"),
                (told(Self.file(["type": "ABAC", "name": "x"])), "Unsupported value: \"ABAC\""),
                (told(Self.file(rbac, ["type": "RBAC", "name": "x"])), "authorizers[1].type: Duplicate value"),
                (told(Self.file(rbac, ["type": "Node", "name": "rbac"])), "authorizers[1].name: Duplicate value"),
                (told(Self.file(["type": "RBAC"])), "name: Required value"),
                (told(Self.file(["type": "RBAC", "name": "A"])), "is invalid"),
                (told(Self.file(["type": "Webhook", "name": "x"])), "required when type=Webhook"),
                (told(Self.file(Self.webhook(kubeconfig, ["type": "Node"]))), "may only be specified when type=Webhook"),
                (hook(["timeout": Change.gone]), "timeout: Required value"), (hook(["timeout": "31s"]), "must be > 0s and <= 30s"),
                (hook(["authorizedTTL": "-1s"]), "authorizedTTL: Invalid value"),
                (hook(["unauthorizedTTL": Change.gone]), "Required value"),
                (hook(["subjectAccessReviewVersion": "v2"]), "supported values: \"v1\", \"v1beta1\""),
                (hook(["failurePolicy": Change.gone]), "failurePolicy: Required value"),
                (hook(["failurePolicy": "Ignore"]), "Unsupported value"),
                (hook(["matchConditionSubjectAccessReviewVersion": Change.gone]), "required if match conditions are specified"),
                (hook(["matchConditions": [["expression": "request.user"]]]), "must evaluate to bool but got string"),
                (hook(["matchConditions": [["expression": "request.name == ''"]]]), "undefined field 'name'"),
                (hook(["matchConditions": [["expression": " "]]]), "expression: Required value"),
                (hook(["connectionInfo": ["type": "InClusterConfig"]]), "not supported"),
                (hook(["connectionInfo": ["kubeConfigFile": "relative"]]), "must be an absolute path"),
                (hook(["connectionInfo": ["kubeConfigFile": "/does/not/exist"]]), "error loading file"),
                (hook(["surprise": 1]), "unknown field \"authorizers[0].webhook.surprise\""), (told("a: b"), "no kind"),
            ]
            for (told, why) in expectations { #expect(told.contains(why), "\(told) where \(why) is expected") }
        }
    }

    @Test func theFileIsReadAgain() async throws {
        try await TestServer.with { server in
            let chain = server.server.authorizer
            #expect(await server.ask(.get, Self.pods, token: "alice-token").code == 403)
            #expect(throws: ConfigurationProblem("missing required types: [Node RBAC]")) {
                try chain.use(AuthorizationConfiguration([.alwaysAllow]))
            }
            #expect(await server.ask(.get, Self.pods, token: "alice-token").code == 403)
            try chain.use(AuthorizationConfiguration([.node, .rbac, .alwaysAllow]))
            #expect(await server.ask(.get, Self.pods, token: "alice-token").code == 200)
        }
    }
}
