import APIModel
import HTTPTypes
import OrderedCollections
import PKI
import Store
import Synchronization
import Testing

@testable import APIServer

/// What somebody sends who is not who they say, wants more than they may, or answers nonsense.
@Suite(.timeLimit(.minutes(2))) struct BadInputTests {
    private static let namespace = "/api/v1/namespaces/default"
    private static let rbac = "/apis/rbac.authorization.k8s.io/v1"
    private static let apply = "application/apply-patch+yaml"
    private static let merge = "application/merge-patch+json"
    private static let json = "application/json-patch+json"

    private static func role(_ name: String, _ rules: Value) -> Value {
        ["apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": ["name": .string(name)], "rules": rules]
    }

    /// A binding of a cluster role to `alice`.
    private static func binding(_ name: String, to role: String) -> Value {
        let group: Value = "rbac.authorization.k8s.io"
        return [
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": ["name": .string(name)],
            "roleRef": ["apiGroup": group, "kind": "ClusterRole", "name": .string(role)],
            "subjects": [["apiGroup": group, "kind": "User", "name": "alice"]],
        ]
    }

    // MARK: Tokens

    @Test func tokensThatAreNotGoodLetNobodyIn() async throws {
        try await TestServer.with { server in
            let account = await server.ask(.post, "\(Self.namespace)/serviceaccounts", ["metadata": ["name": "robot"]]).json
            let other = await server.ask(.post, "\(Self.namespace)/serviceaccounts", ["metadata": ["name": "other"]]).json
            let configuration = server.server.configuration
            func claims(_ account: Value, uid: String? = nil, since begin: Whole = -10) -> ServiceAccountClaims {
                let metadata = account["metadata"]
                return ServiceAccountClaims(
                    issuer: configuration.issuer, audiences: configuration.audiences, namespace: "default",
                    serviceAccount: .init(name: metadata["name"].string ?? "", uid: uid ?? metadata["uid"].string ?? ""),
                    issuedAt: Clock.seconds + begin, lifetime: 3600, id: "j")
            }
            let key = configuration.serviceAccountKey
            let good = try key.sign(claims(account))
            let parts = good.split(separator: ".").map(String.init)
            let others = try key.sign(claims(other)).split(separator: ".").map(String.init)
            func header(_ text: String) -> String { Base64URL.encode(Array(text.utf8)) }
            var (wrongIssuer, wrongAudience) = (claims(account), claims(account))
            wrongIssuer.issuer = "https://elsewhere.example.com"
            wrongAudience.audiences = ["vault"]
            let bad = [
                "expired": try key.sign(claims(account, since: -3700)), "not yet valid": try key.sign(claims(account, since: 100)),
                "of another issuer": try key.sign(wrongIssuer), "for another audience": try key.sign(wrongAudience),
                "of another key": try ServiceAccountKey().sign(claims(account)),
                "of an account that was another": try key.sign(claims(account, uid: "another")),
                "with the signature of another": [parts[0], parts[1], others[2]].joined(separator: "."),
                "with the claims of another": [parts[0], others[1], parts[2]].joined(separator: "."),
                "with a signature cut short": [parts[0], parts[1], String(parts[2].dropLast(4))].joined(separator: "."),
                "without a signature": "\(parts[0]).\(parts[1]).", "of two parts": "\(parts[0]).\(parts[1])",
                "that says it needs none": "\(header(#"{"alg":"none"}"#)).\(parts[1]).",
                "that says it needs none, in another way": "\(header(#"{"alg":"None","kid":"\#(key.id)"}"#)).\(parts[1]).\(parts[2])",
                "signed as if the public key were a password": "\(header(#"{"alg":"HS256","kid":"\#(key.id)"}"#)).\(parts[1]).\(parts[2])",
            ]
            #expect(await server.ask(.get, "/api", token: good).code == 200)
            for (what, token) in bad {
                let answer = await server.ask(.get, "/api", token: token)
                #expect(answer.code == 401 && answer.reason == "Unauthorized" && answer.message == "Unauthorized", "\(what)")
                let review = await server.ask(
                    .post, "/apis/authentication.k8s.io/v1/tokenreviews", ["spec": ["token": .string(token)]])
                #expect(review.json["status"]["authenticated"] != true, "\(what)")
            }
        }
    }

    // MARK: Rights

    /// Who may write roles has no more rights than before, whichever way they write.
    @Test func noWriteOfARoleOrABindingGivesMore() async throws {
        try await TestServer.with { server in
            let roles: Value = [
                ["verbs": ["*"], "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles", "clusterrolebindings"]]
            ]
            // Without `escalate` and `bind`, which `*` would be.
            var writing = roles
            writing[0]["verbs"] = ["get", "create", "update", "patch"]
            let small: Value = [["verbs": ["get"], "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"]]]
            let more: Value = [["verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]]]
            await server.ask(.post, "\(Self.rbac)/clusterroles", Self.role("writer", writing))
            await server.ask(.post, "\(Self.rbac)/clusterrolebindings", Self.binding("alice-writes", to: "writer"))
            func ask(_ method: HTTPRequest.Method, _ path: String, _ body: Value, _ type: String = "application/json") async -> Int {
                await server.ask(method, "\(Self.rbac)/\(path)", body, type: type, token: "alice-token").code
            }
            #expect(await ask(.post, "clusterroles", Self.role("own", small)) == 201)
            #expect(await ask(.post, "clusterrolebindings", Self.binding("own", to: "own")) == 201)
            let rolesOps: Value = [["op": "add", "path": "/rules/0", "value": more[0]]]
            let aggregation: Value = ["aggregationRule": ["clusterRoleSelectors": [["matchLabels": ["a": "b"]]]]]
            for (what, code) in [
                ("create", await ask(.post, "clusterroles", Self.role("more", more))),
                ("apply that creates", await ask(.patch, "clusterroles/more?fieldManager=a", Self.role("more", more), Self.apply)),
                ("update", await ask(.put, "clusterroles/own", Self.role("own", more))),
                ("patch", await ask(.patch, "clusterroles/own", ["rules": more], Self.merge)),
                ("JSON patch", await ask(.patch, "clusterroles/own", rolesOps, Self.json)),
                ("apply", await ask(.patch, "clusterroles/own?fieldManager=a&force=true", Self.role("own", more), Self.apply)),
                ("aggregation", await ask(.patch, "clusterroles/own", aggregation, Self.merge)),
                ("binding", await ask(.post, "clusterrolebindings", Self.binding("more", to: "cluster-admin"))),
                (
                    "apply of a binding",
                    await ask(
                        .patch, "clusterrolebindings/more?fieldManager=a", Self.binding("more", to: "cluster-admin"), Self.apply)
                ),
                ("a binding to what is not there", await ask(.post, "clusterrolebindings", Self.binding("more", to: "none"))),
            ] { #expect(code == 403 || what == "a binding to what is not there" && code == 404, "\(what): \(code)") }
            // What a binding refers to stays.
            let moved = Self.binding("own", to: "cluster-admin")
            #expect(await ask(.put, "clusterrolebindings/own", moved) == 422)
            let subjects: Value = [["apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "bob"]]
            // The subjects of a binding to rights that are held may be others; of another, they may not.
            #expect(await ask(.patch, "clusterrolebindings/own", ["subjects": subjects], Self.merge) == 200)
            #expect(await ask(.patch, "clusterrolebindings/cluster-admin", ["subjects": subjects], Self.merge) == 403)
            #expect(await server.ask(.get, "\(Self.rbac)/clusterroles/own").json["rules"] == small)
            #expect(await server.ask(.get, "/api/v1/secrets", token: "alice-token").code == 403)
        }
    }

    /// Who may write Plugins lends no library rights that they lack, whichever way they write.
    @Test func noWriteOfAPluginGivesMore() async throws {
        try await TestServer.with { server in
            let plugins = "/apis/plugins.apus.dev/v1alpha1/plugins"
            let rules: Value = [
                ["verbs": ["get", "create", "update", "patch"], "apiGroups": ["plugins.apus.dev"], "resources": ["plugins"]]
            ]
            await server.ask(.post, "\(Self.rbac)/clusterroles", Self.role("plugins", rules))
            await server.ask(.post, "\(Self.rbac)/clusterrolebindings", Self.binding("plugins", to: "plugins"))
            let more: Value = [["verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]]]
            func plugin(_ name: String, _ rules: Value) -> Value {
                [
                    "apiVersion": "plugins.apus.dev/v1alpha1", "kind": "Plugin", "metadata": ["name": .string(name)],
                    "spec": [
                        "kind": "Proxy", "library": "libp.so", "sha256": .string(String(repeating: "ab", count: 32)), "rules": rules,
                    ],
                ]
            }
            func ask(_ method: HTTPRequest.Method, _ path: String, _ body: Value, _ type: String = "application/json") async -> Int {
                await server.ask(method, "\(plugins)\(path)", body, type: type, token: "alice-token").code
            }
            #expect(await ask(.post, "", plugin("own", .null)) == 201)
            let added: Value = [["op": "add", "path": "/spec/rules", "value": more]]
            for (what, code) in [
                ("create", await ask(.post, "", plugin("more", more))),
                ("apply that creates", await ask(.patch, "/more?fieldManager=a", plugin("more", more), Self.apply)),
                ("update", await ask(.put, "/own", plugin("own", more))),
                ("patch", await ask(.patch, "/own", ["spec": ["rules": more]], Self.merge)),
                ("JSON patch", await ask(.patch, "/own", added, Self.json)),
                ("apply", await ask(.patch, "/own?fieldManager=a&force=true", plugin("own", more), Self.apply)),
            ] { #expect(code == 403, "\(what): \(code)") }
            #expect(await server.ask(.get, "\(plugins)/own").json["spec"]["rules"].isEmpty)
            #expect(await server.ask(.get, "\(plugins)/more").code == 404)
        }
    }

    /// Who may act as one user acts as that one, and as nobody else.
    @Test func whoActsAsAnotherBringsNothingAlong() async throws {
        try await TestServer.with { server in
            let rules: Value = [
                ["verbs": ["impersonate"], "apiGroups": [""], "resources": ["users"], "resourceNames": ["bob"]],
                ["verbs": ["impersonate"], "apiGroups": [""], "resources": ["groups"], "resourceNames": ["devs"]],
                [
                    "verbs": ["impersonate"], "apiGroups": ["authentication.k8s.io"], "resources": ["userextras/scopes"],
                    "resourceNames": ["view"],
                ],
            ]
            await server.ask(.post, "\(Self.rbac)/clusterroles", Self.role("acting", rules))
            await server.ask(.post, "\(Self.rbac)/clusterrolebindings", Self.binding("acting", to: "acting"))
            let bob = ["Impersonate-User": "bob"]
            for (headers, code) in [
                (bob, 200), (bob.with("Impersonate-Group", "devs"), 200), (bob.with("Impersonate-Extra-scopes", "view"), 200),
                (["Impersonate-User": "carol"], 403), (["Impersonate-User": "admin"], 403), (["Impersonate-User": "Bob"], 403),
                (bob.with("Impersonate-Group", "system:masters"), 403), (bob.with("Impersonate-Group", "system:nodes"), 403),
                (bob.with("Impersonate-Uid", "1"), 403), (bob.with("Impersonate-Extra-scopes", "admin"), 403),
                (bob.with("Impersonate-Extra-other", "view"), 403), (["Impersonate-User": "system:serviceaccount:default:bob"], 403),
                (["Impersonate-User": "system:node:n"], 403), (["Impersonate-Group": "devs"], 400), (["Impersonate-Uid": "1"], 400),
                // Nobody is named, so alice comes as herself.
                (["Impersonate-User": ""], 200),
            ] {
                #expect(await server.ask(.get, "/api", token: "alice-token", headers: headers).code == code, "\(headers)")
            }
            // The groups of the one who acts are not taken along.
            let me = await server.ask(
                .post, "/apis/authentication.k8s.io/v1/selfsubjectreviews", .emptyObject, token: "alice-token", headers: bob)
            #expect(me.json["status"]["userInfo"]["groups"] == ["system:authenticated"])
        }
    }

    // MARK: Webhooks

    private static func patch(_ text: String, type: Value = "JSONPatch") -> Value {
        ["allowed": true, "patchType": type, "patch": .string(text)]
    }

    private static func operations(_ operations: Value) -> Value { patch(Base64.encode(JSON.encode(operations))) }

    /// What a webhook answers, and whether `Ignore` lets the request pass: an answer that cannot be used is none, but a patch that does not
    /// fit is a mistake.
    private static let answers: [(what: String, answer: Value, isIgnored: Bool)] = [
        ("no JSON", ["raw": "garbage"], true), ("nothing", ["raw": ""], true), ("a list", ["raw": "[]"], true),
        ("an empty object", ["raw": "{}"], true), ("half an object", ["raw": #"{"response":{"uid":"#], true),
        ("bytes that are no text", ["raw": "\u{0}\u{1}"], true), ("another review", ["uid": "another", "allowed": true], true),
        ("a patch that is no base64", patch("%%%"), true), ("a patch that is no JSON", patch(Base64.encode(Array("{".utf8))), true),
        ("a patch that is an object", patch(Base64.encode(Array("{}".utf8))), true),
        ("a patch of no type", patch("W10=", type: .null), true),
        // Of one that changes nothing, nobody asks.
        ("a patch of another type", patch(Base64.encode(Array(#"[{"op":"remove","path":"/data/a"}]"#.utf8)), type: "MergePatch"), true),
        ("a type and no patch", ["allowed": true, "patchType": "JSONPatch"], true),
        ("a patch of what is not there", operations([["op": "remove", "path": "/data/none"]]), false),
        ("a patch with an operation that is none", operations([["op": "explode", "path": "/data"]]), false),
        ("a test that fails", operations([["op": "test", "path": "/data/a", "value": "c"]]), false),
        ("an object of another form", operations([["op": "replace", "path": "/data", "value": "text"]]), false),
    ]

    @Test func aWebhookThatAnswersNonsenseFailsOrIsIgnored() async throws {
        let answer = Mutex<Value>(.null)
        try await WebhookServer.with { _ in
            answer.withLock { $0 }
        } _: { hooks in
            try await TestServer.with { server in
                let path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
                let maps = "\(Self.namespace)/configmaps"
                for policy in ["Fail", "Ignore"] {
                    await server.ask(
                        .post, path,
                        [
                            "metadata": ["name": "c"],
                            "webhooks": [hooks.hook("hook.example.com", ["failurePolicy": .string(policy)])],
                        ])
                    for (index, row) in Self.answers.enumerated() {
                        answer.withLock { $0 = row.answer }
                        let name = "\(policy.lowercased())-\(index)"
                        let made = await server.ask(.post, maps, TestServer.configMap(name))
                        let stored = await server.ask(.get, "\(maps)/\(name)")
                        if policy == "Ignore", row.isIgnored {
                            #expect(made.code == 201 && stored.json["data"] == ["a": "b"], "\(row.what): \(made.text)")
                        } else {
                            #expect(made.code >= 400 && stored.code == 404, "\(row.what): \(made.text)")
                        }
                    }
                    await server.ask(.delete, "\(path)/c")
                }
            }
        }
    }

    @Test func aWebhookThatIsNotThereFailsOrIsIgnored() async throws {
        try await WebhookServer.with { _ in
            try? await Task.sleep(for: .seconds(3600))
            return ["allowed": true]
        } _: { hooks in
            try await TestServer.with { server in
                let path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
                let (nowhere, hangs): (Value, Value) = (
                    ["clientConfig": ["url": "https://127.0.0.1:1/nobody"]], ["timeoutSeconds": 1]
                )
                for (what, changes) in [("nobody listens", nowhere), ("it hangs", hangs)] {
                    for (policy, code) in [("Fail", 500), ("Ignore", 201)] {
                        var hook = hooks.hook("hook.example.com", changes)
                        hook["failurePolicy"] = .string(policy)
                        await server.ask(.post, path, ["metadata": ["name": "c"], "webhooks": [hook]])
                        let made = await server.ask(
                            .post, "\(Self.namespace)/configmaps",
                            ["metadata": ["generateName": "m-"], "apiVersion": "v1", "kind": "ConfigMap"])
                        #expect(made.code == code, "\(what), \(policy): \(made.text)")
                        await server.ask(.delete, "\(path)/c")
                    }
                }
            }
        }
    }
}

extension [String: String] {
    /// With one more.
    func with(_ name: String, _ value: String) -> [String: String] { merging([name: value]) { $1 } }
}
