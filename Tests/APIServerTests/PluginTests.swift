import APIModel
import Client
import HTTPTypes
import Testing

@testable import APIServer

/// What the server itself knows of Plugins: whose they are to write, and what they must say.
@Suite struct PluginTests {
    private let plugins = "/apis/plugins.apus.dev/v1alpha1/plugins"
    private static let resource = GroupVersionResource(group: "plugins.apus.dev", version: "v1alpha1", resource: "plugins")
    private static let hash = String(repeating: "ab", count: 32)

    private static func plugin(_ name: String = "p", _ extra: [String: Value] = [:]) -> Value {
        var plugin: Value = [
            "metadata": ["name": .string(name)], "spec": ["kind": "Proxy", "library": "libp.so", "sha256": .string(hash)],
        ]
        for (field, value) in extra { plugin["spec"][field] = value }
        return plugin
    }

    @Test func aSpecificationHasAGenerationAndAStatusOfItsOwn() async throws {
        try await TestServer.with { server in
            var created = await server.ask(.post, plugins, Self.plugin()).json
            #expect(created["metadata"]["generation"] == 1)
            created["spec"]["enabled"] = false
            created["status"] = ["state": "Running"]
            let changed = await server.ask(.put, "\(plugins)/p", created).json
            #expect(changed["metadata"]["generation"] == 2 && changed["status"]["state"].isNull)
            let status: Value = ["spec": ["library": "other.so"], "status": ["state": "Running", "calls": 3]]
            let told = await server.ask(.patch, "\(plugins)/p/status", status, type: "application/merge-patch+json").json
            #expect(told["metadata"]["generation"] == 2 && told["spec"]["library"] == "libp.so" && told["status"]["calls"] == 3)
        }
    }

    @Test func aLibraryMustBePinned() async throws {
        try await TestServer.with { server in
            let refused = await server.ask(.post, plugins, Self.plugin("p", ["sha256": .null]))
            #expect(refused.code == 422)
            #expect(
                refused.message.hasPrefix(
                    "Plugin.plugins.apus.dev \"p\" is invalid: spec.sha256: Required value: a library is loaded only if it is pinned"))
            #expect(await server.ask(.post, plugins, Self.plugin("off", ["sha256": .null, "enabled": false])).code == 201)
            let merge = "application/merge-patch+json"
            #expect(await server.ask(.patch, "\(plugins)/off", ["spec": ["enabled": true]], type: merge).code == 422)
            #expect(await server.ask(.patch, "\(plugins)/off", ["metadata": ["labels": ["a": "b"]]], type: merge).code == 200)
            #expect(
                await server.ask(.patch, "\(plugins)/off", ["spec": ["enabled": true, "sha256": .string(Self.hash)]], type: merge).code
                    == 200)

