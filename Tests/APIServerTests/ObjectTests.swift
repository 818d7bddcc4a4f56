import APIModel
import HTTPTypes
import OrderedCollections
import Store
import Testing

@testable import APIServer

@Suite struct ObjectTests {
    private let maps = "/api/v1/namespaces/default/configmaps"

    @Test func createsReadsUpdatesAndDeletes() async throws {
        try await TestServer.with { server in
            let created = await server.ask(.post, maps, TestServer.configMap("a"))
            #expect(created.code == 201)
            #expect(created.json["metadata"]["namespace"] == "default")
            #expect(created.json["metadata"]["uid"].string?.count == 36)
            #expect(created.json["metadata"]["resourceVersion"].string.flatMap { UInt64($0) } ?? 0 > 0)
            let read = await server.ask(.get, "\(maps)/a")
            #expect(read.body == created.body)
            var changed = read.json
            changed["data"]["a"] = "c"
            let updated = await server.ask(.put, "\(maps)/a", changed)
            #expect(updated.code == 200)
            #expect(updated.json["data"]["a"] == "c")
            #expect(updated.json["metadata"]["uid"] == created.json["metadata"]["uid"])
            let unchanged = await server.ask(.put, "\(maps)/a", updated.json)
            #expect(unchanged.json["metadata"]["resourceVersion"] == updated.json["metadata"]["resourceVersion"])
            let deleted = await server.ask(.delete, "\(maps)/a")
            #expect(deleted.code == 200)
            #expect(deleted.json["status"] == "Success")
            #expect(deleted.json["details"]["kind"] == "configmaps")
            #expect(await server.ask(.get, "\(maps)/a").code == 404)
        }
    }

    @Test func aResourceVersionOfZeroIsNone() async throws {
        try await TestServer.with { server in
            var object = (await server.ask(.post, maps, TestServer.configMap("a"))).json
            await server.ask(.patch, "\(maps)/a", ["data": ["x": "y"]], type: "application/merge-patch+json")
            object["metadata"]["resourceVersion"] = "0"
            object["data"] = ["x": "z"]
            let written = await server.ask(.put, "\(maps)/a", object)
            #expect(written.code == 200 && written.json["data"]["x"] == "z" && written.json["metadata"]["resourceVersion"] != "0")
            let patch: Value = ["metadata": ["resourceVersion": "0"], "data": ["x": "w"]]
            let patched = await server.ask(.patch, "\(maps)/a", patch, type: "application/merge-patch+json")
            #expect(patched.code == 200 && patched.json["data"]["x"] == "w")
        }
    }

    @Test func refusesWithUpstreamsWords() async throws {
        try await TestServer.with { server in
            await server.ask(.post, maps, TestServer.configMap("a"))
            let old = await server.ask(.get, "\(maps)/a").json
            await server.ask(.patch, "\(maps)/a", ["data": ["x": "y"]], type: "application/merge-patch+json")
            let rows: [(TestServer.Answer, Int, String, String)] = [
                (await server.ask(.get, "\(maps)/b"), 404, "NotFound", "configmaps \"b\" not found"),
                (await server.ask(.post, maps, TestServer.configMap("a")), 409, "AlreadyExists", "configmaps \"a\" already exists"),
                (
                    await server.ask(.put, "\(maps)/a", old), 409, "Conflict",
                    "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again"
                ),
                (
                    await server.ask(.post, "/api/v1/namespaces/nope/configmaps", TestServer.configMap("a")), 404, "NotFound",
                    "namespaces \"nope\" not found"
                ),
                (
                    await server.ask(.get, "/api/v1/namespaces/default/nopes"), 404, "NotFound",
                    "the server could not find the requested resource"
                ),
                (
                    await server.ask(.post, "\(maps)/a", TestServer.configMap("a")), 405, "MethodNotAllowed",
                    "the server does not allow this method on the requested resource"
                ),
                (await server.ask(.get, maps, token: "wrong"), 401, "Unauthorized", "Unauthorized"),
                (await server.ask(.get, maps, token: nil), 401, "Unauthorized", "Unauthorized"),
                (
                    await server.ask(.get, maps, token: "alice-token"), 403, "Forbidden",
                    "configmaps is forbidden: User \"alice\" cannot list resource \"configmaps\" in API group \"\" in the namespace \"default\""
                ),
                (
                    await server.ask(.get, "/apis/apps/v1/deployments", token: "alice-token"), 403, "Forbidden",
                    "deployments.apps is forbidden: User \"alice\" cannot list resource \"deployments\" in API group \"apps\" at the cluster scope"
                ),
                (
                    await server.ask(.post, maps, raw: Array("{\"apiVersion\":\"v2\",\"kind\":\"ConfigMap\"}".utf8)), 400, "BadRequest",
                    "ConfigMap in version \"v2\" cannot be handled as a ConfigMap: no kind \"ConfigMap\" is registered for version \"v2\""
                ),
                (
                    await server.ask(
                        .post, "/apis/apps/v1/namespaces/default/deployments?fieldValidation=Strict",
                        {
                            var object = TestServer.deployment("d")
                            object["spec"]["nope"] = 1
                            return object
                        }()), 400, "BadRequest",
                    "Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: unknown field \"spec.nope\""
                ),
                (
                    await server.ask(.post, "/apis/apps/v1/namespaces/default/deployments", TestServer.deployment("d", replicas: -1)), 422,
                    "Invalid",
                    "Deployment.apps \"d\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0"
                ),
            ]
            for (answer, code, reason, message) in rows {
                #expect(answer.code == code, "\(message)")
                #expect(answer.json["kind"] == "Status")
                #expect(answer.reason == reason)
                #expect(answer.message == message)
            }
            let type = await server.ask(.patch, "\(maps)/a", [:], type: "application/apply-patch+cbor")
            #expect(type.code == 415)
        }
    }

