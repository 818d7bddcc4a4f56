import APIModel
import HTTPTypes
import Testing

@testable import APIServer

@Suite struct KindTests {
    private let pods = "/api/v1/namespaces/default/pods"
    private let services = "/api/v1/namespaces/default/services"

    private func account(_ server: TestServer, _ name: String = "default") async {
        await server.ask(.post, "/api/v1/namespaces/default/serviceaccounts", ["metadata": ["name": .string(name)]])
    }

    @Test func podsAreAdmitted() async throws {
        try await TestServer.with { server in
            let refused = await server.ask(.post, pods, TestServer.pod("p"))
            #expect(refused.code == 403)
            #expect(
                refused.message
                    == "pods \"p\" is forbidden: error looking up service account default/default: serviceaccount \"default\" not found")
            await account(server)
            let pod = await server.ask(.post, pods, TestServer.pod("p")).json
            #expect(pod["spec"]["serviceAccountName"] == "default")
            #expect(pod["spec"]["priority"] == 0)
            #expect(pod["spec"]["tolerations"].elements.count == 2)
            #expect(pod["status"]["phase"] == "Pending")
            #expect(pod["status"]["qosClass"] == "BestEffort")
            #expect(pod["spec"]["containers"][0]["volumeMounts"][0]["name"] == pod["spec"]["volumes"][0]["name"])
            #expect(pod["spec"]["volumes"][0]["projected"]["sources"].elements.count == 3)
            var important = TestServer.pod("q")
            important["spec"]["priorityClassName"] = "system-node-critical"
            #expect(await server.ask(.post, pods, important).json["spec"]["priority"] == 2_000_001_000)
            important["metadata"]["name"] = "r"
            important["spec"]["priorityClassName"] = "nope"
            #expect(
                await server.ask(.post, pods, important).message == "pods \"r\" is forbidden: no PriorityClass with name nope was found")
        }
    }

    static let classes: [(Value, String)] = [
        (["requests": ["cpu": "1", "memory": "1Gi"], "limits": ["cpu": "1", "memory": "1Gi"]], "Guaranteed"),
        (["limits": ["cpu": "1", "memory": "1Gi"]], "Guaranteed"), (["requests": ["cpu": "1"]], "Burstable"), (.null, "BestEffort"),
    ]

    @Test(arguments: classes) func classOfService(_ resources: Value, _ expected: String) async throws {
        try await TestServer.with { server in
            await account(server)
            var pod = TestServer.pod("p")
            pod["spec"]["containers"][0]["resources"] = resources
            #expect(await server.ask(.post, pods, pod).json["status"]["qosClass"].string == expected)
        }
    }

    @Test func bindsAPodOnce() async throws {
        try await TestServer.with { server in
            await account(server)
            await server.ask(.post, pods, TestServer.pod("p"))
            let binding: Value = [
                "apiVersion": "v1", "kind": "Binding", "metadata": ["name": "p"], "target": ["kind": "Node", "name": "n1"],
            ]
            let bound = await server.ask(.post, "\(pods)/p/binding", binding)
            #expect(bound.code == 201)
            #expect(bound.json["status"] == "Success")
            let pod = await server.ask(.get, "\(pods)/p").json
            #expect(pod["spec"]["nodeName"] == "n1")
            #expect(pod["status"]["conditions"][0]["type"] == "PodScheduled")
            #expect(pod["status"]["phase"] == "Pending")
            let again = await server.ask(.post, "\(pods)/p/binding", binding)
            #expect(again.code == 409)
            #expect(again.message == "Operation cannot be fulfilled on pods/binding \"p\": pod p is already assigned to node \"n1\"")
        }
    }

    @Test func podsDieGracefullyOnceTheyHaveANode() async throws {
        try await TestServer.with { server in
            await account(server)
            await server.ask(.post, pods, TestServer.pod("free"))
            #expect(await server.ask(.delete, "\(pods)/free").json["kind"] == "Pod")
            #expect(await server.ask(.get, "\(pods)/free").code == 404)
            await server.ask(.post, pods, TestServer.pod("p"))
            await server.ask(.post, "\(pods)/p/binding", ["metadata": ["name": "p"], "target": ["kind": "Node", "name": "n1"]])
            // More seconds than a clock has left: a century is enough.
            let patient = await server.ask(.delete, "\(pods)/p?gracePeriodSeconds=\(Int64.max)&dryRun=All").json
            #expect(patient["metadata"]["deletionGracePeriodSeconds"] == 3_153_600_000)
            let dying = await server.ask(.delete, "\(pods)/p").json
            #expect(dying["metadata"]["deletionGracePeriodSeconds"] == 30)
            #expect(!dying["metadata"]["deletionTimestamp"].isNull)
            let shorter = await server.ask(.delete, "\(pods)/p?gracePeriodSeconds=5").json
            #expect(shorter["metadata"]["deletionGracePeriodSeconds"] == 5)
            #expect(await server.ask(.delete, "\(pods)/p?gracePeriodSeconds=60").json["metadata"]["deletionGracePeriodSeconds"] == 5)
            #expect(await server.ask(.delete, "\(pods)/p?gracePeriodSeconds=0").code == 200)
            #expect(await server.ask(.get, "\(pods)/p").code == 404)
        }
    }

    @Test func statusAndSpecificationKeepApart() async throws {
        try await TestServer.with { server in
            await account(server)
            let created = await server.ask(.post, pods, TestServer.pod("p")).json
            var running = created
            running["status"]["phase"] = "Running"
            #expect(await server.ask(.put, "\(pods)/p", running).json["status"]["phase"] == "Pending")
            running["spec"]["containers"][0]["image"] = "other"
            running["metadata"]["resourceVersion"] = .null
            let updated = await server.ask(.put, "\(pods)/p/status", running).json
            #expect(updated["status"]["phase"] == "Running")
            #expect(updated["spec"]["containers"][0]["image"] == "busybox")
            let immutable = await server.ask(.patch, "\(pods)/p", ["spec": ["hostname": "x"]], type: "application/merge-patch+json")
            #expect(immutable.code == 422)
            #expect(
                await server.ask(
                    .patch, "\(pods)/p", ["spec": ["containers": [["name": "c", "image": "newer"]]]],
                    type: "application/strategic-merge-patch+json"
                ).code == 200)
        }
    }

    @Test func evictionRespectsBudgets() async throws {
        try await TestServer.with { server in
            await account(server)
            var pod = TestServer.pod("p")
            pod["metadata"]["labels"] = ["app": "a"]
            await server.ask(.post, pods, pod)
            let ready: Value = ["phase": "Running", "conditions": [["type": "Ready", "status": "True"]]]
            await server.ask(.patch, "\(pods)/p/status", ["status": ready], type: "application/merge-patch+json")
            await server.ask(
                .post, "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
                ["metadata": ["name": "b"], "spec": ["minAvailable": 1, "selector": ["matchLabels": ["app": "a"]]]])
            let budget = "/apis/policy/v1/namespaces/default/poddisruptionbudgets/b"
            await server.ask(
                .patch, "\(budget)/status",
                [
                    "status": [
                        "observedGeneration": 1, "disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1,
                    ]
                ],
                type: "application/merge-patch+json")
            let eviction: Value = ["apiVersion": "policy/v1", "kind": "Eviction", "metadata": ["name": "p"]]
            let refused = await server.ask(.post, "\(pods)/p/eviction", eviction)
            #expect(refused.code == 429)
            #expect(refused.message == "Cannot evict pod as it would violate the pod's disruption budget.")
            let cause = refused.json["details"]["causes"][0]
            #expect(cause["reason"] == "DisruptionBudget")
            #expect(cause["message"] == "The disruption budget b needs 1 healthy pods and has 1 currently")
            #expect(await server.ask(.post, "\(pods)/p/eviction", ["metadata": ["name": "q"]]).code == 400)
            #expect(await server.ask(.post, "\(pods)/p/eviction?dryRun=All", eviction).code == 429)
            await server.ask(.patch, "\(budget)/status", ["status": ["disruptionsAllowed": 1]], type: "application/merge-patch+json")
            #expect(await server.ask(.post, "\(pods)/p/eviction", eviction).code == 201)
            #expect(await server.ask(.get, "\(pods)/p").code == 404)
            #expect(await server.ask(.get, budget).json["status"]["disruptionsAllowed"].int ?? 0 == 0)
        }
    }

    @Test func whatATypeDoesNotNeedGoesWithTheChangeOfType() async throws {
        try await TestServer.with { server in
            let services = "/api/v1/namespaces/default/services"
            var service = await server.ask(.post, services, TestServer.service("s", type: "NodePort")).json
            #expect(service["spec"]["externalTrafficPolicy"] == "Cluster")
            service["spec"]["type"] = "ExternalName"
            service["spec"]["externalName"] = "example.com"
            let named = await server.ask(.put, "\(services)/s", service)
            #expect(named.code == 200, "\(named.text)")
            #expect(named.json["spec"]["externalTrafficPolicy"].isNull && named.json["spec"]["clusterIP"].isNull)
            #expect(named.json["spec"]["ports"][0]["nodePort"].isNull)
            // A load balancer's traffic comes from outside, with node ports or without.
            let spec: [String: Value] = ["allocateLoadBalancerNodePorts": false, "externalTrafficPolicy": "Local"]
            let balanced = await server.ask(.post, services, TestServer.service("b", type: "LoadBalancer", extra: spec)).json
            #expect(await server.ask(.put, "\(services)/b", balanced).json["spec"]["externalTrafficPolicy"] == "Local")
        }
    }

    @Test func nodePortsComeFromTheRangeAndFirstFromItsUpperPart() async throws {
        try await TestServer.with {
            $0.nodePorts = 20_000...20_020
        } _: { server in
            func made(_ name: String, _ port: Value = ["port": 80]) async -> TestServer.Answer {
                await server.ask(.post, services, TestServer.service(name, type: "NodePort", ports: [port]))
            }
            // Sixteen are left for those who choose.
            for index in 0..<5 {
                let port = await made("high\(index)").json["spec"]["ports"][0]["nodePort"].int
                #expect(port.map { 20_016...20_020 ~= $0.int64 } == true, "\(index)")
            }
            #expect(await made("low").json["spec"]["ports"][0]["nodePort"].int.map { 20_000...20_015 ~= $0.int64 } == true)
            let outside = await made("outside", ["port": 80, "nodePort": 30_000])
            #expect(outside.code == 422 && outside.message.contains("The range of valid ports is 20000-20020"), "\(outside.message)")
        }
    }

    @Test func aRangeOfNodePortsThatIsFullIsSaidToBe() async throws {
        try await TestServer.with { server in
            // 2768 of them, in few objects.
            let ports = Value.array((1...346).map { ["name": .string("p\($0)"), "port": Value($0)] })
            for index in 0..<8 {
                let made = await server.ask(.post, services, TestServer.service("s\(index)", type: "NodePort", ports: ports))
                #expect(made.code == 201, "\(made.message)")
            }
            let one: Value = [["port": 80]]
            let refused = await server.ask(.post, services, TestServer.service("one", type: "NodePort", ports: one))
            #expect(refused.code == 500 && refused.message.contains("failed to allocate a nodePort: range is full"), "\(refused.message)")
            let outside: Value = [["port": 80, "nodePort": 29_999]]
            #expect(await server.ask(.post, services, TestServer.service("one", type: "NodePort", ports: outside)).code == 422)
            #expect(await server.ask(.post, services, TestServer.service("one", ports: one)).code == 201)
            await server.ask(.delete, "\(services)/s0")
            // Those who choose the same at the same time choose again.
            let some = Value.array(Array(ports.elements[..<86]))
            let given = await withTaskGroup { group in
                for name in ["a", "b", "c", "d"] {
                    group.addTask { await server.ask(.post, services, TestServer.service(name, type: "NodePort", ports: some)).json }
                }
                return await group.reduce(into: []) { $0 += $1["spec"]["ports"].elements.map { $0["nodePort"] } }
            }
            #expect(Set(given).count == 4 * 86)
            #expect(await server.ask(.post, services, TestServer.service("two", type: "NodePort", ports: one)).code == 201)
        }
    }

    @Test func servicesGetAddressesAndPorts() async throws {
        try await TestServer.with { server in
            let plain = await server.ask(.post, services, TestServer.service("a")).json
            #expect(plain["spec"]["clusterIP"].string?.hasPrefix("10.96.") ?? false)
            #expect(plain["spec"]["clusterIPs"][0] == plain["spec"]["clusterIP"])
            #expect(plain["spec"]["ipFamilies"] == ["IPv4"])
            let headless = await server.ask(.post, services, TestServer.service("h", extra: ["clusterIP": "None"])).json
            #expect(headless["spec"]["clusterIPs"] == ["None"])
            let node = await server.ask(.post, services, TestServer.service("n", type: "NodePort")).json
            let port = node["spec"]["ports"][0]["nodePort"]
            #expect((30_000...32_767).contains(port.int ?? 0))
            let taken = await server.ask(
                .post, services, TestServer.service("m", type: "NodePort", ports: [["port": 80, "nodePort": port]]))
            #expect(taken.code == 422)
            #expect(
                taken.message
                    == "Service \"m\" is invalid: spec.ports[0].nodePort: Invalid value: \(port.int ?? 0): provided port is already allocated"
            )
            let outside = await server.ask(.post, services, TestServer.service("o", extra: ["clusterIP": "10.1.0.1"]))
            #expect(outside.code == 422)
            await server.ask(.delete, "\(services)/n")
            #expect(
                await server.ask(.post, services, TestServer.service("m", type: "NodePort", ports: [["port": 80, "nodePort": port]])).code
                    == 201)
            let external = await server.ask(
                .post, services, TestServer.service("e", type: "ExternalName", ports: .null, extra: ["externalName": "example.com"])
            ).json
            #expect(external["spec"]["clusterIP"].isNull)
        }
    }

    @Test func servicesChangeTheirType() async throws {
        try await TestServer.with { server in
            let created = await server.ask(.post, services, TestServer.service("a")).json
            let address = created["spec"]["clusterIP"]
            let node = await server.ask(.patch, "\(services)/a", ["spec": ["type": "NodePort"]], type: "application/merge-patch+json").json
            #expect(node["spec"]["clusterIP"] == address)
            let port = node["spec"]["ports"][0]["nodePort"]
            #expect(!port.isNull)
            var bare = TestServer.service("a", type: "NodePort")
            bare["metadata"]["resourceVersion"] = node["metadata"]["resourceVersion"]
            let replaced = await server.ask(.put, "\(services)/a", bare).json
            #expect(replaced["spec"]["ports"][0]["nodePort"] == port)
            #expect(replaced["spec"]["clusterIP"] == address)
            let back = await server.ask(.patch, "\(services)/a", ["spec": ["type": "ClusterIP"]], type: "application/merge-patch+json").json
            #expect(back["spec"]["ports"][0]["nodePort"].isNull)
            let moved = await server.ask(
                .patch, "\(services)/a", ["spec": ["clusterIP": "10.96.0.77", "clusterIPs": ["10.96.0.77"]]],
                type: "application/merge-patch+json")
            #expect(moved.code == 422)
            #expect(moved.message.contains("may not change once set"))
            #expect(
                await server.ask(.post, services, TestServer.service("b", type: "NodePort", ports: [["port": 80, "nodePort": port]])).code
                    == 201)
        }
    }

    @Test func namespacesEndWhenTheirFinalizersAreGone() async throws {
        try await TestServer.with { server in
            await server.ask(.post, "/api/v1/namespaces", ["metadata": ["name": "x"]])
            let terminating = await server.ask(.delete, "/api/v1/namespaces/x").json
            #expect(terminating["status"]["phase"] == "Terminating")
            let refused = await server.ask(.post, "/api/v1/namespaces/x/configmaps", TestServer.configMap("a"))
            #expect(refused.code == 403)
            #expect(
                refused.message
                    == "configmaps \"a\" is forbidden: unable to create new content in namespace x because it is being terminated")
            #expect(refused.json["details"]["causes"][0]["reason"] == "NamespaceTerminating")
            var finalized = terminating
            finalized["spec"]["finalizers"] = []
            #expect(await server.ask(.put, "/api/v1/namespaces/x/finalize", finalized).code == 200)
            #expect(await server.ask(.get, "/api/v1/namespaces/x").code == 404)
            #expect(await server.ask(.delete, "/api/v1/namespaces/default").code == 403)
        }
    }

    @Test func scalesThroughTheSubresource() async throws {
        try await TestServer.with { server in
            let path = "/apis/apps/v1/namespaces/default/deployments"
            await server.ask(.post, path, TestServer.deployment("d"))
            let scale = await server.ask(.get, "\(path)/d/scale").json
            #expect(scale["kind"] == "Scale")
            #expect(scale["spec"]["replicas"] == 1)
            #expect(scale["status"]["selector"] == "app=d")
            var wanted = scale
            wanted["spec"]["replicas"] = 4
            #expect(await server.ask(.put, "\(path)/d/scale", wanted).json["spec"]["replicas"] == 4)
            #expect(await server.ask(.put, "\(path)/d/scale", wanted).code == 409)
            #expect(
                await server.ask(.patch, "\(path)/d/scale", ["spec": ["replicas": 2]], type: "application/merge-patch+json").json["spec"][
                    "replicas"] == 2)
            #expect(await server.ask(.get, "\(path)/d").json["metadata"]["generation"] == 3)
        }
    }

    @Test func secretsFoldTheirStrings() async throws {
        try await TestServer.with { server in
            let secret = await server.ask(
                .post, "/api/v1/namespaces/default/secrets", ["metadata": ["name": "s"], "stringData": ["a": "hello"]]
            ).json
            #expect(secret["data"]["a"] == "aGVsbG8=")
            #expect(secret["stringData"].isNull)
            #expect(secret["type"] == "Opaque")
            // What is there is owned, so that somebody else may apply text.
            let owned = secret[path: "metadata", "managedFields"][0]["fieldsV1"]
            #expect(!owned["f:data"]["f:a"].isNull && owned["f:stringData"].isNull)
            let applied: Value = ["apiVersion": "v1", "kind": "Secret", "metadata": ["name": "s"], "stringData": ["a": "hello"]]
            let path = "/api/v1/namespaces/default/secrets/s?fieldManager=other"
            #expect(await server.ask(.patch, path, applied, type: "application/apply-patch+yaml").code == 200)
        }
    }

    @Test func tokensOfServiceAccountsWork() async throws {
        try await TestServer.with { server in
            await account(server, "robot")
            let path = "/api/v1/namespaces/default/serviceaccounts/robot"
            let answer = await server.ask(.post, "\(path)/token", ["spec": ["expirationSeconds": 600]])
            #expect(answer.code == 201)
            let token = answer.json["status"]["token"].string ?? ""
            let me = await server.ask(.post, "/apis/authentication.k8s.io/v1/selfsubjectreviews", .emptyObject, token: token).json[
                "status"]["userInfo"]
            #expect(me["username"] == "system:serviceaccount:default:robot")
            #expect(me["groups"].elements.contains("system:serviceaccounts:default"))
            let review = await server.ask(.post, "/apis/authentication.k8s.io/v1/tokenreviews", ["spec": ["token": .string(token)]]).json
            #expect(review["status"]["authenticated"] == true)
            #expect(await server.ask(.post, "\(path)/token", ["spec": ["expirationSeconds": 5]]).code == 422)
            await server.ask(.delete, path)
            #expect(await server.ask(.get, "/api", token: token).code == 401)
        }
    }

    @Test func eventsExpire() async throws {
        try await TestServer.with { server in
            let event: Value = [
                "metadata": ["name": "old"], "involvedObject": ["kind": "Pod", "name": "p", "namespace": "default"],
                "lastTimestamp": "2020-01-01T00:00:00Z", "reason": "R",
            ]
            await server.ask(.post, "/api/v1/namespaces/default/events", event)
            var fresh = event
            fresh["metadata"]["name"] = "new"
            fresh["lastTimestamp"] = .string(Timestamp.format(seconds: Clock.seconds + 1800))
            await server.ask(.post, "/api/v1/namespaces/default/events", fresh)
            func names() async -> [String] {
                await server.ask(.get, "/api/v1/events").json["items"].elements.compactMap { $0["metadata"]["name"].string }
            }
            let expiry = EventExpiry(registry: server.server.registry, lifetime: 3600)
            // One that happened long ago was written just now.
            await expiry.removeExpired(now: Clock.seconds)
            #expect(await names() == ["new", "old"])
            await expiry.removeExpired(now: Clock.seconds + 4000)
            #expect(await names() == ["new"])
        }
    }
}
