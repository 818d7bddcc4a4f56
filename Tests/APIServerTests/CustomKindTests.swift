import APIModel
import HTTPTypes
import OrderedCollections
import Store
import Testing

@testable import APIServer

@Suite struct CustomKindTests {
    private let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    private let tabs = "/apis/stable.example.com/v1/namespaces/default/crontabs"
    private let merge = "application/merge-patch+json"

    private static let spec: Value = [
        "type": "object",
        "properties": [
            "spec": [
                "type": "object", "required": ["cronSpec"],
                "properties": [
                    "cronSpec": ["type": "string", "minLength": 3], "image": ["type": "string", "default": "busybox"],
                    "replicas": ["type": "integer", "minimum": 1, "maximum": 10],
                    "policy": ["type": "string", "enum": ["Allow", "Forbid"]],
                    "port": ["x-kubernetes-int-or-string": true], "note": ["type": "string", "nullable": true],
                    "free": ["type": "object", "x-kubernetes-preserve-unknown-fields": true],
                    "tags": ["type": "array", "x-kubernetes-list-type": "set", "items": ["type": "string"]],
                ],
            ], "status": ["type": "object", "properties": ["replicas": ["type": "integer"], "selector": ["type": "string"]]],
        ],
    ]

    private static func definition(
        _ plural: String = "crontabs", kind: String = "CronTab", shortNames: Value = ["ct"], versions: Value? = nil
    ) -> Value {
        [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": ["name": .string("\(plural).stable.example.com")],
            "spec": [
                "group": "stable.example.com", "scope": "Namespaced",
                "names": ["plural": .string(plural), "kind": .string(kind), "shortNames": shortNames, "categories": ["all"]],
                "versions": versions ?? [
                    [
                        "name": "v1", "served": true, "storage": true, "schema": ["openAPIV3Schema": spec],
                        "additionalPrinterColumns": [["name": "Spec", "type": "string", "jsonPath": ".spec.cronSpec"]],
                        "subresources": [
                            "status": .emptyObject,
                            "scale": [
                                "specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas",
                                "labelSelectorPath": ".status.selector",
                            ],
                        ],
                    ]
                ],
            ],
        ]
    }

    private static func tab(_ name: String, _ spec: Value = ["cronSpec": "* * * * *"]) -> Value {
        ["apiVersion": "stable.example.com/v1", "kind": "CronTab", "metadata": ["name": .string(name)], "spec": spec]
    }

