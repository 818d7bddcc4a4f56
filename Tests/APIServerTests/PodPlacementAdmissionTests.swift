import APIModel
import HTTPTypes
import OrderedCollections
import Testing

@testable import APIServer

/// What namespaces make of where their pods may run: `PodNodeSelector` and `PodTolerationRestriction`.
@Suite struct PodPlacementAdmissionTests {
    private static let configuration = """
        apiVersion: apiserver.config.k8s.io/v1
        kind: AdmissionConfiguration
        plugins:
        - name: PodNodeSelector
          configuration:
            podNodeSelectorPluginConfig:
              clusterDefaultNodeSelector: pool=shared
              limited: pool=shared,zone=z1
        - name: PodTolerationRestriction
          configuration:
            apiVersion: podtolerationrestriction.admission.k8s.io/v1alpha1
            kind: Configuration
            default: [{key: common, operator: Exists}]
            whitelist: [{key: common, operator: Exists}, {key: team, operator: Equal, value: a}, {key: node.kubernetes.io/memory-pressure, operator: Exists}]
        """

    private static let defaults = "scheduler.alpha.kubernetes.io/defaultTolerations"
    private static let allowed = "scheduler.alpha.kubernetes.io/tolerationsWhitelist"
    private static let selector = "scheduler.alpha.kubernetes.io/node-selector"

    /// A server with namespaces of those names and annotations.
    private func with(_ plugin: String, _ namespaces: [String: Value], _ body: (TestServer) async throws -> Void) async throws {
        let configuration = try AdmissionConfiguration(Self.configuration) { _ in "" }
        let plugins = try AdmissionPlugins(
            enable: [plugin], disable: ["ServiceAccount", "DefaultTolerationSeconds"], configuration: configuration)
        try await TestServer.with {
            $0.admission = plugins
        } _: { server in
            for (name, annotations) in namespaces {
                let namespace: Value = ["metadata": ["name": .string(name), "annotations": annotations]]
                try #require(await server.ask(.post, "/api/v1/namespaces", namespace).code == 201)
            }
            try await body(server)
        }
    }

    @Test func namespacesChooseNodes() async throws {
        let namespaces: [String: Value] = [
            "plain": .null, "chosen": [Self.selector: "pool=gpu, zone=z2"], "any": [Self.selector: ""], "limited": .null,
            "wrong": [Self.selector: "pool"],
        ]
        let cases: [(namespace: String, asked: Value, got: Value?, refusal: String)] = [
            ("plain", .null, ["pool": "shared"], ""),
            ("plain", ["disk": "ssd"], ["disk": "ssd", "pool": "shared"], ""),
            (
                "plain", ["pool": "gpu"], nil,
                "pods \"p\" is forbidden: pod node label selector conflicts with its namespace node label selector"
            ),
            ("chosen", .null, ["pool": "gpu", "zone": "z2"], ""),
            ("chosen", ["pool": "gpu"], ["pool": "gpu", "zone": "z2"], ""),
            (
                "chosen", ["zone": "z1"], nil,
                "pods \"p\" is forbidden: pod node label selector conflicts with its namespace node label selector"
            ),
            ("any", ["pool": "gpu"], ["pool": "gpu"], ""),
            ("any", .null, .null, ""),
            ("limited", ["zone": "z1"], ["zone": "z1", "pool": "shared"], ""),
            (
                "limited", ["disk": "ssd"], nil,
                "pods \"p\" is forbidden: pod node label selector labels conflict with its namespace whitelist"
            ),
            ("wrong", .null, nil, "invalid selector: [pool]"),
        ]
        try await with("PodNodeSelector", namespaces) { server in
            for row in cases {
                var pod = TestServer.pod("p")
                pod["spec"]["nodeSelector"] = row.asked
                let answer = await server.ask(.post, "/api/v1/namespaces/\(row.namespace)/pods?dryRun=All", pod)
                if let got = row.got {
                    #expect(answer.json["spec"]["nodeSelector"] == got, "\(row.namespace) \(row.asked): \(answer.text)")
                } else {
                    #expect(answer.message == row.refusal, "\(row.namespace) \(row.asked)")
                }
            }
        }
    }

    @Test func namespacesChooseTolerations() async throws {
        func pair(_ key: String, _ value: String) -> Value { ["key": .string(key), "operator": "Equal", "value": .string(value)] }
        let common: Value = ["key": "common", "operator": "Exists"]
        let own = #"[{"key":"own","operator":"Exists"}]"#
        let pressure: Value = ["key": "node.kubernetes.io/memory-pressure", "operator": "Exists", "effect": "NoSchedule"]
        func conflict(_ scope: String) -> String {
            "pod tolerations (possibly merged with namespace default tolerations) conflict with its \(scope) whitelist"
        }
        let namespaces: [String: Value] = [
            "plain": .null, "own": [Self.defaults: .string(own), Self.allowed: .string(own)],
            "none": [Self.defaults: "", Self.allowed: ""],
            "wrong": [Self.defaults: "{"],
        ]
        let cases: [(namespace: String, asked: [Value], requests: Value, got: Value?, refusal: String)] = [
            ("plain", [], .null, [common], ""),
            ("plain", [], ["cpu": "1"], [common, pressure], ""),
            ("plain", [pair("team", "a")], .null, [pair("team", "a"), common], ""),
            ("plain", [pair("team", "b")], .null, nil, conflict("cluster")),
            ("plain", [pair("common", "x")], .null, [common], ""),
            ("own", [], .null, [["key": "own", "operator": "Exists"]], ""),
            ("own", [common], .null, nil, conflict("namespace")),
            ("own", [], ["memory": "1Mi"], nil, conflict("namespace")),
            ("none", [], .null, .null, ""),
            ("none", [pair("team", "b")], .null, [pair("team", "b")], ""),
        ]
        try await with("PodTolerationRestriction", namespaces) { server in
            for row in cases {
                var pod = TestServer.pod("p")
                pod["spec"]["tolerations"] = row.asked.isEmpty ? .null : .array(row.asked)
                pod["spec"]["containers"][0]["resources"] = row.requests.isNull ? .null : ["requests": row.requests]
                let answer = await server.ask(.post, "/api/v1/namespaces/\(row.namespace)/pods?dryRun=All", pod)
                if let got = row.got {
                    #expect(answer.json["spec"]["tolerations"] == got, "\(row.namespace) \(row.asked): \(answer.text)")
                } else {
                    #expect(answer.code == 500 && answer.message == row.refusal, "\(row.namespace) \(row.asked): \(answer.text)")
                }
            }
            let wrong = await server.ask(.post, "/api/v1/namespaces/wrong/pods", TestServer.pod("p"))
            #expect(wrong.code == 500 && wrong.message.hasPrefix(Self.defaults), "\(wrong.text)")
        }
    }
}
