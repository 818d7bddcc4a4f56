import APIModel
import HTTPTypes
import Testing

@testable import APIServer

/// Nobody gets more than they have, whichever way they write it.
@Suite struct EscalationTests {
    private static let rbac = "/apis/rbac.authorization.k8s.io/v1"
    private static let merge = "application/merge-patch+json"

    /// Gives bob the rules, everywhere.
    private func grant(_ server: TestServer, _ rules: Value, name: String = "bob") async {
        let role: Value = ["metadata": ["name": .string(name)], "rules": rules]
        #expect(await server.ask(.post, "\(Self.rbac)/clusterroles", role).code == 201)
        let binding: Value = [
            "metadata": ["name": .string(name)],
            "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": .string(name)],
            "subjects": [["kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "bob"]],
        ]
        #expect(await server.ask(.post, "\(Self.rbac)/clusterrolebindings", binding).code == 201)
    }

    private static func roleWriter(_ verbs: Value) -> Value {
        [["apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles", "clusterrolebindings"], "verbs": verbs]]
    }

    @Test func aLabelThatHandsOutRulesNeedsTheRules() async throws {
        try await TestServer.with { server in
            await grant(server, Self.roleWriter(["get", "patch"]))
            let label: Value = ["metadata": ["labels": ["rbac.authorization.k8s.io/aggregate-to-view": "true"]]]
            for (role, patch) in [
                ("cluster-admin", label),
                // Also those that gather rules, or would from now on.
                ("admin", label),
                ("bob", ["aggregationRule": ["clusterRoleSelectors": [["matchLabels": ["kubernetes.io/bootstrapping": "rbac-defaults"]]]]]),
                ("view", ["aggregationRule": ["clusterRoleSelectors": [[:]]]]),
                ("cluster-admin", ["metadata": ["annotations": ["a": "b"]]]),
            ] as [(String, Value)] {
                let answer = await server.ask(.patch, "\(Self.rbac)/clusterroles/\(role)", patch, type: Self.merge, token: "bob-token")
                #expect(answer.code == 403, "\(role): \(answer.text)")
            }
            // Its own rules it holds.
            #expect(await server.ask(.patch, "\(Self.rbac)/clusterroles/bob", label, type: Self.merge, token: "bob-token").code == 200)
            let owners: Value = ["metadata": ["finalizers": ["example.com/wait"]]]
            #expect(
                await server.ask(.patch, "\(Self.rbac)/clusterroles/cluster-admin", owners, type: Self.merge, token: "bob-token").code
                    == 200)
        }
    }

    @Test func whatAnAggregatedRoleComesToMustBeHeld() async throws {
        try await TestServer.with { server in
            // `team` gathers `part`, which gathers `secret-reader`.
            func role(_ name: String, gathers: String?, labels: Value, rules: Value = []) -> Value {
                [
                    "metadata": ["name": .string(name), "labels": labels], "rules": rules,
                    "aggregationRule": gathers.map { ["clusterRoleSelectors": [["matchLabels": ["for": .string($0)]]]] } ?? .null,
                ]
            }
            let secrets: Value = [["apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]]]
            for role in [
                role("team", gathers: "team", labels: .null), role("part", gathers: "part", labels: ["for": "team"]),
                role("secret-reader", gathers: nil, labels: ["for": "part"], rules: secrets),
            ] {
                #expect(await server.ask(.post, "\(Self.rbac)/clusterroles", role).code == 201)
            }
            let binding: Value = [
                "metadata": ["name": "team"],
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "team"],
                "subjects": [["kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "alice"]],
            ]
            await grant(server, Self.roleWriter(["create", "patch"]))
            let bindings = "\(Self.rbac)/clusterrolebindings"
            #expect(await server.ask(.post, bindings, binding, token: "bob-token").code == 403)
            #expect(await server.ask(.post, bindings, binding).code == 201)
            #expect(await server.ask(.get, "/api/v1/secrets", token: "alice-token").code == 200)
            // Any change of a binding is one: an annotation may be what another controller goes by.
            let patch: Value = ["metadata": ["annotations": ["a": "b"]]]
            #expect(await server.ask(.patch, "\(bindings)/team", patch, type: Self.merge, token: "bob-token").code == 403)
            await grant(server, secrets, name: "more")
            #expect(await server.ask(.patch, "\(bindings)/team", patch, type: Self.merge, token: "bob-token").code == 200)
        }
    }

    @Test func rolesThatSelectEachOtherEnd() {
        func role(_ name: String, gathers: String, resource: String) -> Value {
            [
                "metadata": ["name": .string(name), "labels": ["is": .string(name)]],
                "rules": [["apiGroups": [""], "resources": [.string(resource)], "verbs": ["get"]]],
                "aggregationRule": ["clusterRoleSelectors": [["matchLabels": ["is": .string(gathers)]]]],
            ]
        }
        let aggregation = RoleAggregation([role("a", gathers: "b", resource: "pods"), role("b", gathers: "a", resource: "nodes")])
        #expect(aggregation.rules(of: "a")?.flatMap(\.resources) == ["pods", "nodes"])
        #expect(aggregation.rules(of: "c") == nil)
    }

    @Test(arguments: ["exec", "attach", "portforward"])
    func streamsNeedTheRightToCreateThem(_ subresource: String) async throws {
        try await TestServer.with { server in
            await server.ask(.post, "/api/v1/namespaces/default/serviceaccounts", ["metadata": ["name": "default"]])
            await server.ask(.post, "/api/v1/namespaces/default/pods", TestServer.pod("p"))
            let resource = "pods/\(subresource)"
            await grant(server, [["apiGroups": [""], "resources": [.string(resource)], "verbs": ["get"]]])
            let path = "/api/v1/namespaces/default/pods/p/\(subresource)?command=ls&ports=80"
            let refused = await server.ask(.get, path, token: "bob-token", headers: ["Upgrade": "websocket"])
            #expect(refused.code == 403)
            #expect(refused.message.contains("cannot create resource \"\(resource)\""))
            await grant(server, [["apiGroups": [""], "resources": [.string(resource)], "verbs": ["create"]]], name: "more")
            // Now it is only that the pod runs nowhere.
            let answer = await server.ask(.get, path, token: "bob-token", headers: ["Upgrade": "websocket"])
            #expect(answer.message == "pod p does not have a host assigned")
        }
    }
}
