import APIModel
import Client
import HTTPTypes
import Testing

@testable import APIServer

@Suite struct AccessTests {
    private let maps = "/api/v1/namespaces/default/configmaps"

    private func bind(_ server: TestServer, role: String, to user: String) async {
        await server.ask(
            .post, "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
            [
                "metadata": ["name": .string("\(role)-\(user)")],
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": .string(role)],
                "subjects": [["kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": .string(user)]],
            ])
    }

    @Test func rolesAllowAndTheirLossForbids() async throws {
        try await TestServer.with { server in
            #expect(await server.ask(.get, maps, token: "alice-token").code == 403)
            await bind(server, role: "view", to: "alice")
            #expect(await server.ask(.get, maps, token: "alice-token").code == 200)
            #expect(await server.ask(.post, maps, TestServer.configMap("a"), token: "alice-token").code == 403)
            #expect(await server.ask(.get, "/api/v1/configmaps", token: "alice-token").code == 403)
            await server.ask(.delete, "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings/view-alice")
            #expect(await server.ask(.get, maps, token: "alice-token").code == 403)
        }
    }

    @Test func nobodyGrantsMoreThanTheyHave() async throws {
        try await TestServer.with { server in
            await bind(server, role: "admin", to: "alice")
            let roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles"
            let own: Value = ["metadata": ["name": "own"], "rules": [["verbs": ["get"], "apiGroups": [""], "resources": ["pods"]]]]
            #expect(await server.ask(.post, roles, own, token: "alice-token").code == 201)
            let more: Value = ["metadata": ["name": "more"], "rules": [["verbs": ["get"], "apiGroups": [""], "resources": ["nodes"]]]]
            let refused = await server.ask(.post, roles, more, token: "alice-token")
            #expect(refused.code == 403)
            #expect(refused.message.contains("is attempting to grant RBAC permissions not currently held"))
            let binding: Value = [
                "metadata": ["name": "b"],
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"],
                "subjects": [["kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "alice"]],
            ]
            #expect(
                await server.ask(.post, "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings", binding, token: "alice-token")
                    .code == 403)
        }
    }

    @Test func impersonationNeedsPermission() async throws {
        try await TestServer.with { server in
            let asAlice = ["Impersonate-User": "alice"]
            let me = await server.ask(.post, "/apis/authentication.k8s.io/v1/selfsubjectreviews", .emptyObject, headers: asAlice).json
            #expect(me["status"]["userInfo"]["username"] == "alice")
            #expect(await server.ask(.get, maps, headers: asAlice).code == 403)
            let refused = await server.ask(.get, "/api", token: "bob-token", headers: asAlice)
            #expect(refused.code == 403)
            #expect(
                refused.message
                    == "forbidden: User \"bob\" cannot impersonate-on:user-info:get path \"/api\""
            )
            let groups = ["Impersonate-User": "system:serviceaccount:default:x", "Impersonate-Group": "system:masters"]
            #expect(await server.ask(.get, "/api", token: "bob-token", headers: groups).code == 403)
        }
    }

    @Test func reviewsAnswer() async throws {
        try await TestServer.with { server in
            await bind(server, role: "view", to: "alice")
            let review: Value = ["spec": ["resourceAttributes": ["verb": "get", "resource": "pods", "namespace": "default"]]]
            let path = "/apis/authorization.k8s.io/v1"
            #expect(
                await server.ask(.post, "\(path)/selfsubjectaccessreviews", review, token: "alice-token").json["status"]["allowed"] == true)
            #expect(
                await server.ask(.post, "\(path)/selfsubjectaccessreviews", review, token: "bob-token").json["status"]["allowed"] == false)
            var other = review
            other["spec"]["user"] = "alice"
            let answer = await server.ask(.post, "\(path)/subjectaccessreviews", other).json
            #expect(
                answer["status"]["reason"]
                    == "RBAC: allowed by RoleBinding \"view-alice/default\" of ClusterRole \"view\" to User \"alice\"")
            let rules = await server.ask(.post, "\(path)/selfsubjectrulesreviews", ["spec": ["namespace": "default"]], token: "alice-token")
                .json
            #expect(rules["status"]["resourceRules"].elements.contains { $0["resources"].elements.contains("configmaps") })
        }
    }

    @Test func anonymousSeesHealthAndVersionOnly() async throws {
        try await TestServer.with { server in
            for path in ["/livez", "/version"] { #expect(await server.ask(.get, path, token: nil).code == 200, "\(path)") }
            #expect(await server.ask(.get, "/readyz", token: nil).code == 500)
            for path in ["/api", "/metrics", "/api/v1/pods"] { #expect(await server.ask(.get, path, token: nil).code == 401, "\(path)") }
        }
    }

    @Test func pluginsHaveWhatTheirManifestGrants() async throws {
        try await TestServer.with { server in
            let user = "system:plugin:test"
            let client = server.server.client(as: "admin", groups: ["system:masters"]).impersonating(user, groups: [])
            await #expect(throws: APIError.self) { try await client.list(.configMaps) }
            server.server.grants.set(user, rules: [PolicyRule(verbs: ["list", "create"], groups: [""], resources: ["configmaps"])])
            _ = try await client.create(.configMaps, namespace: "default", TestServer.configMap("a"))
            let list = try await client.list(.configMaps, namespace: "default")
            #expect(list.items.map(\.name) == ["a"])
            let same = try await server.server.client(as: "x", groups: ["system:masters"]).get(.configMaps, namespace: "default", name: "a")
            #expect(list.items.first === same)
            server.server.grants.set(user, rules: [])
            await #expect(throws: APIError.self) { try await client.list(.configMaps) }
            let stranger = server.server.client(as: "bob").impersonating("alice", groups: [])
            await #expect(throws: APIError.self) { try await stranger.list(.configMaps) }
        }
    }

    @Test func inProcessWatchesSeeEveryChange() async throws {
        try await TestServer.with { server in
            let client = server.server.client(as: "admin", groups: ["system:masters"])
            let list = try await client.list(.configMaps)
            let stream = try await client.watch(.configMaps, namespace: nil, options: ListOptions(resourceVersion: list.resourceVersion))
            for index in 0..<3 { _ = try await client.create(.configMaps, namespace: "default", TestServer.configMap("m\(index)")) }
            try await client.delete(.configMaps, namespace: "default", name: "m1")
            var seen: [String] = []
            for try await event in stream {
                seen.append("\(event.kind.rawValue) \(event.object.name)")
                if seen.count == 4 { break }
            }
            #expect(seen == ["ADDED m0", "ADDED m1", "ADDED m2", "DELETED m1"])
        }
    }

    @Test func kubeletsWriteTheirOwnNodeOnly() async throws {
        try await TestServer.with { server in
            let kubelet = server.server.client(as: "system:node:n1", groups: ["system:nodes"])
            let node: Value = ["metadata": ["name": "n1"], "status": ["nodeInfo": ["kubeletVersion": "v1.36.0"]]]
            let created = try await kubelet.create(.nodes, node)
            #expect(created.value["status"]["nodeInfo"]["kubeletVersion"] == "v1.36.0")
            await #expect(throws: APIError.self) { try await kubelet.create(.nodes, ["metadata": ["name": "n2"]]) }
            await #expect(throws: APIError.self) {
                try await kubelet.list(GroupVersionResource(group: "rbac.authorization.k8s.io", version: "v1", resource: "roles"))
            }
        }
    }
}
