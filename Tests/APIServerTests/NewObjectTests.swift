import APIModel
import HTTPTypes
import Testing

/// What the server adds to new objects beside defaults.
@Suite struct NewObjectTests {
    @Test func aStatusHasTheNumbersThatAreAlwaysThere() async throws {
        try await TestServer.with { server in
            let template: Value = [
                "metadata": ["labels": ["a": "b"]], "spec": ["containers": [["name": "c", "image": "i"]]],
            ]
            let spec: Value = ["selector": ["matchLabels": ["a": "b"]], "template": template]
            func made(_ plural: String) async -> Value {
                await server.ask(.post, "/apis/apps/v1/namespaces/default/\(plural)", ["metadata": ["name": "x"], "spec": spec]).json[
                    "status"]
            }
            #expect(await made("statefulsets") == ["replicas": 0, "availableReplicas": 0])
            #expect(await made("replicasets") == ["replicas": 0])
            #expect(
                await made("daemonsets")
                    == ["currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0])
            #expect(await made("deployments") == .emptyObject)
            let node = await server.ask(.post, "/api/v1/nodes", ["metadata": ["name": "n"]]).json["status"]
            #expect(node["daemonEndpoints"] == ["kubeletEndpoint": ["Port": 0]] && node["nodeInfo"]["osImage"] == "")
        }
    }

    /// A CSIDriver has a generation once it has been changed.
    @Test func someAreCountedFromTheFirstChange() async throws {
        try await TestServer.with { server in
            let drivers = "/apis/storage.k8s.io/v1/csidrivers"
            let made = await server.ask(.post, drivers, ["metadata": ["name": "d"], "spec": .emptyObject])
            #expect(made.code == 201 && made.json["metadata"]["generation"].isNull, "\(made.text)")
            let patch: Value = ["spec": ["requiresRepublish": true]]
            let changed = await server.ask(.patch, drivers + "/d", patch, type: "application/merge-patch+json")
            #expect(changed.json["metadata"]["generation"] == 1, "\(changed.text)")
        }
    }

    /// `kubectl get flowschemas` shows them in the order in which they are tried.
    @Test func flowSchemasAreShownInTheirOrder() async throws {
        try await TestServer.with { server in
            let table = "application/json;as=Table;v=v1;g=meta.k8s.io"
            let shown = await server.ask(.get, "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", accept: table).json["rows"]
            let ranks = shown.elements.compactMap { $0["cells"][2].int }
            #expect(ranks.count > 5 && ranks == ranks.sorted())
        }
    }

    @Test func aPodThatIsHeldBackSaysSo() async throws {
        try await TestServer.with { server in
            await server.ask(.post, "/api/v1/namespaces/default/serviceaccounts", ["metadata": ["name": "default"]])
            var pod = TestServer.pod("p")
            pod["spec"]["schedulingGates"] = [["name": "a.b/c"]]
            let made = await server.ask(.post, "/api/v1/namespaces/default/pods", pod).json
            #expect(made["status"]["conditions"][0]["reason"] == "SchedulingGated")
        }
    }

    @Test func aServiceOfOthersEndpointsHasBothFamilies() async throws {
        try await TestServer.with { server in
            func made(_ name: String, _ spec: Value) async -> Value {
                await server.ask(.post, "/api/v1/namespaces/default/services", ["metadata": ["name": .string(name)], "spec": spec]).json[
                    "spec"]
            }
            let foreign = await made("a", ["clusterIP": "None"])
            #expect(foreign["ipFamilies"] == ["IPv4", "IPv6"] && foreign["ipFamilyPolicy"] == "RequireDualStack")
            let single = await made("b", ["clusterIP": "None", "ipFamilyPolicy": "SingleStack"])
            #expect(single["ipFamilies"] == ["IPv4"])
            let own = await made("c", ["clusterIP": "None", "selector": ["a": "b"]])
            #expect(own["ipFamilies"] == ["IPv4"] && own["ipFamilyPolicy"] == "SingleStack")
        }
    }
}
