import APIModel
import HTTPTypes
import OrderedCollections
import Testing

@testable import APIServer

/// Objects of a custom kind whose schema has become stricter: what is not touched is not held against anybody.
@Suite struct RatchetingTests {
    private static let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    private static let path = "/apis/example.com/v1/namespaces/default/things"

    private static func definition(_ properties: Value) -> Value {
        [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": ["name": "things.example.com"],
            "spec": [
                "group": "example.com", "scope": "Namespaced", "names": ["plural": "things", "kind": "Thing"],
                "versions": [
                    [
                        "name": "v1", "served": true, "storage": true,
                        "schema": [
                            "openAPIV3Schema": ["type": "object", "properties": ["spec": ["type": "object", "properties": properties]]]
                        ],
                    ]
                ],
            ],
        ]
    }

    private static let lax: Value = [
        "mode": ["type": "string"], "size": ["type": "integer"], "count": ["type": "integer"],
        "parts": [
            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
            "items": [
                "type": "object", "required": ["name"], "properties": ["name": ["type": "string"], "weight": ["type": "integer"]],
            ],
        ],
        "words": ["type": "array", "items": ["type": "string"]],
    ]

    private static let strict: Value = {
        var strict = lax
        strict["mode"]["enum"] = ["on", "off"]
        strict["size"]["x-kubernetes-validations"] = [["rule": "self < 10", "message": "too big"]]
        strict["count"]["x-kubernetes-validations"] = [["rule": "self > oldSelf", "message": "must grow"]]
        strict["parts"]["items"]["properties"]["weight"]["maximum"] = 5
        strict["words"]["items"]["maxLength"] = 3
        return strict
    }()

    @Test func whatDoesNotChangeIsTolerated() async throws {
        try await TestServer.with(kind: Self.definition(Self.lax)) { server in
            let old: Value = [
                "apiVersion": "example.com/v1", "kind": "Thing", "metadata": ["name": "a"],
                "spec": [
                    "mode": "never", "size": 50, "parts": [["name": "x", "weight": 9], ["name": "y", "weight": 1]], "words": ["longer"],
                ],
            ]
            #expect(await server.ask(.post, Self.path, old).code == 201)
            let name = Self.definitions + "/things.example.com"
            // A patch: the server may write the definition's status between a read and a write.
            let stricter: Value = ["spec": Self.definition(Self.strict)["spec"]]
            #expect(await server.ask(.patch, name, stricter, type: "application/merge-patch+json").code == 200)
            var fresh = old
            fresh["metadata"]["name"] = "b"
            while await server.ask(.post, Self.path + "?dryRun=All", fresh).code != 422 { await Task.yield() }

            func patch(_ spec: Value, metadata: Value = .null) async -> TestServer.Answer {
                await server.ask(.patch, Self.path + "/a", ["metadata": metadata, "spec": spec], type: "application/merge-patch+json")
            }
            // Something else changes, beside and within what is invalid.
            #expect(await patch(.null, metadata: ["labels": ["k": "v"]]).code == 200)
            #expect(await patch(["parts": [["name": "x", "weight": 9], ["name": "y", "weight": 2]]]).code == 200)
            #expect(await patch(["mode": "on"]).code == 200)
            // What is changed must be right.
            #expect(await patch(["mode": "sometimes"]).message.contains("spec.mode: Unsupported value: \"sometimes\""))
            #expect(await patch(["size": 51]).message.contains("too big"))
            #expect(await patch(["parts": [["name": "x", "weight": 8]]]).message.contains("spec.parts[0].weight"))
            // Elements of a list without keys are all new when it changes.
            #expect(await patch(["words": ["longer", "a"]]).message.contains("spec.words[0]"))
            // Rules that compare are asked each time.
            #expect(await patch(["count": 1]).code == 200)
            #expect(await patch(.null, metadata: ["labels": ["k": "w"]]).message.contains("must grow"))
            #expect(await patch(["count": 2]).code == 200)
        }
    }

    @Test func discoveryTellsWhichVersionIsKept() async throws {
        try await TestServer.with(kind: Self.definition(Self.lax)) { server in
            let listed = await server.ask(.get, "/apis/example.com/v1").json["resources"].elements
            #expect(listed.first { $0["name"] == "things" }?["storageVersionHash"] == "MkkTy7bNlnM=")
        }
    }

    @Test func whatIsWrongWithARuleIsSaidAsUpstreamSaysIt() async throws {
        var rules = Self.lax
        rules["count"]["x-kubernetes-validations"] = [["rule": "10 / self > 0"], ["rule": "10 % self >= 0", "message": "must divide"]]
        rules["words"]["x-kubernetes-validations"] = [
            ["rule": "self.all(a, self.all(b, self.all(c, a.size() + b.size() + c.size() >= 0)))"]
        ]
        rules["words"]["maxItems"] = 80
        rules["words"]["items"]["maxLength"] = 3
        try await TestServer.with(kind: Self.definition(rules)) { server in
            func refusal(_ spec: Value) async -> String {
                let object: Value = ["apiVersion": "example.com/v1", "kind": "Thing", "metadata": ["name": "a"], "spec": spec]
                return await server.ask(.post, Self.path, object).message
            }
            let divided = await refusal(["count": 0])
            #expect(
                divided.contains("spec.count: Invalid value: \"integer\": division by zero evaluating rule: 10 / self > 0"), "\(divided)")
            #expect(divided.contains("modulus by zero evaluating rule: must divide"), "\(divided)")
            let long = await refusal(["words": .array(Array(repeating: "abc", count: 80))])
            #expect(long.contains("no further validation rules will be run due to call cost exceeds limit for rule: self.all"), "\(long)")
        }
    }
}
