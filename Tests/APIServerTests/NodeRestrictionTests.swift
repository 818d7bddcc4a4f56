import APIModel
import HTTPTypes
import Testing

@testable import APIServer

/// What somebody who took over a node can do with its certificate.
@Suite struct NodeRestrictionTests {
    private let pods = "/api/v1/namespaces/default/pods"
    private static let merge = "application/merge-patch+json"

    /// `n1` and `n2` with a pod each, asked as the kubelet of `n1`.
    private func with(_ body: (TestServer, Asker) async throws -> Void) async throws {
        try await TestServer.with { server in
            await server.ask(.post, "/api/v1/namespaces/default/serviceaccounts", ["metadata": ["name": "default"]])
            for name in ["n1", "n2"] {
                await server.ask(.post, "/api/v1/nodes", ["metadata": ["name": .string(name)]])
                let number = name.dropFirst()
                await server.ask(.post, "/api/v1/namespaces/default/serviceaccounts", ["metadata": ["name": .string("sa\(number)")]])
                var pod = TestServer.pod("p\(number)")
                pod["spec"]["nodeName"] = .string(name)
                pod["spec"]["serviceAccountName"] = .string("sa\(number)")
                #expect(await server.ask(.post, pods, pod).code == 201)
            }
            try await body(server, Asker(server: server))
        }
    }

    struct Asker {
        let server: TestServer
        func callAsFunction(_ method: HTTPRequest.Method, _ path: String, _ body: Value? = nil, type: String = "application/json") async
            -> TestServer.Answer
        {
            await server.ask(
                method, path, body, type: type, headers: ["Impersonate-User": "system:node:n1", "Impersonate-Group": "system:nodes"])
        }
    }

    @Test func itChangesItselfAlone() async throws {
        try await with { server, node in
            for (name, patch, message) in [
                ("n2", ["metadata": ["labels": ["a": "b"]]], "nodes \"n2\" is forbidden: node \"n1\" is not allowed to modify node \"n2\""),
                ("n1", ["spec": ["taints": [["key": "a", "effect": "NoSchedule"]]]], "node \"n1\" is not allowed to modify taints"),
                (
                    "n1", ["metadata": ["labels": ["node-restriction.kubernetes.io/tier": "gold"]]],
                    "is not allowed to modify labels: node-restriction.kubernetes.io/tier"
                ),
                (
                    "n1", ["metadata": ["labels": ["node-role.kubernetes.io/control-plane": ""]]],
                    "is not allowed to modify labels: node-role.kubernetes.io/control-plane"
                ),
                (
                    "n1", ["metadata": ["ownerReferences": [["apiVersion": "v1", "kind": "Node", "name": "n2", "uid": "u"]]]],
                    "node \"n1\" is not allowed to modify ownerReferences"
                ),
            ] as [(String, Value, String)] {
                let answer = await node(.patch, "/api/v1/nodes/\(name)", patch, type: Self.merge)
                #expect(answer.code == 403)
                #expect(answer.message.contains(message), "\(answer.message)")
            }
            let labels: Value = [
                "metadata": ["labels": ["kubernetes.io/os": "linux", "example.com/rack": "7", "node.kubernetes.io/x": "y"]]
            ]
            #expect(await node(.patch, "/api/v1/nodes/n1", labels, type: Self.merge).code == 200)
            #expect(await node(.patch, "/api/v1/nodes/n1/status", ["status": ["phase": "Running"]], type: Self.merge).code == 200)
            #expect(await node(.patch, "/api/v1/nodes/n2/status", ["status": ["phase": "Running"]], type: Self.merge).code == 403)
        }
    }

    @Test func itReportsAndEndsItsOwnPodsAlone() async throws {
        try await with { server, node in
            let status: Value = ["status": ["phase": "Running"]]
            #expect(await node(.patch, "\(pods)/p1/status", status, type: Self.merge).code == 200)
            let foreign = await node(.patch, "\(pods)/p2/status", status, type: Self.merge)
            #expect(foreign.message.contains("can only update pod status for pods with spec.nodeName set to itself"))
            let labels = await node(.patch, "\(pods)/p1/status", ["metadata": ["labels": ["a": "b"]]], type: Self.merge)
            #expect(labels.message.contains("cannot update labels through pod status"))
            #expect(await node(.delete, "\(pods)/p2").message.contains("can only delete pods with spec.nodeName set to itself"))
            let eviction: Value = ["metadata": ["name": "p2"]]
            #expect(await node(.post, "\(pods)/p2/eviction", eviction).message.contains("can only evict pods"))
            #expect(await node(.delete, "\(pods)/p1").code == 200)
        }
    }

    @Test func itMakesMirrorsOfItsOwnAlone() async throws {
        try await with { server, node in
            let uid = await server.ask(.get, "/api/v1/nodes/n1").json["metadata"]["uid"]
            var mirror = TestServer.pod("m")
            mirror["spec"]["nodeName"] = "n1"
            #expect(await node(.post, pods, mirror).message.contains("can only create mirror pods"))
            mirror["metadata"]["annotations"] = ["kubernetes.io/config.mirror": "hash"]
            #expect(await node(.post, pods, mirror).message.contains("can only create pods with an owner reference set to itself"))
            mirror["metadata"]["ownerReferences"] = [["apiVersion": "v1", "kind": "Node", "name": "n1", "uid": uid, "controller": true]]
            var other = mirror
            other["spec"]["nodeName"] = "n2"
            #expect(await node(.post, pods, other).message.contains("can only create pods with spec.nodeName set to itself"))
            var curious = mirror
            curious["spec"]["volumes"] = [["name": "v", "secret": ["secretName": "s"]]]
            #expect(await node(.post, pods, curious).message.contains("a mirror pod may not reference secrets"))
            #expect(await node(.post, pods, mirror).code == 201)
        }
    }

    @Test func itGetsTokensForItsOwnPodsAlone() async throws {
        try await with { server, node in
            func ask(_ account: String, pod: String?, audience: String? = nil) async -> TestServer.Answer {
                let uid = await server.ask(.get, "\(pods)/\(pod ?? "p1")").json["metadata"]["uid"]
                let reference: Value = ["apiVersion": "v1", "kind": "Pod", "name": .string(pod ?? ""), "uid": uid]
                return await node(
                    .post, "/api/v1/namespaces/default/serviceaccounts/\(account)/token",
                    ["spec": ["boundObjectRef": pod == nil ? .null : reference, "audiences": audience.map { [.string($0)] } ?? .null]])
            }
            #expect(await ask("sa1", pod: "p1").code == 201)
            #expect(await ask("sa1", pod: nil).message.contains("node requested token not bound to a pod"))
            #expect(await ask("sa1", pod: "p2").message.contains("node requested token bound to a pod scheduled on a different node"))
            #expect(await ask("sa1", pod: "p1", audience: "vault").message.contains("audience \"vault\" not found in pod spec volume"))
        }
    }

    @Test func itRenewsItsOwnLeaseAlone() async throws {
        try await with { _, node in
            func lease(_ name: String) -> Value { ["metadata": ["name": .string(name)]] }
            let path = "/apis/coordination.k8s.io/v1/namespaces"
            #expect(await node(.post, "\(path)/kube-node-lease/leases", lease("n1")).code == 201)
            #expect(await node(.post, "\(path)/kube-node-lease/leases", lease("n2")).code == 403)
            #expect(await node(.post, "\(path)/default/leases", lease("n1")).code == 403)
        }
    }
}
