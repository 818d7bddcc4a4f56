import APIModel
import HTTPTypes
import Testing

@testable import APIServer

/// Writes that are not what they should be, each with upstream's code, reason and words.
@Suite struct WrongWriteTests {
    private static let space = "/api/v1/namespaces/default"
    private static let map = "\(space)/configmaps/m"
    private static let merge = "application/merge-patch+json"
    private static let strategic = "application/strategic-merge-patch+json"
    private static let operations = "application/json-patch+json"
    private static let apply = "application/apply-patch+yaml"
    private static let rejected = "the server rejected our request due to an error in our request"

    private typealias Row = (method: HTTPRequest.Method, path: String, type: String, body: String, code: Int, message: String)

    private func check(_ server: TestServer, _ rows: [Row]) async {
        for row in rows {
            let answer = await server.ask(row.method, row.path, raw: Array(row.body.utf8), type: row.type)
            #expect(answer.code == row.code, "\(row.path) \(row.body)")
            #expect(answer.message.hasPrefix(row.message), "\(row.body): \(answer.message)")
            // What upstream takes for a fault of its own has no reason.
            if row.code == 500 { #expect(answer.json["reason"].isNull, "\(row.body)") }
        }
    }

    @Test func patchesOfEachKind() async throws {
        let map = Self.map
        let pod = "\(Self.space)/pods/p?dryRun=All"
        let rows: [Row] = [
            (.patch, map, Self.operations, #"[{"op":"x","path":"/a"}]"#, 422, Self.rejected),
            (.patch, map, Self.operations, "null", 200, ""), (.patch, map, Self.operations, #"[{"op":"add","path":"/data/q"}]"#, 200, ""),
            (.patch, map, Self.merge, "[]", 400, "error decoding patch: json: cannot unmarshal array into Go value of type map[string]int"),
            (.patch, map, Self.merge, "null", 400, "Invalid JSON Patch"),
            (.patch, map, Self.merge, #"{"data":[]}"#, 422, #" "" is invalid: patch: Invalid value: "{\"apiVersion\":\"v1\",\"data\":[],"#),
            (
                .patch, map, Self.merge, #"{"metadata":{"resourceVersion":"x"}}"#, 500,
                #"strconv.ParseUint: parsing "x": invalid syntax"#
            ),
            (
                .patch, map, Self.merge, #"{"metadata":{"deletionTimestamp":"2020-01-01T00:00:00Z"}}"#, 422,
                #"ConfigMap "m" is invalid: metadata.deletionTimestamp: Invalid value: "2020-01-01T00:00:00Z": field is immutable"#
            ),
            (.patch, map, Self.strategic, "[", 400, "unexpected end of JSON input"),
            (.patch, map, Self.strategic, "[]", 400, "json: cannot unmarshal array into Go value of type map[string]interface {}"),
            (.patch, map, Self.strategic, #"{"data":{"$patch":"x"}}"#, 500, "unknown patch type: x in map: map[$patch:x]"),
            (.patch, map, Self.strategic, #"{"data":1}"#, 422, #" "" is invalid: patch: Invalid value: "map[data:1]": "#),
            (
                .patch, pod, Self.strategic, #"{"spec":{"containers":[{"image":"x"}]}}"#, 500,
                "map: map[image:x] does not contain declared merge key: name"
            ),
            (
                .patch, pod, Self.strategic,
                #"{"spec":{"$setElementOrder/containers":[{"name":"z"}],"containers":[{"name":"c","image":"j"}]}}"#,
                500, "The order in patch list:\n[map[image:j name:c]]\n doesn't match $setElementOrder list:\n[map[name:z]]\n"
            ),
            (.patch, pod, Self.strategic, #"{"spec":{"containers":[1]}}"#, 500, "list element types are not identical: [[map["),
            (
                .patch, "\(map)?fieldManager=f", Self.apply, "[]", 400,
                "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type"
            ),
            (
                .patch, "\(map)?fieldManager=f", Self.apply, #"{"apiVersion":"v1","kind":"ConfigMap"}"#, 400,
                "the name of the object (m based on URL) was undeterminable: name must be provided"
            ),
            (
                .patch, "\(map)?fieldManager=f", Self.apply, #"{"apiVersion":"v1","metadata":{"name":"m"}}"#, 400,
                "invalid object type: /v1, Kind="
            ),
        ]
        try await TestServer.with { server in
            await server.ask(.post, "\(Self.space)/configmaps", TestServer.configMap("m"))
            await server.ask(.post, "\(Self.space)/serviceaccounts", ["metadata": ["name": "default"]])
            await server.ask(
                .post, "\(Self.space)/pods", ["metadata": ["name": "p"], "spec": ["containers": [["name": "c", "image": "i"]]]])
            await check(server, rows)
        }
    }

    @Test func bodiesOfWrites() async throws {
        let json = "application/json"
        let binding = "\(Self.space)/pods/p/binding?dryRun=All"
        let nobody = "name in URL does not match name in Binding object"
        let rows: [Row] = [
            (
                .post, "\(Self.space)/configmaps", json, #"{"metadata":{"name":"x","resourceVersion":"5"}}"#, 500,
                "resourceVersion should not be set on objects to be created"
            ),
            (
                .post, "\(Self.space)/configmaps", json, #"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"x"}}"#, 400,
                #"Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion"#
            ),
            (.delete, Self.map, json, "[]", 400, "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value"),
            (
                .delete, Self.map, json, #"{"apiVersion":"v1","kind":"ConfigMap"}"#, 400,
                #"no kind "ConfigMap" is registered for version "v1""#
            ),
            (.post, binding, json, "{}", 400, nobody),
            (.post, binding, json, #"{"metadata":{"name":"q"},"target":{"name":"n"}}"#, 400, nobody),
            (.post, binding, json, #"{"metadata":{"name":"p"},"target":{}}"#, 500, "target.name: Required value"),
            (
                .post, binding, json, #"{"metadata":{"name":"p"},"target":{"kind":"Pod","name":"n"}}"#, 500,
                #"target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>""#
            ),
            (
                .post, binding, json, #"{"metadata":{"name":"p","resourceVersion":"1"},"target":{"name":"n"}}"#, 409,
                #"Operation cannot be fulfilled on pods "p": Precondition failed: ResourceVersion in precondition: 1"#
            ),
        ]
        try await TestServer.with { server in
            await server.ask(.post, "\(Self.space)/configmaps", TestServer.configMap("m"))
            await server.ask(.post, "\(Self.space)/serviceaccounts", ["metadata": ["name": "default"]])
            await server.ask(
                .post, "\(Self.space)/pods", ["metadata": ["name": "p"], "spec": ["containers": [["name": "c", "image": "i"]]]])
            await check(server, rows)
        }
    }

    @Test func scalesAndEvictionsAndDeletions() async throws {
        let (json, deployment, evictions) = (
            "application/json", "/apis/apps/v1/namespaces/default/deployments/d", "\(Self.space)/pods/p/eviction"
        )
        let scale = "\(deployment)/scale?dryRun=All"
        let rows: [Row] = [
            (.put, scale, json, "{}", 400, "the name of the object (d based on URL) was undeterminable: name must be provided"),
            (
                .put, scale, json, #"{"metadata":{"name":"d","namespace":"x"}}"#, 400,
                "the namespace of the provided object does not match the namespace sent on the request"
            ),
            (
                .put, scale, json, #"{"metadata":{"name":"d","uid":"z"}}"#, 409,
                #"Operation cannot be fulfilled on deployments.apps "d": Precondition failed: UID in precondition: z"#
            ),
            (
                .put, scale, json, #"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"}}"#, 400,
                #"Deployment in version "v1" cannot be handled as a Scale: converting (v1.Deployment) to (autoscaling.Scale): unknown conversion"#
            ),
            (
                .patch, deployment, Self.merge, #"{"metadata":{"uid":"y"}}"#, 422,
                #"Deployment.apps "d" is invalid: metadata.uid: Invalid value: "y": field is immutable"#
            ),
            (
                .patch, "\(Self.map)?fieldValidation=Strict", Self.strategic, #"{"x":1}"#, 422,
                #" "" is invalid: patch: Invalid value: "map[x:1]": strict decoding error: unknown field "x""#
            ),
            (
                .post, "\(evictions)?dryRun=All", json, #"{"metadata":{"name":"p"},"deleteOptions":{"dryRun":["X"]}}"#, 500,
                "Non-matching dry-run options in request and content: [All] and [X]"
            ),
            (
                .post, "\(evictions)?dryRun=All", json,
                #"{"apiVersion":"policy/v1beta1","kind":"Eviction","metadata":{"name":"p"}}"#, 201, ""
            ),
            (
                .delete, Self.map, json, #"{"preconditions":{"uid":"abc"}}"#, 409,
                #"Operation cannot be fulfilled on ConfigMap "m": the UID in the precondition (abc) does not match the UID in record ("#
            ),
            (.post, "\(Self.space)/pods", json, "{}", 422, #"Pod "" is invalid: [metadata.name: Required value: name or generateName"#),
            (.post, "/api/v1/namespaces/none/pods", json, "{}", 404, #"namespaces "none" not found"#),
        ]
        try await TestServer.with { server in
            await server.ask(.post, "\(Self.space)/configmaps", TestServer.configMap("m"))
            await server.ask(.post, "\(Self.space)/serviceaccounts", ["metadata": ["name": "default"]])
            let template: Value = ["metadata": ["labels": ["a": "b"]], "spec": ["containers": [["name": "c", "image": "i"]]]]
            await server.ask(
                .post, "/apis/apps/v1/namespaces/default/deployments",
                ["metadata": ["name": "d"], "spec": ["selector": ["matchLabels": ["a": "b"]], "template": template]])
            await server.ask(.post, "\(Self.space)/pods", ["metadata": ["name": "p"], "spec": template["spec"]])
            await check(server, rows)
            let annotated = await server.ask(
                .patch, deployment, raw: Array(#"{"metadata":{"annotations":{"a":"b"}}}"#.utf8), type: Self.merge)
            #expect(annotated.json[path: "metadata", "generation"] == 2)
            let gone = await server.ask(.delete, "\(Self.space)/pods/p").json
            #expect(gone[path: "metadata", "deletionGracePeriodSeconds"] == 0 && !gone[path: "metadata", "deletionTimestamp"].isNull)
        }
    }

    @Test func questionsAboutAccess() async throws {
        let (reviews, json) = ("/apis/authorization.k8s.io/v1", "application/json")
        let local = "\(reviews)/namespaces/default/localsubjectaccessreviews"
        let resource = #""resourceAttributes":{"namespace":"default","verb":"get","resource":"pods""#
        let one = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        let invalid = #".authorization.k8s.io "" is invalid: "#
        let rows: [Row] = [
            (
                .post, "\(reviews)/selfsubjectaccessreviews", json, #"{"spec":{}}"#, 422,
                "\(invalid)spec.resourceAttributes: Invalid value: null: \(one)"
            ),
            (
                .post, "\(reviews)/subjectaccessreviews", json, #"{"spec":{}}"#, 422,
                "\(invalid)[spec.resourceAttributes: Invalid value: null: \(one), spec.user: Invalid value: \"\": at least one of"
            ),
            (
                .post, "\(reviews)/subjectaccessreviews", json,
                #"{"spec":{"user":"u",\#(resource)},"nonResourceAttributes":{"path":"/"}}}"#,
                422,
                "\(invalid)spec.nonResourceAttributes: Invalid value: {\"Path\":\"/\",\"Verb\":\"\"}: cannot be specified in combination"
            ),
            (
                .post, "\(reviews)/subjectaccessreviews", json, #"{"metadata":{"name":"x"},"spec":{"user":"u",\#(resource)}}}"#, 422,
                "\(invalid)metadata: Invalid value: "
            ),
            (
                .post, "\(reviews)/selfsubjectaccessreviews", json, #"{"spec":{\#(resource),"labelSelector":{}}}}"#, 422,
                "\(invalid)spec.resourceAttributes.labelSelector.requirements: Required value: when spec.resourceAttributes.labelSelector"
            ),
            (
                .post, "\(reviews)/selfsubjectaccessreviews", json,
                #"{"spec":{\#(resource),"fieldSelector":{"rawSelector":"a=b","requirements":[{"key":"a","operator":"Exists"}]}}}}"#, 422,
                "\(invalid)spec.resourceAttributes.fieldSelector.rawSelector: Invalid value: \"a=b\": may not specified at the same time"
            ),
            (
                .post, local, json, #"{"metadata":{"namespace":"x"},"spec":{"user":"u",\#(resource)}}}"#, 400,
                "the namespace of the provided object does not match the namespace sent on the request"
            ),
            (
                .post, local, json, #"{"spec":{"user":"u","nonResourceAttributes":{"path":"/","verb":"get"}}}"#, 422,
                "\(invalid)spec.nonResourceAttributes: Invalid value: {\"Path\":\"/\",\"Verb\":\"get\"}: disallowed on this kind of request"
            ),
            (.post, local, json, #"{"spec":{"user":"u",\#(resource)}}}"#, 201, ""),
        ]
        try await TestServer.with { server in
            await check(server, rows)
            let told = await server.ask(.post, "\(reviews)/selfsubjectrulesreviews", ["spec": ["namespace": "default"]]).json
            #expect(told["spec"] == .emptyObject && told["metadata"] == .emptyObject)
            let token = await server.ask(.post, "/apis/authentication.k8s.io/v1/tokenreviews", ["spec": ["token": "nobody's"]]).json
            #expect(token[path: "status", "error"] == "invalid bearer token")
        }
    }

    @Test func rulesOfDefinitions() async throws {
        let budget =
            "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x"
        func rule(_ rule: String, _ more: String = "") -> String { #""x-kubernetes-validations":[{"rule":"\#(rule)"\#(more)}]"# }
        let rows: [(field: String, cause: String, message: String)] = [
            (
                #""type":"object","properties":{"b":{"type":"string"}},\#(rule("true", #","fieldPath":".z""#))"#,
                "x-kubernetes-validations[0].fieldPath", #"Invalid value: ".z": must be a valid path"#
            ),
            (
                #""type":"string",\#(rule("self == 'x'", #","optionalOldSelf":true"#))"#, "x-kubernetes-validations[0].optionalOldSelf",
                "Invalid value: true: may not be set if oldSelf is not used in rule"
            ),
            (
                #""type":"string",\#(rule("self > 1"))"#, "x-kubernetes-validations[0].rule",
                #"Invalid value: {"Rule":"self \u003e 1","Message":""#
            ),
            (
                #""type":"array","items":{"type":"string",\#(rule("self.matches('a*b*')"))}"#, "items.x-kubernetes-validations[0].rule",
                "Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"
            ),
            (
                #""type":"array","items":{"type":"string",\#(rule("self.matches('a*b*')"))}"#, "",
                "Forbidden: \(budget)"
            ),
        ]
        let group = "rules.example.com"
        try await TestServer.with { server in
            for row in rows {
                let schema = #"{"openAPIV3Schema":{"type":"object","properties":{"a":{\#(row.field)}}}}"#
                let version = #"{"name":"v1","served":true,"storage":true,"schema":\#(schema)}"#
                let names = #"{"plural":"foos","kind":"Foo"}"#
                let spec = #"{"group":"\#(group)","scope":"Cluster","names":\#(names),"versions":[\#(version)]}"#
                let body = #"{"metadata":{"name":"foos.\#(group)"},"spec":\#(spec)}"#
                let answer = await server.ask(
                    .post, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions?dryRun=All", raw: Array(body.utf8))
                let field = "spec.validation.openAPIV3Schema" + (row.cause.isEmpty ? "" : ".properties[a].\(row.cause)")
                let causes = answer.json[path: "details", "causes"].elements.filter { $0["field"].string == field }
                #expect(causes.contains { $0["message"].string?.hasPrefix(row.message) == true }, "\(row): \(answer.message)")
            }
        }
    }

    @Test func anAutoscalerScalesBySomePolicy() async throws {
        let target: Value = ["apiVersion": "apps/v1", "kind": "Deployment", "name": "d"]
        try await TestServer.with { server in
            for (rules, code) in [(["policies": []], 422), (["selectPolicy": "Disabled"], 201)] as [(Value, Int)] {
                let scaler: Value = [
                    "metadata": ["name": "h"],
                    "spec": ["maxReplicas": 3, "scaleTargetRef": target, "behavior": ["scaleUp": rules]],
                ]
                let answer = await server.ask(
                    .post, "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers?dryRun=All", scaler)
                #expect(answer.code == code, "\(answer.text)")
                if code == 422 {
                    #expect(answer.message.hasSuffix("spec.behavior.scaleUp.policies: Required value: must specify at least one Policy"))
                }
            }
        }
    }
}