    /// With a server that follows its definitions; waits until the first of them is established.
    private func with(_ definition: Value, _ body: (TestServer) async throws -> Void) async throws {
        try await TestServer.with { server in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await server.server.run() }
                defer { group.cancelAll() }
                let made = await server.ask(.post, definitions, definition)
                try #require(made.code == 201, "\(made.text)")
                _ = try await condition(server, definition[path: "metadata", "name"].string ?? "", "Established")
                try await body(server)
            }
        }
    }

    /// The first line of `Fixtures/custom-objects.json` is a definition; each other has an object, the code that upstream answers, and
    /// what it says or what becomes of the specification.
    @Test func objectsAreJudgedAsUpstreamDoes() async throws {
        let lines = try fixture("custom-objects")
        let definition = try #require(lines.first)
        try await with(definition) { server in
            for line in lines.dropFirst() {
                let path = "/apis/cr.example.com/v1/namespaces/default/bigs?dryRun=All"
                let answer = await server.ask(.post, path, line["object"])
                let given = Comment(rawValue: String(decoding: JSON.encode(line["object"]), as: UTF8.self))
                #expect(answer.code == line["code"].int.map { Int($0) }, given)
                if let message = line["message"].string { #expect(answer.message == message, given) }
                if !line["spec"].isNull { #expect(answer.json["spec"] == line["spec"], given) }
            }
        }
    }

    /// The condition of a definition, as soon as it is there.
    private func condition(_ server: TestServer, _ name: String, _ type: String) async throws -> Value {
        let watch = try server.store.watch("apiextensions.k8s.io/customresourcedefinitions", after: server.store.revision)
        defer { watch.cancel() }
        while true {
            let conditions = await server.ask(.get, "\(definitions)/\(name)").json["status"]["conditions"].elements
            if let found = conditions.first(where: { $0["type"].string == type }) { return found }
            _ = try await watch.next()
        }
    }

    /// Returns when there is nothing at the path; what is served follows the store without telling anybody.
    private func gone(_ server: TestServer, _ path: String) async {
        while await server.ask(.get, path).code != 404 { await Task.yield() }
    }

    @Test func anObjectLivesItsLife() async throws {
        try await with(Self.definition()) { server in
            let made = await server.ask(.post, tabs, Self.tab("a"))
            #expect(made.code == 201, "\(made.text)")
            #expect(made.json["spec"]["image"] == "busybox")
            #expect(made.json["metadata"]["generation"] == 1)
            #expect(await server.ask(.get, "\(tabs)/a").body == made.body)
            let patched = await server.ask(.patch, "\(tabs)/a", ["spec": ["replicas": 3]], type: merge)
            #expect(patched.json["metadata"]["generation"] == 2)
            let status = await server.ask(.patch, "\(tabs)/a/status", ["status": ["replicas": 2, "selector": "app=a"]], type: merge)
            #expect(status.json["metadata"]["generation"] == 2)
            let scale = await server.ask(.get, "\(tabs)/a/scale").json
            #expect(scale["spec"]["replicas"] == 3)
            #expect(scale["status"] == ["replicas": 2, "selector": "app=a"])
            #expect(await server.ask(.patch, "\(tabs)/a/scale", ["spec": ["replicas": 5]], type: merge).json["spec"]["replicas"] == 5)
            #expect(await server.ask(.get, "\(tabs)/a").json["spec"]["replicas"] == 5)
            #expect(await server.ask(.put, "\(tabs)/a", Self.tab("a")).message.contains("metadata.resourceVersion: Invalid value"))
            let table = await server.ask(.get, tabs, accept: "application/json;as=Table;v=v1;g=meta.k8s.io").json
            #expect(table["columnDefinitions"].elements.compactMap { $0["name"].string } == ["Name", "Spec"])
            #expect(table["rows"][0]["cells"] == ["a", "* * * * *"])
            #expect(await server.ask(.delete, "\(tabs)/a").json["status"] == "Success")
        }
    }

    static let bad: [(Value, String)] = [
        (.emptyObject, "spec.cronSpec: Required value"),
        (["cronSpec": 1], #"spec.cronSpec: Invalid value: "integer": spec.cronSpec in body must be of type string: "integer""#),
        (["cronSpec": "*"], #"spec.cronSpec: Invalid value: "*": spec.cronSpec in body should be at least 3 chars long"#),
        (
            ["cronSpec": "***", "replicas": 0],
            "spec.replicas: Invalid value: 0: spec.replicas in body should be greater than or equal to 1"
        ),
        (
            ["cronSpec": "***", "replicas": 11],
            "spec.replicas: Invalid value: 11: spec.replicas in body should be less than or equal to 10"
        ),
        (["cronSpec": "***", "policy": "Maybe"], #"spec.policy: Unsupported value: "Maybe": supported values: "Allow", "Forbid""#),
        (
            ["cronSpec": "***", "port": true],
            #"spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean""#
        ),
        (["cronSpec": "***", "tags": ["a", "a"]], #"spec.tags[1]: Duplicate value: "a""#),
        ("text", #"spec: Invalid value: "string": spec in body must be of type object: "string""#),
    ]

    @Test(arguments: bad) func refusesInUpstreamsWords(_ spec: Value, _ words: String) async throws {
        try await with(Self.definition()) { server in
            let refused = await server.ask(.post, tabs, Self.tab("a", spec))
            #expect(refused.code == 422, "\(refused.text)")
            #expect(refused.message.contains(words), "\(refused.message)")
        }
    }

    @Test func whatTheSchemaDoesNotHaveIsTakenOut() async throws {
        try await with(Self.definition()) { server in
            var tab = Self.tab("a", ["cronSpec": "***", "unknown": 1, "free": ["any": ["thing": true]]])
            tab["more"] = 1
            let strict = await server.ask(.post, "\(tabs)?fieldValidation=Strict", tab)
            #expect(strict.code == 400)
            #expect(
                strict.message.contains(#"strict decoding error: unknown field "more", unknown field "spec.unknown""#), "\(strict.message)")
            let made = await server.ask(.post, tabs, tab)
            #expect(made.json["more"].isNull && made.json["spec"]["unknown"].isNull)
            #expect(made.json["spec"]["free"]["any"]["thing"] == true)
            #expect(made.headers[.init("Warning")!]?.contains("unknown field") == true)
        }
    }

    @Test func discoveryAndOpenAPISpeakOfIt() async throws {
        try await with(Self.definition()) { server in
            let resources = await server.ask(.get, "/apis/stable.example.com/v1").json["resources"].elements
            #expect(resources.compactMap { $0["name"].string } == ["crontabs", "crontabs/status", "crontabs/scale"])
            #expect(resources[0]["shortNames"] == ["ct"])
            let groups = await server.ask(.get, "/apis").json["groups"].elements
            #expect(groups.contains { $0["name"].string == "stable.example.com" && $0["preferredVersion"]["version"].string == "v1" })
            let document = await server.ask(.get, "/openapi/v3/apis/stable.example.com/v1").json
            let schema = document["components"]["schemas"]["com.example.stable.v1.CronTab"]
            #expect(schema["properties"]["spec"]["properties"]["replicas"]["maximum"] == 10)
            #expect(!document["paths"]["/apis/stable.example.com/v1/namespaces/{namespace}/crontabs"].isNull)
            await server.ask(.delete, "\(definitions)/crontabs.stable.example.com")
            await gone(server, "/apis/stable.example.com/v1")
        }
    }

    @Test func aChangedSchemaShowsAtOnceInWhatIsStored() async throws {
        func versions(_ defaults: [String: Value]) -> Value {
            let fields = ["a", "b"].map { ($0, defaults[$0].map { ["type": "string", "default": $0] } ?? ["type": "string"] as Value) }
            return [
                [
                    "name": "v1", "served": true, "storage": true,
                    "schema": ["openAPIV3Schema": ["type": "object", "properties": .object(.init(fields, uniquingKeysWith: { $1 }))]],
                ]
            ]
        }
        try await with(Self.definition(versions: versions(["a": "A"]))) { server in
            await server.ask(.post, tabs, Self.tab("t", .emptyObject))
            for (defaults, b) in [(["a": "A2"], Value.null), (["b": "B"], "B"), (["b": "B2"], "B2")] as [([String: Value], Value)] {
                let patch: Value = ["spec": ["versions": versions(defaults)]]
                #expect(await server.ask(.patch, "\(definitions)/crontabs.stable.example.com", patch, type: merge).code == 200)
                while await server.ask(.get, "\(tabs)/t").json["b"] != b { await Task.yield() }
                #expect(await server.ask(.get, "\(tabs)/t").json["a"] == "A")
            }
        }
    }

    @Test func whatMayHoldAnythingIsPublishedAsAnObjectAlone() async throws {
        let versions: Value = [
            [
                "name": "v1", "served": true, "storage": true,
                "schema": ["openAPIV3Schema": ["type": "object", "x-kubernetes-preserve-unknown-fields": true]],
            ]
        ]
        try await with(Self.definition(versions: versions)) { server in
            let second = await server.ask(.get, "/openapi/v2").json["definitions"]["com.example.stable.v1.CronTab"]
            #expect(second["properties"].isNull && second["type"] == "object")
            let third = await server.ask(.get, "/openapi/v3/apis/stable.example.com/v1").json
            let fields = third["components"]["schemas"]["com.example.stable.v1.CronTab"]["properties"]
            #expect(fields["apiVersion"]["description"].string?.hasPrefix("APIVersion defines") == true)
        }
    }

    @Test func aDefinitionThatGoesTakesItsObjectsAndWaitsForFinalizers() async throws {
        try await with(Self.definition()) { server in
            await server.ask(.post, tabs, Self.tab("a"))
            var held = Self.tab("b")
            held["metadata"]["finalizers"] = ["example.com/hold"]
            await server.ask(.post, tabs, held)
            await server.ask(.delete, "\(definitions)/crontabs.stable.example.com")
            await gone(server, "\(tabs)/a")
            #expect(await server.ask(.post, tabs, Self.tab("c")).code == 405)
            #expect(await server.ask(.get, "\(definitions)/crontabs.stable.example.com").code == 200)
            await server.ask(.patch, "\(tabs)/b", raw: Array(#"{"metadata":{"finalizers":null}}"#.utf8), type: merge)
            await gone(server, "\(definitions)/crontabs.stable.example.com")
        }
    }

    @Test func namesBelongToTheOlderDefinition() async throws {
        try await with(Self.definition()) { server in
            await server.ask(.post, definitions, Self.definition("cronthings", kind: "CronTab", shortNames: []))
            let condition = try await condition(server, "cronthings.stable.example.com", "NamesAccepted")
            #expect(condition["status"] == "False" && condition["reason"] == "ListKindConflict")
            #expect(condition["message"] == #""CronTabList" is already in use"#)
            #expect(await server.ask(.get, "/apis/stable.example.com/v1/cronthings").code == 404)
        }
    }

    @Test func versionsShowTheSameObject() async throws {
        func version(_ name: String, isStorage: Bool, _ field: String) -> Value {
            [
                "name": .string(name), "served": true, "storage": .bool(isStorage),
                "schema": [
                    "openAPIV3Schema": [
                        "type": "object",
                        "properties": ["spec": ["type": "object", "properties": [field: ["type": "string"], "both": ["type": "string"]]]],
                    ]
                ],
            ]
        }
        let versions: Value = [version("v1", isStorage: true, "one"), version("v1beta1", isStorage: false, "two")]
        try await with(Self.definition(versions: versions)) { server in
            var tab = Self.tab("a", ["both": "x", "one": "y"])
            await server.ask(.post, tabs, tab)
            let beta = await server.ask(.get, "/apis/stable.example.com/v1beta1/namespaces/default/crontabs/a").json
            #expect(beta["apiVersion"] == "stable.example.com/v1beta1", "\(beta)")
            #expect(beta["spec"] == ["both": "x"])
            tab["apiVersion"] = "stable.example.com/v1beta1"
            tab["metadata"]["name"] = "b"
            #expect(await server.ask(.post, "/apis/stable.example.com/v1beta1/namespaces/default/crontabs", tab).code == 201)
            #expect(await server.ask(.get, "\(tabs)/b").json["apiVersion"] == "stable.example.com/v1")
            #expect(await server.ask(.get, tabs).json["items"].elements.count == 2)
        }
    }

    private static func ruled(_ rules: Value) -> Value {
        [
            [
                "name": "v1", "served": true, "storage": true,
                "schema": [
                    "openAPIV3Schema": [
                        "type": "object",
                        "properties": [
                            "spec": [
                                "type": "object", "x-kubernetes-validations": rules,
                                "properties": [
                                    "low": ["type": "integer"], "high": ["type": "integer"],
                                    "code": ["type": "string", "maxLength": 10, "pattern": "^[a-z]+$"],
                                ],
                            ]
                        ],
                    ]
                ],
            ]
        ]
    }

    @Test func rulesJudgeAnObjectAndItsChange() async throws {
        let rules: Value = [
            ["rule": "!has(self.low) || self.low <= self.high", "messageExpression": "'not with ' + self.code"],
            ["rule": "self.code == oldSelf.code", "message": "code is for ever", "fieldPath": ".code", "reason": "FieldValueForbidden"],
        ]
        try await with(Self.definition(versions: Self.ruled(rules))) { server in
            let refused = await server.ask(.post, tabs, Self.tab("a", ["low": 3, "high": 2, "code": "x"]))
            #expect(refused.message.hasSuffix(#"spec: Invalid value: "object": not with x"#), "\(refused.message)")
            let pattern = await server.ask(.post, tabs, Self.tab("a", ["code": "X1"]))
            #expect(pattern.message.contains("spec.code in body should match '^[a-z]+$'"), "\(pattern.message)")
            #expect(await server.ask(.post, tabs, Self.tab("a", ["low": 1, "high": 2, "code": "x"])).code == 201)
            let changed = await server.ask(.patch, "\(tabs)/a", ["spec": ["code": "y"]], type: merge)
            #expect(changed.message.hasSuffix("spec.code: Forbidden: code is for ever"), "\(changed.message)")
        }
    }

    @Test func refusesMessagesWhoseLengthNobodyKnows() async throws {
        try await TestServer.with { server in
            let dear: Value = ["rule": "true", "messageExpression": "'low is ' + string(self.low)"]
            let refused = await server.ask(.post, definitions, Self.definition(versions: Self.ruled([dear])))
            let words = "x-kubernetes-validations[0].messageExpression: Forbidden: estimated messageExpression cost exceeds budget"
            #expect(refused.code == 422 && refused.message.contains(words), "\(refused.message)")
        }
    }

    static let badRules: [(Value, String)] = [
        (["rule": "self.nope > 1"], "compilation failed: ERROR: <input>:1:5: undefined field 'nope'"),
        (["rule": "self.low +"], "compilation failed: ERROR: <input>:1:"),
        (["rule": "self.low"], "cel expression must evaluate to a bool"),
    ]

    @Test(arguments: badRules) func refusesRulesThatDoNotCompile(_ rule: Value, _ words: String) async throws {
        try await TestServer.with { server in
            let refused = await server.ask(.post, definitions, Self.definition(versions: Self.ruled([rule])))
            #expect(refused.code == 422)
            #expect(refused.message.contains("x-kubernetes-validations[0].rule: Invalid value"), "\(refused.message)")
            #expect(refused.message.contains(words), "\(refused.message)")
        }
    }

    static let unstructural: [(Value, String)] = [
        (.emptyObject, "spec.validation.openAPIV3Schema.type: Required value: must not be empty at the root"),
        (["type": "string"], #"spec.validation.openAPIV3Schema.type: Invalid value: "string": must be object at the root"#),
        (
            ["type": "object", "properties": ["spec": ["description": "no type"]]],
            "spec.validation.openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified object fields"
        ),
        (
            ["type": "object", "properties": ["spec": ["type": "array"]]],
            "spec.validation.openAPIV3Schema.properties[spec].items: Required value: must be specified"
        ),
        (
            ["type": "object", "properties": ["spec": ["type": "object", "oneOf": [["type": "object", "default": .emptyObject]]]]],
            "oneOf[0].type: Forbidden: must be empty to be structural"
        ),
    ]

    @Test(arguments: unstructural) func refusesWhatIsNotStructural(_ schema: Value, _ words: String) async throws {
        try await TestServer.with { server in
            let versions: Value = [["name": "v1", "served": true, "storage": true, "schema": ["openAPIV3Schema": schema]]]
            let refused = await server.ask(.post, definitions, Self.definition(versions: versions))
            #expect(refused.code == 422)
            #expect(refused.message.contains(words), "\(refused.message)")
        }
    }
}