    @Test func warnsOfUnknownAndDuplicateFields() async throws {
        try await TestServer.with { server in
            let text =
                "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"w\"},\"data\":{},\"nope\":1,\"immutable\":false,\"immutable\":false}"
            let answer = await server.ask(.post, maps, raw: Array(text.utf8))
            #expect(answer.code == 201)
            let warnings = HTTPField.Name("Warning").map { answer.headers[values: $0] } ?? []
            #expect(warnings == ["299 - \"unknown field \\\"nope\\\"\"", "299 - \"duplicate field \\\"immutable\\\"\""])
            #expect(answer.json["nope"].isNull)
            let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: twice}\nnope: 1\nimmutable: false\nimmutable: true\n"
            let strict = await server.ask(.post, maps + "?fieldValidation=Strict", raw: Array(yaml.utf8), type: "application/yaml")
            #expect(
                strict.message.hasSuffix(
                    "strict decoding error: yaml: unmarshal errors:\n  line 6: key \"immutable\" already set in map, unknown field \"nope\""
                ))
            #expect(await server.ask(.post, maps, raw: Array(yaml.utf8), type: "application/yaml").json["immutable"] == true)
            #expect(
                await server.ask(.post, maps + "?fieldValidation=Ignore", raw: Array(text.replacing("\"w\"", with: "\"i\"").utf8)).code
                    == 201)
        }
    }

    @Test func namesGenerated() async throws {
        try await TestServer.with { server in
            var map = TestServer.configMap("x")
            map["metadata"] = ["generateName": "gen-"]
            let answer = await server.ask(.post, maps, map)
            #expect(answer.code == 201)
            #expect(answer.json["metadata"]["name"].string?.hasPrefix("gen-") ?? false)
            #expect(answer.json["metadata"]["name"].string?.count == 9)
        }
    }

    /// The metadata counts where others act on it, and not when it is written along with the status.
    @Test(arguments: [
        ("apps/v1/namespaces/default/deployments", TestServer.deployment("x"), "annotations", "labels"),
        (
            "discovery.k8s.io/v1/namespaces/default/endpointslices",
            ["metadata": ["name": "x"], "addressType": "IPv4", "endpoints": []] as Value, "labels", "annotations"
        ),
    ])
    func metadataThatMakesAGeneration(_ path: String, _ object: Value, _ counts: String, _ doesNot: String) async throws {
        try await TestServer.with { server in
            func change(_ path: String, _ field: String, _ value: String) async -> Value {
                let patch = #"{"metadata":{"\#(field)":{"a":\#(value)}}}"#
                return await server.ask(.patch, path, raw: Array(patch.utf8), type: "application/merge-patch+json")
                    .json["metadata"]["generation"]
            }
            await server.ask(.post, "/apis/\(path)", object)
            #expect(await change("/apis/\(path)/x", doesNot, #""b""#) == 1)
            #expect(await change("/apis/\(path)/x", counts, #""b""#) == 2)
            #expect(await change("/apis/\(path)/x", counts, #""b""#) == 2)
            #expect(await change("/apis/\(path)/x", counts, "null") == 3)
            if path.hasSuffix("deployments") { #expect(await change("/apis/\(path)/x/status", counts, #""c""#) == 3) }
        }
    }

    @Test func patches() async throws {
        try await TestServer.with { server in
            let path = "/apis/apps/v1/namespaces/default/deployments"
            #expect(await server.ask(.post, path, TestServer.deployment("d")).json["metadata"]["generation"] == 1)
            let merged = await server.ask(.patch, "\(path)/d", ["spec": ["replicas": 3]], type: "application/merge-patch+json")
            #expect(merged.json["spec"]["replicas"] == 3)
            #expect(merged.json["metadata"]["generation"] == 2)
            let strategic = await server.ask(
                .patch, "\(path)/d", ["spec": ["template": ["spec": ["containers": [["name": "c", "image": "other"]]]]]],
                type: "application/strategic-merge-patch+json")
            #expect(strategic.json[path: "spec", "template", "spec", "containers"].elements.count == 1)
            #expect(strategic.json[path: "spec", "template", "spec", "containers"][0]["image"] == "other")
            let json = await server.ask(
                .patch, "\(path)/d", [["op": "replace", "path": "/spec/replicas", "value": 5]], type: "application/json-patch+json")
            #expect(json.json["spec"]["replicas"] == 5)
            let labelled = await server.ask(.patch, "\(path)/d", ["metadata": ["labels": ["a": "b"]]], type: "application/merge-patch+json")
            #expect(labelled.json["metadata"]["generation"] == 4)
            let stale = await server.ask(
                .patch, "\(path)/d", ["metadata": ["resourceVersion": "1", "labels": ["a": "c"]]], type: "application/merge-patch+json")
            #expect(stale.code == 409)
        }
    }

    @Test func patchesSideBySideAreNotLost() async throws {
        try await TestServer.with { server in
            await server.ask(.post, maps, TestServer.configMap("a", data: .emptyObject))
            await withTaskGroup(of: Int.self) { group in
                for index in 0..<8 {
                    group.addTask {
                        await server.ask(.patch, "\(maps)/a", ["data": ["k\(index)": "v"]], type: "application/merge-patch+json").code
                    }
                }
                for await code in group { #expect(code == 200) }
            }
            #expect(await server.ask(.get, "\(maps)/a").json["data"].fields.count == 8)
        }
    }

    @Test func dryRunsChangeNothing() async throws {
        try await TestServer.with { server in
            let revision = server.store.revision
            #expect(await server.ask(.post, maps + "?dryRun=All", TestServer.configMap("a")).code == 201)
            #expect(await server.ask(.delete, "/api/v1/namespaces/default/services/kubernetes?dryRun=All").code == 200)
            #expect(server.store.revision == revision)
            #expect(await server.ask(.post, maps + "?dryRun=Some", TestServer.configMap("a")).code == 422)
        }
    }

    @Test func finalizersHoldAnObject() async throws {
        try await TestServer.with { server in
            var map = TestServer.configMap("a")
            map["metadata"]["finalizers"] = ["example.com/hold"]
            await server.ask(.post, maps, map)
            let deleted = await server.ask(.delete, "\(maps)/a")
            #expect(deleted.json["kind"] == "ConfigMap")
            #expect(!deleted.json["metadata"]["deletionTimestamp"].isNull)
            let released = await server.ask(
                .patch, "\(maps)/a", ["metadata": ["finalizers": .null]], raw: Array("{\"metadata\":{\"finalizers\":null}}".utf8),
                type: "application/merge-patch+json")
            #expect(released.code == 200)
            #expect(await server.ask(.get, "\(maps)/a").code == 404)
        }
    }

    @Test func preconditionsAndPropagation() async throws {
        try await TestServer.with { server in
            await server.ask(.post, maps, TestServer.configMap("a"))
            let wrong = await server.ask(.delete, "\(maps)/a", ["preconditions": ["uid": "x"]])
            #expect(wrong.code == 409)
            let foreground = await server.ask(.delete, "\(maps)/a", ["propagationPolicy": "Foreground"])
            #expect(foreground.json["metadata"]["finalizers"] == ["foregroundDeletion"])
            let background = await server.ask(.delete, "\(maps)/a", ["propagationPolicy": "Background"])
            #expect(background.json["status"] == "Success")
            #expect(await server.ask(.delete, "\(maps)/a?propagationPolicy=Nope").code == 422)
        }
    }

    @Test func committedWritesOutliveTheServer() async throws {
        let directory = "/tmp/apiserver-\(UniqueID.make())"
        let first = try await TestServer(directory: directory)
        await first.ask(.post, maps, TestServer.configMap("kept"))
        let address = await first.ask(.post, "/api/v1/namespaces/default/services", TestServer.service("s")).json["spec"]["clusterIP"]
        await first.store.close()
        let second = try await TestServer(directory: directory)
        #expect(await second.ask(.get, "\(maps)/kept").code == 200)
        let taken = await second.ask(.post, "/api/v1/namespaces/default/services", TestServer.service("t", extra: ["clusterIP": address]))
        #expect(taken.code == 422)
        #expect(taken.message.contains("provided IP is already allocated"))
        await second.end()
    }
}
