import APIModel
import HTTPTypes
import OrderedCollections
import Testing

@testable import APIServer

/// ValidatingAdmissionPolicies and MutatingAdmissionPolicies at work.
@Suite(.timeLimit(.minutes(2))) struct PolicyTests {
    private let maps = "/api/v1/namespaces/default/configmaps"
    private let deployments = "/apis/apps/v1/namespaces/default/deployments"
    private let registration = "/apis/admissionregistration.k8s.io/v1"

    private static func rules(_ group: String, _ resource: String) -> Value {
        [
            "resourceRules": [
                [
                    "operations": ["CREATE", "UPDATE"], "apiGroups": [.string(group)], "apiVersions": ["v1"],
                    "resources": [.string(resource)],
                ]
            ]
        ]
    }

    /// With one policy and one binding of it.
    private func with(
        _ spec: Value, kind: String = "validating", binding: Value = ["validationActions": ["Deny"]], resource: String = "deployments",
        _ body: (TestServer) async throws -> Void
    ) async throws {
        try await TestServer.with { server in
            await server.ask(.post, "/api/v1/namespaces/default/serviceaccounts", ["metadata": ["name": "default"]])
            var spec = spec
            if spec["matchConstraints"].isNull {
                spec["matchConstraints"] = Self.rules(resource == "deployments" ? "apps" : "", resource)
            }
            let made = await server.ask(
                .post, "\(registration)/\(kind)admissionpolicies", ["metadata": ["name": "p"], "spec": spec])
            #expect(made.code == 201, "\(made.message)")
            var binding = binding
            binding["policyName"] = "p"
            if kind == "mutating" { binding["validationActions"] = .null }
            let bound = await server.ask(
                .post, "\(registration)/\(kind)admissionpolicybindings", ["metadata": ["name": "b"], "spec": binding])
            #expect(bound.code == 201, "\(bound.message)")
            try await body(server)
        }
    }

    @Test func aCheckThatDoesNotHoldRefuses() async throws {
        try await with([
            "validations": [
                ["expression": "object.spec.replicas <= 5", "messageExpression": "'too many: ' + string(object.spec.replicas)"]
            ]
        ]) { server in
            #expect(await server.ask(.post, deployments, TestServer.deployment("d", replicas: 5)).code == 201)
            let refused = await server.ask(.post, deployments, TestServer.deployment("e", replicas: 6))
            #expect(refused.code == 422)
            #expect(refused.reason == "Invalid")
            let message = "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: too many: 6"
            #expect(refused.message == "deployments.apps \"e\" is forbidden: \(message)")
            #expect(refused.json["details"]["causes"] == [["message": .string(message)]])
        }
    }

    @Test func variablesConditionsAndNamespacesAreKnown() async throws {
        try await with([
            "variables": [
                ["name": "replicas", "expression": "object.spec.replicas"],
                ["name": "isMany", "expression": "variables.replicas > 3"],
            ], "matchConditions": [["name": "not-system", "expression": "!request.userInfo.username.startsWith('system:')"]],
            "validations": [
                [
                    "expression":
                        "!variables.isMany || namespaceObject.metadata.name != 'default' || authorizer.group('').resource('secrets').check('get').allowed() == false || authorizer.requestResource.check('delete').errored()",
                    "message": "no", "reason": "Forbidden",
                ]
            ],
        ]) { server in
            #expect(await server.ask(.post, deployments, TestServer.deployment("d", replicas: 3)).code == 201)
            let refused = await server.ask(.post, deployments, TestServer.deployment("e", replicas: 4))
            #expect(refused.code == 403, "\(refused.message)")
            #expect(refused.message.hasSuffix("denied request: no"))
        }
    }

    @Test func parametersComeByNameAndBySelector() async throws {
        let spec: Value = [
            "paramKind": ["apiVersion": "v1", "kind": "ConfigMap"],
            "validations": [["expression": "object.spec.replicas <= int(params.data.most)", "message": "above the most"]],
        ]
        try await with(
            spec, binding: ["validationActions": ["Deny"], "paramRef": ["name": "limits", "parameterNotFoundAction": "Deny"]]
        ) { server in
            let missing = await server.ask(.post, deployments, TestServer.deployment("d"))
            #expect(
                missing.message.hasSuffix(
                    "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"),
                "\(missing.message)")
            await server.ask(.post, maps, TestServer.configMap("limits", data: ["most": "2"]))
            #expect(await server.ask(.post, deployments, TestServer.deployment("d", replicas: 2)).code == 201)
            #expect(await server.ask(.post, deployments, TestServer.deployment("e", replicas: 3)).code == 422)
        }
        try await with(
            spec,
            binding: [
                "validationActions": ["Deny"],
                "paramRef": ["selector": ["matchLabels": ["limits": "yes"]], "parameterNotFoundAction": "Allow"],
            ]
        ) { server in
            #expect(await server.ask(.post, deployments, TestServer.deployment("d", replicas: 9)).code == 201)
            await server.ask(.post, maps, TestServer.configMap("a", labels: ["limits": "yes"], data: ["most": "5"]))
            await server.ask(.post, maps, TestServer.configMap("b", labels: ["limits": "yes"], data: ["most": "2"]))
            #expect(await server.ask(.post, deployments, TestServer.deployment("e", replicas: 3)).code == 422)
            #expect(await server.ask(.post, deployments, TestServer.deployment("f", replicas: 2)).code == 201)
        }
    }

    @Test func aWarningLetsThrough() async throws {
        try await with(
            ["validations": [["expression": "object.spec.replicas <= 1"]]], binding: ["validationActions": ["Warn", "Audit"]]
        ) { server in
            let made = await server.ask(.post, deployments, TestServer.deployment("d", replicas: 2))
            #expect(made.code == 201)
            #expect(
                made.warnings.contains(
                    "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': failed expression: object.spec.replicas <= 1"))
        }
    }

    @Test func whatHasNoValueFailsAsThePolicySays() async throws {
        for (policy, code) in [("Fail", 422), ("Ignore", 201)] {
            try await with([
                "failurePolicy": .string(policy), "validations": [["expression": "object.spec.nothing > 1"]],
            ]) { server in
                let answer = await server.ask(.post, deployments, TestServer.deployment("d"))
                #expect(answer.code == code)
                if code == 422 {
                    #expect(
                        answer.message.hasSuffix("expression 'object.spec.nothing > 1' resulted in error: no such key: nothing"),
                        "\(answer.message)")
                }
            }
        }
    }

    @Test func whatCostsTooMuchIsStopped() async throws {
        let loop = "object.data.all(a, object.data.all(b, object.data.all(c, object.data.all(d, a + b + c + d != ''))))"
        try await with(["validations": [["expression": .string(loop)]]], resource: "configmaps") { server in
            let data = Value.object(Value.Fields(uniqueKeysWithValues: (0..<60).map { ("k\($0)", .string("v")) }))
            let answer = await server.ask(.post, maps, TestServer.configMap("m", data: data))
            #expect(answer.code == 422)
            #expect(answer.message.contains("cost limit exceeded"), "\(answer.message)")
        }
    }

    @Test func mistakesOfTypeAreWarnedOfInTheStatus() async throws {
        try await with(["validations": [["expression": "object.replicas > 1"]]]) { server in
            let status = await server.ask(.get, "\(registration)/validatingadmissionpolicies/p").json["status"]
            #expect(status["observedGeneration"] == 1)
            let warning = status["typeChecking"]["expressionWarnings"][0]
            #expect(warning["fieldRef"] == "spec.validations[0].expression")
            let text = warning["warning"].string ?? ""
            #expect(text.hasPrefix("apps/v1, Kind=Deployment: "), "\(text)")
            #expect(text.contains("undefined field 'replicas'"), "\(text)")
            await server.ask(
                .patch, "\(registration)/validatingadmissionpolicies/p",
                ["spec": ["validations": [["expression": "object.spec.replicas > 1"]]]], type: "application/merge-patch+json")
            let mended = await server.ask(.get, "\(registration)/validatingadmissionpolicies/p").json
            #expect(mended["metadata"]["generation"] == 2)
            #expect(mended["status"]["observedGeneration"] == 2)
            #expect(mended["status"]["typeChecking"]["expressionWarnings"].isNull)
        }
    }

    @Test(
        arguments: [
            (["validations": [["expression": "1 +"]]], "spec.validations[0].expression", "compilation failed: ERROR"),
            (["validations": [["expression": "1"]]], "spec.validations[0].expression", "must evaluate to bool but got int"),
            (["validations": [["expression": "params.x"]]], "spec.validations[0].expression", "undeclared reference to 'params'"),
            (
                ["validations": [["expression": "true", "message": "a\nb"]]], "spec.validations[0].message", "must not contain line breaks"
            ), (["validations": []], "spec.validations", "validations or auditAnnotations must contain at least one item"),
            (
                ["variables": [["name": "in", "expression": "1"]], "validations": [["expression": "true"]]], "spec.variables[0].name",
                "must be a valid CEL identifier"
            ),
            (
                ["validations": [["expression": "true", "messageExpression": "1"]]], "spec.validations[0].messageExpression",
                "must evaluate to string but got int"
            ),
        ] as [(Value, String, String)])
    func mistakesInPoliciesAreRefused(_ spec: Value, _ field: String, _ message: String) async throws {
        try await TestServer.with { server in
            var spec = spec
            spec["matchConstraints"] = Self.rules("apps", "deployments")
            let answer = await server.ask(
                .post, "\(registration)/validatingadmissionpolicies", ["metadata": ["name": "p"], "spec": spec])
            #expect(answer.code == 422)
            let causes = answer.json["details"]["causes"].elements
            #expect(
                causes.contains { $0["field"].string == field && $0["message"].string?.contains(message) == true }, "\(answer.message)")
        }
    }

    // MARK: Mutating

    @Test func aPolicyAppliesAConfiguration() async throws {
        try await with(
            [
                "reinvocationPolicy": "Never",
                "mutations": [
                    [
                        "patchType": "ApplyConfiguration",
                        "applyConfiguration": [
                            "expression": """
                            Object{
                              metadata: Object.metadata{labels: {"made": "by-policy"}},
                              spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{
                                containers: [Object.spec.template.spec.containers{name: "side", image: "pause"}]}}}
                            }
                            """
                        ],
                    ]
                ],
            ], kind: "mutating"
        ) { server in
            let made = await server.ask(.post, deployments, TestServer.deployment("d")).json
            #expect(made["metadata"]["labels"] == ["made": "by-policy"])
            let containers = made["spec"]["template"]["spec"]["containers"].elements
            #expect(containers.map { $0["name"].string } == ["c", "side"])
            // What was added has its defaults.
            #expect(containers.last?["imagePullPolicy"] == "Always")
        }
    }

    @Test func aPolicyPatches() async throws {
        try await with(
            [
                "reinvocationPolicy": "IfNeeded", "matchConditions": [["name": "unpatched", "expression": "!has(object.data.patched)"]],
                "mutations": [
                    [
                        "patchType": "JSONPatch",
                        "jsonPatch": [
                            "expression":
                                "[JSONPatch{op: 'add', path: '/data/patched', value: 'yes'}, JSONPatch{op: 'add', path: '/metadata/annotations', value: {'a.b/' + 'c': object.metadata.name}}]"
                        ],
                    ]
                ],
            ], kind: "mutating", resource: "configmaps"
        ) { server in
            let made = await server.ask(.post, maps, TestServer.configMap("m")).json
            #expect(made["data"] == ["a": "b", "patched": "yes"])
            #expect(made["metadata"]["annotations"] == ["a.b/c": "m"])
        }
    }

    @Test func anAtomicListMayNotBeTakenOver() async throws {
        try await with(
            [
                "reinvocationPolicy": "Never",
                "mutations": [
                    [
                        "patchType": "ApplyConfiguration",
                        "applyConfiguration": [
                            "expression":
                                "Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{containers: [Object.spec.template.spec.containers{name: 'c', args: ['x']}]}}}}"
                        ],
                    ]
                ],
            ], kind: "mutating"
        ) { server in
            let refused = await server.ask(.post, deployments, TestServer.deployment("d"))
            #expect(refused.code == 403)
            #expect(refused.reason == "Invalid")
            #expect(
                refused.message.hasPrefix(
                    "policy 'p' with binding 'b' denied request: error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.template.spec.containers"
                ), "\(refused.message)")
        }
    }
}
