import APIModel
import HTTPTypes
import PKI
import Testing

@testable import APIServer

/// What is refused is refused in upstream's words: rows that were taken side by side from upstream 1.36 and this server.
@Suite struct WordingTests {
    private static let rbac = "/apis/rbac.authorization.k8s.io/v1"
    private static let namespace = "/api/v1/namespaces/default"

    private static func role(_ name: String, _ rules: Value) -> Value { ["metadata": ["name": .string(name)], "rules": rules] }

    private static func binding(_ name: String, role: String, to user: String) -> Value {
        [
            "metadata": ["name": .string(name)],
            "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": .string(role)],
            "subjects": [["kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": .string(user)]],
        ]
    }

    // MARK: Escalation

    private static let grants: [(rules: Value, lacking: [String])] = [
        (
            [["apiGroups": [""], "resources": ["pods", "secrets"], "verbs": ["get", "delete"]]],
            [
                #"{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}"#,
                #"{APIGroups:[""], Resources:["secrets"], Verbs:["delete" "get"]}"#,
            ]
        ),
        ([["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]]], [#"{APIGroups:["*"], Resources:["*"], Verbs:["*"]}"#]),
        (
            [["nonResourceURLs": ["/metrics", "/x*"], "verbs": ["get"]]],
            [#"{NonResourceURLs:["/metrics"], Verbs:["get"]}"#, #"{NonResourceURLs:["/x*"], Verbs:["get"]}"#]
        ),
        (
            [["apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a", "b"], "verbs": ["get"]]],
            [
                #"{APIGroups:[""], Resources:["secrets"], ResourceNames:["a"], Verbs:["get"]}"#,
                #"{APIGroups:[""], Resources:["secrets"], ResourceNames:["b"], Verbs:["get"]}"#,
            ]
        ),
        // Two rules for one resource are one.
        (
            [
                ["apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list"]],
                ["apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]],
                ["apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]],
            ],
            [
                #"{APIGroups:[""], Resources:["nodes"], Verbs:["get"]}"#,
                #"{APIGroups:["apps"], Resources:["deployments"], Verbs:["get" "list"]}"#,
            ]
        ),
    ]

    @Test func whatIsLackingIsListedByResource() async throws {
        try await TestServer.with { server in
            await server.ask(
                .post, "\(Self.rbac)/clusterroles",
                Self.role(
                    "writer",
                    [
                        [
                            "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles", "clusterrolebindings"],
                            "verbs": ["create", "update", "patch"],
                        ],
                        ["apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]],
                    ]))
            await server.ask(.post, "\(Self.rbac)/clusterrolebindings", Self.binding("writer", role: "writer", to: "alice"))
            for (rules, lacking) in Self.grants {
                let answer = await server.ask(.post, "\(Self.rbac)/clusterroles?dryRun=All", Self.role("e", rules), token: "alice-token")
                #expect(
                    answer.message == "clusterroles.rbac.authorization.k8s.io \"e\" is forbidden: user \"alice\" "
                        + "(groups=[\"devs\" \"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:\n"
                        + lacking.joined(separator: "\n"), "\(answer.message)")
            }
            // A role that is not there is missed, unless one may bind any.
            let missing = Self.binding("b", role: "nope", to: "x")
            let missed = await server.ask(.post, "\(Self.rbac)/clusterrolebindings?dryRun=All", missing, token: "alice-token")
            #expect(missed.code == 404 && missed.message == "clusterrolebindings.rbac.authorization.k8s.io \"nope\" not found")
            #expect(await server.ask(.post, "\(Self.rbac)/clusterrolebindings?dryRun=All", missing).code == 201)
        }
    }

    // MARK: Requests

    private static let requests: [(HTTPRequest.Method, String, Value?, code: Int, message: String)] = [
        (
            .delete, namespace, nil, 403,
            "namespaces \"default\" is forbidden: User \"bob\" cannot delete resource \"namespaces\" in API group \"\" in the namespace \"default\""
        ),
        (
            .get, "/api/v1/namespaces", nil, 403,
            "namespaces is forbidden: User \"bob\" cannot list resource \"namespaces\" in API group \"\" at the cluster scope"
        ),
        (.get, "/metrics", nil, 403, "forbidden: User \"bob\" cannot get path \"/metrics\""),
    ]

    private static let administered: [(HTTPRequest.Method, String, Value?, code: Int, message: String)] = [
        (
            .post, "\(namespace)/serviceaccounts/robot/token", ["spec": ["boundObjectRef": ["kind": "Pod", "apiVersion": "v1"]]], 400,
            "Name parameter required."
        ),
        (
            .post, "/apis/scheduling.k8s.io/v1/priorityclasses", ["metadata": ["name": "two"], "value": 2, "globalDefault": true], 403,
            "priorityclasses.scheduling.k8s.io \"two\" is forbidden: PriorityClass one is already marked as default. Only one default can exist"
        ),
        (
            .put, "/apis/scheduling.k8s.io/v1/priorityclasses/other",
            ["metadata": ["name": "other"], "value": 3, "globalDefault": true], 403,
            "priorityclasses.scheduling.k8s.io \"other\" is forbidden: PriorityClass one is already marked as default. Only one default can exist"
        ),
        (
            .put, "/apis/scheduling.k8s.io/v1/priorityclasses/one", ["metadata": ["name": "one"], "value": 1, "globalDefault": true], 200,
            ""
        ),
    ]

    @Test func requestsAreRefusedInUpstreamsWords() async throws {
        try await TestServer.with { server in
            await server.ask(.post, "\(Self.namespace)/serviceaccounts", ["metadata": ["name": "robot"]])
            for class_ in [["metadata": ["name": "one"], "value": 1, "globalDefault": true], ["metadata": ["name": "other"], "value": 3]]
                as [Value]
            {
                await server.ask(.post, "/apis/scheduling.k8s.io/v1/priorityclasses", class_)
            }
            for (rows, token) in [(Self.requests, "bob-token"), (Self.administered, "admin-token")] {
                for (method, path, body, code, message) in rows {
                    let answer = await server.ask(method, path, body, token: token)
                    #expect(answer.code == code && answer.message == message, "\(method) \(path): \(answer.code) \(answer.message)")
                }
            }
            // A static token is for this server, so nobody knows it elsewhere.
            let review: Value = ["spec": ["token": "alice-token", "audiences": ["vault"]]]
            let status = await server.ask(.post, "/apis/authentication.k8s.io/v1/tokenreviews", review).json["status"]
            #expect(status == ["user": .emptyObject, "error": "invalid bearer token"])
        }
    }

    // MARK: Secrets of an account

    private static func pod(_ change: (inout Value) -> Void) -> Value {
        var spec: Value = ["serviceAccountName": "strict", "containers": [["name": "c", "image": "i:1"]]]
        change(&spec)
        return ["metadata": ["name": "p"], "spec": spec]
    }

    private static let variable: Value = [["name": "A", "valueFrom": ["secretKeyRef": ["name": "bad", "key": "k"]]]]

    private static let pods: [(pod: Value, what: String?)] = [
        (pod { _ in }, nil),
        (pod { $0["volumes"] = [["name": "s", "secret": ["secretName": "good"]]] }, nil),
        (pod { $0["volumes"] = [["name": "s", "secret": ["secretName": "bad"]]] }, "volume with secret.secretName=\"bad\""),
        (
            pod { $0["containers"][0]["env"] = variable },
            "container c with envVar A referencing secret.secretName=\"bad\""
        ),
        (
            pod { $0["containers"][0]["envFrom"] = [["secretRef": ["name": "bad"]]] },
            "container c with envFrom referencing secret.secretName=\"bad\""
        ),
        (
            pod { $0["initContainers"] = [["name": "i", "image": "i:1", "env": variable]] },
            "init container i with envVar A referencing secret.secretName=\"bad\""
        ),
        (pod { $0["imagePullSecrets"] = [["name": "bad"]] }, "imagePullSecrets[0].name=\"bad\""),
    ]

    @Test func aPodKeepsToTheSecretsOfItsAccount() async throws {
        try await TestServer.with { server in
            let account: Value = [
                "metadata": ["name": "strict", "annotations": ["kubernetes.io/enforce-mountable-secrets": "true"]],
                "secrets": [["name": "good"]],
            ]
            #expect(await server.ask(.post, "\(Self.namespace)/serviceaccounts", account).code == 201)
            for (pod, what) in Self.pods {
                let answer = await server.ask(.post, "\(Self.namespace)/pods?dryRun=All", pod)
                guard let what else {
                    #expect(answer.code == 201, "\(answer.message)")
                    continue
                }
                let kind = what.hasPrefix("imagePullSecrets") ? "imagePullSecret" : "secret"
                #expect(
                    answer.message
                        == "pods \"p\" is forbidden: \(what) is not allowed because service account strict does not reference that \(kind)",
                    "\(answer.message)")
            }
            #expect(await server.ask(.post, "\(Self.namespace)/pods", Self.pods[0].pod).code == 201)
            let debug: Value = ["spec": ["ephemeralContainers": [["name": "d", "image": "i:1", "env": Self.variable]]]]
            let refused = await server.ask(
                .patch, "\(Self.namespace)/pods/p/ephemeralcontainers", debug, type: "application/strategic-merge-patch+json")
            #expect(
                refused.message.contains("ephemeral container d with envVar A referencing secret.secretName=\"bad\""), "\(refused.message)")
            // What a node tells of a pod of its own brings nothing along.
            for (spec, why) in [
                (["serviceAccountName": "strict"], "a mirror pod may not reference service accounts"),
                (["volumes": [["name": "s", "secret": ["secretName": "x"]]]], "a mirror pod may not reference secrets"),
                (
                    ["volumes": [["name": "s", "projected": ["sources": [["serviceAccountToken": ["path": "t"]]]]]]],
                    "a mirror pod may not use ServiceAccountToken volume projections"
                ),
            ] as [(Value, String)] {
                var mirror = spec
                mirror["containers"] = [["name": "c", "image": "i:1"]]
                let metadata: Value = ["name": "m", "annotations": ["kubernetes.io/config.mirror": "x"]]
                let answer = await server.ask(.post, "\(Self.namespace)/pods?dryRun=All", ["metadata": metadata, "spec": mirror])
                #expect(answer.message == "pods \"m\" is forbidden: \(why)", "\(answer.message)")
            }
        }
    }

    // MARK: Policies

    private static let policies = "/apis/admissionregistration.k8s.io/v1"

    private static func policy(_ spec: Value) -> Value {
        var spec = spec
        spec["matchConstraints"] = [
            "resourceRules": [["apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]]]
        ]
        return ["metadata": ["name": "p"], "spec": spec]
    }

    @Test func policiesSayWhyTheyDeny() async throws {
        try await TestServer.with { server in
            let halfParams = Self.policy(["validations": [["expression": "true"]], "paramKind": ["apiVersion": "v1"]])
            let refused = await server.ask(.post, "\(Self.policies)/validatingadmissionpolicies", halfParams)
            #expect(refused.message.hasSuffix("\"p\" is invalid: spec.paramKind.kind: Required value"), "\(refused.message)")

            let variable: Value = ["name": "x", "expression": "object.data.q"]
            let validating = Self.policy(["validations": [["expression": "variables.x == \"c\""]], "variables": [variable]])
            #expect(await server.ask(.post, "\(Self.policies)/validatingadmissionpolicies", validating).code == 201)
            let binding: Value = ["metadata": ["name": "b"], "spec": ["policyName": "p", "validationActions": ["Deny"]]]
            #expect(await server.ask(.post, "\(Self.policies)/validatingadmissionpolicybindings", binding).code == 201)
            let denied = await server.ask(.post, "\(Self.namespace)/configmaps", TestServer.configMap("m"))
            #expect(
                denied.message == "configmaps \"m\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: "
                    + "expression 'variables.x == \"c\"' resulted in error: composited variable \"x\" fails to evaluate: no such key: q",
                "\(denied.message)")
            await server.ask(.delete, "\(Self.policies)/validatingadmissionpolicies/p")

            let bindings = "\(Self.policies)/mutatingadmissionpolicybindings"
            #expect(await server.ask(.post, bindings, ["metadata": ["name": "b"], "spec": ["policyName": "p"]]).code == 201)
            for (expression, code, message) in [
                (
                    #"[JSONPatch{op: "remove", path: "/data/nope"}]"#, 403,
                    "policy 'p' with binding 'b' denied request: JSON Patch: error in remove for path: '/data/nope': "
                        + "Unable to remove nonexistent key: nope: missing value"
                ),
                // Testing in vain is no failure.
                (#"[JSONPatch{op: "test", path: "/data/a", value: "no"}, JSONPatch{op: "remove", path: "/data/a"}]"#, 201, ""),
            ] {
                let mutation: Value = ["patchType": "JSONPatch", "jsonPatch": ["expression": .string(expression)]]
                let mutating = Self.policy(["reinvocationPolicy": "Never", "mutations": [mutation]])
                #expect(await server.ask(.post, "\(Self.policies)/mutatingadmissionpolicies", mutating).code == 201)
                let answer = await server.ask(.post, "\(Self.namespace)/configmaps?dryRun=All", TestServer.configMap("m"))
                #expect(answer.code == code && answer.message == message, "\(answer.code) \(answer.message)")
                #expect(code != 201 || answer.json["data"] == ["a": "b"])
                await server.ask(.delete, "\(Self.policies)/mutatingadmissionpolicies/p")
            }
        }
    }

    // MARK: Webhooks

    @Test(
        arguments: [
            (404, "", false, "the server could not find the requested resource"),
            (500, "oops", false, "an error on the server (\"unknown\") has prevented the request from succeeding"),
            (502, "bad gateway\n", true, "an error on the server (\"bad gateway\") has prevented the request from succeeding"),
            (503, "busy", true, "busy"), (401, "", false, "the server has asked for the client to provide credentials"),
            (418, "", false, "the server responded with the status code 418 but did not return more information"),
            (403, #"{"kind":"Status","message":"forbidden: no"}"#, false, "forbidden: no"),
        ]) func aWebhooksStatusIsToldInClientsWords(_ status: Int, _ body: String, _ isText: Bool, _ words: String)
    {
        #expect(WebhookRefusal(status: status, body: Array(body.utf8), isText: isText).description == words)
    }
}
