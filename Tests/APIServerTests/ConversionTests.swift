import APIModel
import HTTPTypes
import OrderedCollections
import Store
import Testing

@testable import APIServer

/// Custom kinds whose versions a webhook converts: v1 has `spec.hostPort` as `host:port`, v2 has `spec.host` and `spec.port`.
@Suite(.timeLimit(.minutes(2))) struct ConversionTests {
    private let v1 = "/apis/stable.example.com/v1/namespaces/default/endpoints"
    private let v2 = "/apis/stable.example.com/v2/namespaces/default/endpoints"
    private let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/endpoints.stable.example.com"
    private let merge = "application/merge-patch+json"

    private static func version(_ name: String, _ fields: [String], storage: Bool) -> Value {
        var properties: Value = .emptyObject
        for field in fields { properties[field] = ["type": "string"] }
        return [
            "name": .string(name), "served": true, "storage": .bool(storage),
            "schema": ["openAPIV3Schema": ["type": "object", "properties": ["spec": ["type": "object", "properties": properties]]]],
            "subresources": ["status": .emptyObject],
            "selectableFields": .array(fields.map { ["jsonPath": .string(".spec.\($0)")] }),
        ]
    }

    private static func definition(_ hooks: WebhookServer, storage: String = "v1", versions: Value = ["v1", "v1beta1"]) -> Value {
        [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": ["name": "endpoints.stable.example.com"],
            "spec": [
                "group": "stable.example.com", "scope": "Namespaced", "names": ["plural": "endpoints", "kind": "Endpoint"],
                "versions": [
                    version("v1", ["hostPort"], storage: storage == "v1"), version("v2", ["host", "port"], storage: storage == "v2"),
                ],
                "conversion": [
                    "strategy": "Webhook",
                    "webhook": [
                        "clientConfig": ["url": .string("https://127.0.0.1:\(hooks.port)/convert"), "caBundle": .string(hooks.caBundle)],
                        "conversionReviewVersions": versions,
                    ],
                ],
            ],
        ]
    }

    private static func converted(_ request: Value) -> Value {
        let wanted = request["desiredAPIVersion"]
        let objects = request["objects"].elements.map { object in
            var object = object
            object["apiVersion"] = wanted
            if wanted == "stable.example.com/v2" {
                let parts = (object["spec"]["hostPort"].string ?? "").split(separator: ":").map(String.init)
                object["spec"] = ["host": .string(parts.first ?? ""), "port": .string(parts.last ?? "")]
            } else {
                let (host, port) = (object["spec"]["host"].string ?? "", object["spec"]["port"].string ?? "")
                object["spec"] = ["hostPort": .string("\(host):\(port)")]
            }
            return object
        }
        return ["result": ["status": "Success"], "convertedObjects": .array(objects)]
    }

    private static func endpoint(_ name: String, _ version: String, _ spec: Value) -> Value {
        [
            "apiVersion": .string("stable.example.com/\(version)"), "kind": "Endpoint", "metadata": ["name": .string(name)], "spec": spec,
        ]
    }

    private func with(
        _ judge: @escaping WebhookServer.Judge = { Self.converted($0) }, _ body: (TestServer, WebhookServer) async throws -> Void
    ) async throws {
        try await WebhookServer.with(judge) { hooks in
            try await TestServer.with(kind: Self.definition(hooks)) { try await body($0, hooks) }
        }
    }

    @Test func eachVersionShowsWhatTheOtherWrote() async throws {
        try await with { server, hooks in
            #expect(await server.ask(.post, v1, Self.endpoint("a", "v1", ["hostPort": "one:1"])).code == 201)
            #expect(hooks.requests.isEmpty)
            let made = await server.ask(.post, v2, Self.endpoint("b", "v2", ["host": "two", "port": "2"]))
            #expect(made.code == 201, "\(made.text)")
            #expect(made.json["spec"] == ["host": "two", "port": "2"])
            #expect(await server.ask(.get, "\(v2)/a").json["spec"] == ["host": "one", "port": "1"])
            let shown = await server.ask(.get, "\(v1)/b").json
            #expect(shown["spec"] == ["hostPort": "two:2"])
            #expect(shown["apiVersion"] == "stable.example.com/v1")
            let patched = await server.ask(.patch, "\(v2)/a", ["spec": ["port": "9"]], type: merge)
            #expect(patched.json["spec"] == ["host": "one", "port": "9"], "\(patched.text)")
            #expect(await server.ask(.get, "\(v1)/a").json["spec"] == ["hostPort": "one:9"])
        }
    }

    @Test func aListIsConvertedInOneCallAndOnce() async throws {
        try await with { server, hooks in
            for name in ["a", "b", "c"] { await server.ask(.post, v1, Self.endpoint(name, "v1", ["hostPort": .string("\(name):1")])) }
            let list = await server.ask(.get, v2).json
            #expect(list["items"].elements.map { $0["spec"]["host"] } == ["a", "b", "c"])
            #expect(hooks.requests.count == 1)
            #expect(hooks.requests[0]["desiredAPIVersion"] == "stable.example.com/v2")
            #expect(hooks.requests[0]["objects"].elements.count == 3)
            await server.ask(.get, v2)
            await server.ask(.get, "\(v2)/b")
            #expect(hooks.requests.count == 1)
            let told = await server.watch(v2)
            #expect(told.map { $0["object"]["spec"]["host"] } == ["a", "b", "c"])
        }
    }

    /// What another version alone has is not in what is stored.
    @Test func fieldsAreSelectedInTheVersionThatIsAskedFor() async throws {
        try await with { server, _ in
            for (name, address) in [("a", "one:1"), ("b", "one:2"), ("c", "two:1")] {
                await server.ask(.post, v1, Self.endpoint(name, "v1", ["hostPort": .string(address)]))
            }
            func names(_ path: String) async -> [String?] {
                await server.ask(.get, path).json["items"].elements.map { $0["metadata"]["name"].string }
            }
            #expect(await names("\(v2)?fieldSelector=spec.host=one") == ["a", "b"])
            #expect(await names("\(v2)?fieldSelector=spec.host=one,spec.port!=1") == ["b"])
            #expect(await names("\(v1)?fieldSelector=spec.hostPort=two:1") == ["c"])
            let told = await server.watch("\(v2)?fieldSelector=spec.port=1")
            #expect(told.map { $0["object"]["metadata"]["name"] } == ["a", "c"])
            let since = await server.ask(.get, v2).json["metadata"]["resourceVersion"].string ?? ""
            await server.ask(.patch, "\(v1)/b", ["spec": ["hostPort": "one:1"]], type: merge)
            await server.ask(.patch, "\(v1)/c", ["spec": ["hostPort": "two:3"]], type: merge)
            let changes = await server.watch("\(v2)?fieldSelector=spec.port=1&resourceVersion=\(since)")
            #expect(changes.map { $0["type"] } == ["ADDED", "DELETED"])
            #expect(changes.map { $0["object"]["spec"]["host"] } == ["one", "two"])
            #expect(changes.last?["object"]["spec"]["port"] == "1")
        }
    }

    @Test func applyOwnsFieldsAcrossVersions() async throws {
        try await with { server, _ in
            let apply = "application/apply-patch+yaml"
            let first = await server.ask(
                .patch, "\(v1)/a?fieldManager=one", Self.endpoint("a", "v1", ["hostPort": "x:1"]), type: apply)
            #expect(first.code == 201, "\(first.text)")
            let second = await server.ask(
                .patch, "\(v2)/a?fieldManager=two", Self.endpoint("a", "v2", ["host": "y"]), type: apply)
            #expect(second.code == 409, "\(second.text)")
            let forced = await server.ask(
                .patch, "\(v2)/a?fieldManager=two&force=true", Self.endpoint("a", "v2", ["host": "y"]), type: apply)
            #expect(forced.json["spec"] == ["host": "y", "port": "1"], "\(forced.text)")
        }
    }

    @Test func whatWasStoredInAnotherVersionIsConvertedWhenItIsWritten() async throws {
        try await with { server, hooks in
            await server.ask(.post, v1, Self.endpoint("a", "v1", ["hostPort": "one:1"]))
            let changed = await server.ask(.patch, definitions, ["spec": Self.definition(hooks, storage: "v2")["spec"]], type: merge)
            #expect(changed.code == 200, "\(changed.text)")
            while server.server.registry.served.storage(
                GroupVersionResource(group: "stable.example.com", version: "v1", resource: "endpoints"))?.stored.version != "v2"
            {
                await Task.yield()
            }
            #expect(await server.ask(.get, "\(v2)/a").json["spec"] == ["host": "one", "port": "1"])
            #expect(await server.ask(.get, "\(v1)/a").json["spec"] == ["hostPort": "one:1"])
            let key = RecordKey(collection: "stable.example.com/endpoints", name: "default/a")
            #expect(server.store.get(key)?.object.value["apiVersion"] == "stable.example.com/v1")
            let patched = await server.ask(.patch, "\(v1)/a", ["metadata": ["labels": ["a": "b"]]], type: merge)
            #expect(patched.json["spec"] == ["hostPort": "one:1"], "\(patched.text)")
            #expect(server.store.get(key)?.object.value["spec"] == ["host": "one", "port": "1"])
        }
    }

    @Test func aFailureIsToldInUpstreamsWords() async throws {
        try await with { request in
            let asked = request["objects"][0]["metadata"]["name"].string ?? ""
            var answer = Self.converted(request)
            switch asked {
            case "refused": return ["result": ["status": "Failure", "message": "no way"]]
            case "few": answer["convertedObjects"] = .array([])
            case "renamed": answer["convertedObjects"].elements[0]["metadata"]["name"] = "other"
            case "unconverted": answer["convertedObjects"].elements[0]["apiVersion"] = "stable.example.com/v1"
            case "marked":
                answer["convertedObjects"].elements[0]["metadata"] = [
                    "name": "marked", "namespace": "default",
                    "uid": answer["convertedObjects"][0]["metadata"]["uid"], "labels": ["a": "b"], "finalizers": ["x/y"],
                ]
            default: break
            }
            return answer
        } _: { server, _ in
            let subject = "conversion webhook for stable.example.com/v1, Kind=Endpoint"
            let messages = [
                "refused": "\(subject) failed: no way", "few": "\(subject) returned 0 objects, expected 1",
                "renamed": "\(subject) returned invalid converted object at index 0: must have the same name: renamed != other",
                "unconverted":
                    "\(subject) returned invalid converted object at index 0: invalid groupVersion (expected stable.example.com/v2, received stable.example.com/v1)",
            ]
            for (name, message) in messages {
                await server.ask(.post, v1, Self.endpoint(name, "v1", ["hostPort": "x:1"]))
                let answer = await server.ask(.get, "\(v2)/\(name)")
                #expect(answer.code == 500)
                #expect(answer.message == message)
                // In its own version it is as it was.
                #expect(await server.ask(.get, "\(v1)/\(name)").code == 200)
            }
            await server.ask(.post, v1, Self.endpoint("marked", "v1", ["hostPort": "x:1"]))
            let metadata = await server.ask(.get, "\(v2)/marked").json["metadata"]
            #expect(metadata["labels"] == ["a": "b"])
            #expect(metadata["finalizers"].isNull)
        }
    }

    @Test func reviewsAreCheckedAsTheirVersionAsks() throws {
        let object = Self.endpoint("a", "v1", ["hostPort": "x:1"])
        let wanted = try #require(GroupVersion("stable.example.com/v2"))
        let (new, old) = (
            try ConversionReview([object], to: wanted, versions: ["v7", "v1"], uid: "u"),
            try ConversionReview([object], to: wanted, versions: ["v1beta1", "v1"], uid: "u")
        )
        #expect(try JSON.decode(new.body)["apiVersion"] == "apiextensions.k8s.io/v1")
        #expect(try JSON.decode(old.body)["apiVersion"] == "apiextensions.k8s.io/v1beta1")
        let response = Self.converted(try JSON.decode(new.body)["request"])
        // The old version says neither what it is nor what it answers.
        #expect(try old.answer(JSON.encode(["response": response])).count == 1)
        let failed = "conversion webhook for stable.example.com/v1, Kind=Endpoint failed: "
        let answers: [(Value, String)] = [
            (["response": response], "expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got /, Kind="),
            (["kind": "ConversionReview", "apiVersion": "apiextensions.k8s.io/v1"], "no response provided"),
            (
                ["kind": "ConversionReview", "apiVersion": "apiextensions.k8s.io/v1", "response": response],
                "expected response.uid=\"u\", got \"\""
            ),
            (
                [
                    "kind": "ConversionReview", "apiVersion": "apiextensions.k8s.io/v1",
                    "response": ["uid": "u", "result": ["status": "x"]],
                ],
                "response.result.status was 'x', not 'Success'"
            ),
        ]
        for (answer, message) in answers {
            do {
                _ = try new.answer(JSON.encode(answer))
                Issue.record("\(message) was expected")
            } catch {
                #expect(error.description == failed + message)
            }
        }
        #expect(throws: ConversionReview.Problem.self) { try ConversionReview([object], to: wanted, versions: ["v7"]) }
    }

    @Test func aDefinitionSaysWhereItsWebhookIs() async throws {
        try await WebhookServer.with {
            Self.converted($0)
        } _: { hooks in
            try await TestServer.with { server in
                let spec = Self.definition(hooks)
                let bad: [(Value, [String])] = [
                    (
                        ["strategy": "Webhook"],
                        [
                            "spec.conversion.webhookClientConfig", "spec.conversion.conversionReviewVersions",
                        ]
                    ),
                    (["strategy": "None"], ["spec.conversion.webhookClientConfig", "spec.conversion.conversionReviewVersions"]),
                    (
                        ["webhook": ["clientConfig": ["url": "http://a/b?c=d"]]],
                        [
                            "spec.conversion.webhookClientConfig.url", "spec.conversion.webhookClientConfig.url",
                        ]
                    ),
                    (["webhook": ["conversionReviewVersions": ["v7"]]], ["spec.conversion.conversionReviewVersions"]),
                ]
                for (change, fields) in bad {
                    var definition = spec
                    definition["spec"]["conversion"] =
                        change == ["strategy": "Webhook"] ? change : Patch.merge(spec["spec"]["conversion"], change)
                    let answer = await server.ask(.post, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
                    #expect(answer.code == 422)
                    #expect(answer.json["details"]["causes"].elements.compactMap { $0["field"].string } == fields, "\(answer.text)")
                }
            }
        }
    }
}