            // The host has what its own directories hold, whether it can be loaded or not; anybody may still turn that off.
            let host = server.server.client(as: "system:apus", groups: ["system:masters"])
            _ = try await host.create(Self.resource, Self.plugin("missing", ["sha256": .null]))
            #expect(await server.ask(.patch, "\(plugins)/missing", ["spec": ["weight": 5]], type: merge).code == 422)
            #expect(await server.ask(.patch, "\(plugins)/missing", ["spec": ["enabled": false]], type: merge).code == 200)
        }
    }

    @Test func typosAreRefusedByName() async throws {
        try await TestServer.with { server in
            let refused = await server.ask(.post, "\(plugins)?fieldValidation=Strict", Self.plugin("p", ["libary": "x.so"]))
            #expect(refused.code == 400)
            #expect(refused.message.contains(#"strict decoding error: unknown field "spec.libary""#))
            #expect(
                await server.ask(.post, plugins, Self.plugin("p", ["kind": "Nothing"])).message.contains(
                    #"spec.kind: Unsupported value: "Nothing""#))
        }
    }

    /// The process that serves knows manifests better than the catalogue does.
    @Test func theProcessHasItsSay() async throws {
        let asked: @Sendable (Value) -> [FieldError] = { plugin in
            plugin["spec"]["library"].string?.contains("/") == true
                ? [.invalid("spec.library", plugin["spec"]["library"], "must be a file name")] : []
        }
        let configure: (inout APIServer.Configuration) -> Void = { $0.validators = [Self.resource: asked] }
        try await TestServer.with(configure: configure) { server in
            let refused = await server.ask(.post, plugins, Self.plugin("p", ["library": "../x.so"]))
            #expect(refused.code == 422)
            #expect(refused.json["details"]["causes"][0]["field"] == "spec.library")
            #expect(await server.ask(.post, plugins, Self.plugin()).code == 201)
            let patch: Value = ["spec": ["library": "/x.so"]]
            #expect(await server.ask(.patch, "\(plugins)/p", patch, type: "application/merge-patch+json").code == 422)
            #expect(
                await server.ask(.patch, "\(plugins)/p/status", ["status": ["state": "Failed"]], type: "application/merge-patch+json").code
                    == 200)
            // Once is enough: the catalogue's refusal stands alone.
            let both = await server.ask(.post, plugins, Self.plugin("q", ["library": "../x.so", "isolation": "Maybe"]))
            #expect(both.json["details"]["causes"].elements.map { $0["field"] } == ["spec.isolation"])
        }
    }

    @Test func writingIsForTheAdministratorAndStatusForThoseWhoRunThem() async throws {
        try await TestServer.with { server in
            #expect(await server.ask(.post, plugins, Self.plugin()).code == 201)
            #expect(await server.ask(.post, plugins, Self.plugin("r", ["kind": "Runtime"])).code == 201)
            #expect(await server.ask(.get, plugins, token: "alice-token").code == 403)
            for (user, groups, name) in [
                ("system:kube-controller-manager", [], "p"), ("system:kube-scheduler", [], "p"), ("system:kube-proxy", [], "p"),
                ("system:node:n", ["system:nodes"], "r"),
            ] as [(String, [String], String)] {
                let client = server.server.client(as: user, groups: groups)
                #expect(try await client.list(Self.resource).items.count == 2)
                _ = try await client.patch(
                    Self.resource, namespace: nil, name: name, subresource: "status", .merge, ["status": ["state": "Running"]])
                await #expect(throws: APIError.self) {
                    _ = try await client.patch(
                        Self.resource, namespace: nil, name: name, subresource: nil, .merge, ["spec": ["enabled": false]])
                }
            }
            let node = server.server.client(as: "system:node:n", groups: ["system:nodes"])
            await #expect(throws: APIError.self) {
                _ = try await node.patch(
                    Self.resource, namespace: nil, name: "p", subresource: "status", .merge, ["status": ["state": "Running"]])
            }
            let plugin = server.server.client(as: "system:plugin:deployment", groups: ["system:plugins", "system:authenticated"])
            await #expect(throws: APIError.self) { _ = try await plugin.list(Self.resource) }
        }
    }

    /// Who may write Plugins but is no administrator cannot lend a library rights they lack.
    @Test func nobodyGivesAPluginMoreThanTheyHave() async throws {
        try await TestServer.with { server in
            let roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
            await server.ask(
                .post, roles,
                ["metadata": ["name": "plugins"], "rules": [["verbs": ["*"], "apiGroups": ["plugins.apus.dev"], "resources": ["*"]]]])
            await server.ask(
                .post, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
                [
                    "metadata": ["name": "plugins"],
                    "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "plugins"],
                    "subjects": [["kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "alice"]],
                ])
            let more = Self.plugin("more", ["rules": [["apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]]]])
            let refused = await server.ask(.post, plugins, more, token: "alice-token")
            #expect(refused.code == 403)
            #expect(refused.message.contains("is attempting to grant RBAC permissions not currently held"))
            #expect(await server.ask(.post, plugins, Self.plugin("own"), token: "alice-token").code == 201)
            #expect(await server.ask(.post, plugins, more).code == 201)

            // Nor do they lend the rights that it has to code of their choice; they may tune it and turn it off.
            let merge = "application/merge-patch+json"
            let others: [Value] = [["library": "liby.so"], ["component": "other"], ["sha256": .string(String(repeating: "cd", count: 32))]]
            for change in others {
                #expect(
                    await server.ask(.patch, "\(plugins)/more", ["spec": change], type: merge, token: "alice-token").code == 403,
                    "\(change)")
            }
            for change in [["deadlineSeconds": 9], ["enabled": false]] as [Value] {
                #expect(
                    await server.ask(.patch, "\(plugins)/more", ["spec": change], type: merge, token: "alice-token").code == 200,
                    "\(change)")
            }
            #expect(await server.ask(.patch, "\(plugins)/own", ["spec": others[0]], type: merge, token: "alice-token").code == 200)
        }
    }
}
