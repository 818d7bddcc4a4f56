import APIModel
import HTTPTypes
import OrderedCollections
import Testing

@testable import APIServer

/// What a namespace's ResourceQuotas let through.
@Suite(.timeLimit(.minutes(2))) struct QuotaTests {
    private let pods = "/api/v1/namespaces/default/pods"
    private let maps = "/api/v1/namespaces/default/configmaps"
    private let quotas = "/api/v1/namespaces/default/resourcequotas"

    /// A server with one quota in `default` whose usage has been counted: nothing.
    private func with(hard: Value, spec: Value = .emptyObject, _ body: (TestServer) async throws -> Void) async throws {
        try await TestServer.with { server in
            await server.ask(.post, "/api/v1/namespaces/default/serviceaccounts", ["metadata": ["name": "default"]])
            var quota: Value = ["apiVersion": "v1", "kind": "ResourceQuota", "metadata": ["name": "q"], "spec": spec]
            quota["spec"]["hard"] = hard
            let made = await server.ask(.post, quotas, quota)
            #expect(made.code == 201, "\(made.message)")
            await setUsed(server, hard: hard, used: Value.object(hard.fields.mapValues { _ in "0" }))
            try await body(server)
        }
    }

    private func setUsed(_ server: TestServer, hard: Value, used: Value) async {
        let patch: Value = ["status": ["hard": hard, "used": used]]
        let answer = await server.ask(.patch, "\(quotas)/q/status", patch, type: "application/merge-patch+json")
        #expect(answer.code == 200, "\(answer.message)")
    }

    private func used(_ server: TestServer) async -> Value { await server.ask(.get, "\(quotas)/q").json["status"]["used"] }

    private func pod(_ name: String, _ resources: Value = .null, _ change: (inout Value) -> Void = { _ in }) -> Value {
        var pod = TestServer.pod(name)
        pod["spec"]["containers"][0]["resources"] = resources
        change(&pod)
        return pod
    }

    @Test func thirtyTwoClientsNeverOvershootNorLeak() async throws {
        try await with(hard: ["configmaps": "40", "count/configmaps": "50"]) { server in
            let codes = await withTaskGroup { group in
                for client in 0..<32 {
                    group.addTask {
                        var codes: [Int] = []
                        for turn in 0..<4 {
                            // Every other name is one that another client takes, too: it is reserved and comes to nothing.
                            let name = turn % 2 == 0 ? "m-\(client)-\(turn)" : "shared-\(client / 2)-\(turn)"
                            codes.append(await server.ask(.post, maps, TestServer.configMap(name)).code)
                        }
                        return codes
                    }
                }
                return await group.reduce(into: []) { $0 += $1 }
            }
            let there = await server.ask(.get, maps).json["items"].elements.count
            #expect(codes.count { $0 == 201 } == there)
            #expect(there == 40)
            #expect(await used(server) == ["configmaps": "40", "count/configmaps": "40"])
            #expect(codes.contains(403))
            #expect(Set(codes).isSubset(of: [201, 403, 409]))
        }
    }

    @Test func whatCameToNothingIsGivenBack() async throws {
        try await with(hard: ["configmaps": "2"]) { server in
            #expect(await server.ask(.post, maps, TestServer.configMap("a")).code == 201)
            #expect(await server.ask(.post, maps, TestServer.configMap("a")).code == 409)
            #expect(await server.ask(.post, "\(maps)?dryRun=All", TestServer.configMap("b")).code == 201)
            #expect(await used(server) == ["configmaps": "1"])
        }
    }

    @Test func theRefusalSaysWhatIsThereAndWhatIsNot() async throws {
        try await with(hard: ["pods": "5", "requests.cpu": "1", "limits.memory": "1Gi"]) { server in
            let unsaid = await server.ask(.post, pods, pod("p", ["requests": ["cpu": "1"]]))
            #expect(unsaid.code == 403)
            #expect(unsaid.message == "pods \"p\" is forbidden: failed quota: q: must specify limits.memory for: c")
            #expect(await server.ask(.post, pods, pod("p", ["requests": ["cpu": "600m"], "limits": ["memory": "500Mi"]])).code == 201)
            let beyond = await server.ask(.post, pods, pod("r", ["requests": ["cpu": "600m"], "limits": ["memory": "600Mi"]]))
            #expect(
                beyond.message
                    == "pods \"r\" is forbidden: exceeded quota: q, requested: limits.memory=600Mi,requests.cpu=600m, used: limits.memory=500Mi,requests.cpu=600m, limited: limits.memory=1Gi,requests.cpu=1"
            )
            #expect(await used(server) == ["pods": "1", "requests.cpu": "600m", "limits.memory": "500Mi"])
        }
    }

    @Test func aQuotaThatIsNotCountedYetLetsNothingThrough() async throws {
        try await TestServer.with { server in
            let quota: Value = ["metadata": ["name": "q"], "spec": ["hard": ["configmaps": "5"]]]
            await server.ask(.post, quotas, quota)
            // Upstream, too, enforces what the status says, so a quota that was never looked at limits nothing.
            #expect(await server.ask(.post, maps, TestServer.configMap("a")).code == 201)
            await server.ask(
                .patch, "\(quotas)/q/status", ["status": ["hard": ["configmaps": "5"]]], type: "application/merge-patch+json")
            let answer = await server.ask(.post, maps, TestServer.configMap("b"))
            #expect(answer.message == "configmaps \"b\" is forbidden: status unknown for quota: q, resources: configmaps")
        }
    }

    @Test func nobodyWritesLessThanThereIs() async throws {
        try await with(hard: ["configmaps": "5"]) { server in
            for name in ["a", "b"] { await server.ask(.post, maps, TestServer.configMap(name)) }
            await setUsed(server, hard: ["configmaps": "5"], used: ["configmaps": "1"])
            #expect(await used(server) == ["configmaps": "2"])
            await server.ask(.delete, "\(maps)/a")
            await setUsed(server, hard: ["configmaps": "5"], used: ["configmaps": "1"])
            #expect(await used(server) == ["configmaps": "1"])
        }
    }

    @Test func aServiceThatChangesIsCountedByTheDifference() async throws {
        try await with(hard: ["services": "3", "services.nodeports": "2", "services.loadbalancers": "0"]) { server in
            let services = "/api/v1/namespaces/default/services"
            #expect(await server.ask(.post, services, TestServer.service("s")).code == 201)
            let change: Value = ["spec": ["type": "NodePort", "ports": [["port": 80, "name": "a"], ["port": 81, "name": "b"]]]]
            #expect(await server.ask(.patch, "\(services)/s", change, type: "application/merge-patch+json").code == 200)
            // The Service of the API itself is there, too.
            #expect(await used(server) == ["services": "2", "services.nodeports": "2", "services.loadbalancers": "0"])
            let balancer = await server.ask(.post, services, TestServer.service("t", type: "LoadBalancer"))
            #expect(
                balancer.message.hasSuffix(
                    "exceeded quota: q, requested: services.loadbalancers=1,services.nodeports=1, used: services.loadbalancers=0,services.nodeports=2, limited: services.loadbalancers=0,services.nodeports=2"
                ), "\(balancer.message)")
        }
    }

    @Test func scopesChooseWhatIsCounted() async throws {
        try await with(
            hard: ["pods": "1"],
            spec: ["scopeSelector": ["matchExpressions": [["scopeName": "PriorityClass", "operator": "In", "values": ["high"]]]]]
        ) { server in
            let high: Value = ["metadata": ["name": "high"], "value": 1000]
            #expect(await server.ask(.post, "/apis/scheduling.k8s.io/v1/priorityclasses", high).code == 201)
            for name in ["a", "b"] { #expect(await server.ask(.post, pods, pod(name)).code == 201) }
            let important = { (name: String) in pod(name) { $0["spec"]["priorityClassName"] = "high" } }
            #expect(await server.ask(.post, pods, important("c")).code == 201)
            #expect(await server.ask(.post, pods, important("d")).code == 403)
            #expect(await used(server) == ["pods": "1"])
        }
    }

    @Test func aClaimIsCountedByItsStorageClassToo() async throws {
        try await with(hard: ["gold.storageclass.storage.k8s.io/requests.storage": "10Gi", "requests.storage": "20Gi"]) { server in
            let claims = "/api/v1/namespaces/default/persistentvolumeclaims"
            func claim(_ name: String, _ size: String) -> Value {
                [
                    "metadata": ["name": .string(name)],
                    "spec": [
                        "accessModes": ["ReadWriteOnce"], "storageClassName": "gold", "resources": ["requests": ["storage": .string(size)]],
                    ],
                ]
            }
            #expect(await server.ask(.post, claims, claim("a", "8Gi")).code == 201)
            let refused = await server.ask(.post, claims, claim("b", "3Gi"))
            #expect(
                refused.message.contains(
                    "exceeded quota: q, requested: gold.storageclass.storage.k8s.io/requests.storage=3Gi, used: gold.storageclass.storage.k8s.io/requests.storage=8Gi, limited: gold.storageclass.storage.k8s.io/requests.storage=10Gi"
                ), "\(refused.message)")
        }
    }

    @Test func objectsOfCustomKindsAreCounted() async throws {
        try await with(hard: ["count/widgets.example.com": "1"]) { server in
            let definition: Value = [
                "metadata": ["name": "widgets.example.com"],
                "spec": [
                    "group": "example.com", "scope": "Namespaced", "names": ["plural": "widgets", "kind": "Widget"],
                    "versions": [["name": "v1", "served": true, "storage": true, "schema": ["openAPIV3Schema": ["type": "object"]]]],
                ],
            ]
            let path = "/apis/example.com/v1/namespaces/default/widgets"
            await server.ask(.post, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
            let running = Task { await server.server.run() }
            defer { running.cancel() }
            // What is served follows the store without telling anybody.
            while await server.ask(.get, path).code != 200 { await Task.yield() }
            func widget(_ name: String) -> Value {
                ["apiVersion": "example.com/v1", "kind": "Widget", "metadata": ["name": .string(name)]]
            }
            #expect(await server.ask(.post, path, widget("a")).code == 201)
            let refused = await server.ask(.post, path, widget("b"))
            #expect(
                refused.message
                    == "widgets.example.com \"b\" is forbidden: exceeded quota: q, requested: count/widgets.example.com=1, used: count/widgets.example.com=1, limited: count/widgets.example.com=1"
            )
        }
    }

    @Test(
        arguments: [
            (["hard": ["cpus": "1"]], "spec.hard[cpus]", "must be a standard resource for quota"),
            (["hard": ["pods": "500m"]], "spec.hard[pods]", "must be an integer"),
            (["hard": ["pods": "1"], "scopes": ["BestEffort", "NotBestEffort"]], "spec.scopes", "conflicting scopes"),
            (["hard": ["cpu": "1"], "scopes": ["BestEffort"]], "spec.scopes", "unsupported scope applied to resource"),
            (["hard": ["pods": "1"], "scopes": ["Small"]], "spec.scopes", "unsupported scope"),
            (
                [
                    "hard": ["pods": "1"],
                    "scopeSelector": ["matchExpressions": [["scopeName": "PriorityClass", "operator": "In"]]],
                ], "spec.scopeSelector.matchExpressions.values",
                "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
            ),
        ] as [(Value, String, String)])
    func contradictionsAreRefused(_ spec: Value, _ field: String, _ message: String) async throws {
        try await TestServer.with { server in
            let answer = await server.ask(.post, quotas, ["metadata": ["name": "q"], "spec": spec])
            #expect(answer.code == 422)
            let causes = answer.json["details"]["causes"].elements
            #expect(
                causes.contains { $0["field"].string == field && $0["message"].string?.hasSuffix(message) == true }, "\(answer.message)")
        }
    }
}
