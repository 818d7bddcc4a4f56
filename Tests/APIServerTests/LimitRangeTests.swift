import APIModel
import HTTPTypes
import Testing

@testable import APIServer

/// What a namespace's LimitRanges do to pods and claims.
@Suite struct LimitRangeTests {
    private let pods = "/api/v1/namespaces/default/pods"
    private let ranges = "/api/v1/namespaces/default/limitranges"

    private func with(limits: Value, _ body: (TestServer) async throws -> Void) async throws {
        try await TestServer.with { server in
            await server.ask(.post, "/api/v1/namespaces/default/serviceaccounts", ["metadata": ["name": "default"]])
            #expect(await server.ask(.post, ranges, ["metadata": ["name": "limits"], "spec": ["limits": limits]]).code == 201)
            try await body(server)
        }
    }

    private func pod(_ resources: Value) -> Value {
        var pod = TestServer.pod("p")
        pod["spec"]["containers"][0]["resources"] = resources
        return pod
    }

    @Test func containersGetTheDefaults() async throws {
        try await with(limits: [
            ["type": "Container", "default": ["cpu": "500m", "memory": "1Gi"], "defaultRequest": ["cpu": "100m", "memory": "64Mi"]]
        ]) { server in
            let made = await server.ask(.post, pods, pod(["requests": ["memory": "100Mi"]])).json
            let expected: Value = ["requests": ["memory": "100Mi", "cpu": "100m"], "limits": ["cpu": "500m", "memory": "1Gi"]]
            #expect(made["spec"]["containers"][0]["resources"] == expected)
            #expect(
                made["metadata"]["annotations"]["kubernetes.io/limit-ranger"]
                    == "LimitRanger plugin set: cpu request for container c; cpu, memory limit for container c")
            #expect(made["status"]["qosClass"] == "Burstable")
        }
    }

    @Test func whatIsBeyondTheLimitsIsRefused() async throws {
        try await with(limits: [
            ["type": "Container", "min": ["cpu": "100m"], "max": ["cpu": "1"], "maxLimitRequestRatio": ["cpu": "2"]],
            ["type": "Pod", "max": ["memory": "1Gi"]],
            ["type": "PersistentVolumeClaim", "min": ["storage": "1Gi"], "max": ["storage": "2Gi"]],
        ]) { server in
            let answer = await server.ask(
                .post, pods, pod(["requests": ["cpu": "50m", "memory": "2Gi"], "limits": ["cpu": "1", "memory": "2Gi"]]))
            #expect(answer.code == 403)
            #expect(
                answer.message
                    == "pods \"p\" is forbidden: [minimum cpu usage per Container is 100m, but request is 50m, cpu max limit to request ratio per Container is 2, but provided ratio is 20.000000, maximum memory usage per Pod is 1Gi, but limit is 2Gi]"
            )
            let claims = "/api/v1/namespaces/default/persistentvolumeclaims"
            let claim: Value = [
                "metadata": ["name": "c"],
                "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "3Gi"]]],
            ]
            let refused = await server.ask(.post, claims, claim)
            #expect(
                refused.message
                    == "persistentvolumeclaims \"c\" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi"
            )
        }
    }

    @Test(
        arguments: [
            (["max": ["cpu": "1"]], [:], "maximum cpu usage per Container is 1.  No limit is specified"),
            (["min": ["cpu": "1"]], [:], "minimum cpu usage per Container is 1.  No request is specified"),
            (
                ["min": ["cpu": "1"]], ["requests": ["cpu": "1"], "limits": ["cpu": "500m"]],
                "minimum cpu usage per Container is 1, but limit is 500m"
            ),
            (["max": ["cpu": "1"]], ["limits": ["cpu": "2"]], "maximum cpu usage per Container is 1, but limit is 2"),
            (
                ["maxLimitRequestRatio": ["cpu": "2"]], ["requests": ["cpu": "1"]],
                "cpu max limit to request ratio per Container is 2, but no limit is specified or limit is 0"
            ), (["maxLimitRequestRatio": ["cpu": "2"]], ["requests": ["cpu": "1"], "limits": ["cpu": "2"]], nil),
            (["min": ["cpu": "1"], "max": ["cpu": "2"]], ["requests": ["cpu": "1"], "limits": ["cpu": "2000m"]], nil),
        ] as [(Value, Value, String?)])
    func limitsOfContainers(_ limit: Value, _ resources: Value, _ problem: String?) {
        let check = LimitCheck(
            type: "Container", requests: ResourceList(resources["requests"]), limits: ResourceList(resources["limits"]))
        #expect(check.problems(limit) == [problem].compactMap { $0 })
    }

    @Test(
        arguments: [
            (
                ["type": "Container", "min": ["cpu": "2"], "max": ["cpu": "1"]], "spec.limits[0].min[cpu]",
                "min value 2 is greater than max value 1"
            ),
            (
                ["type": "Container", "default": ["cpu": "2"], "max": ["cpu": "1"]], "spec.limits[0].default[cpu]",
                "default value 2 is greater than max value 1"
            ), (["type": "Pod", "default": ["cpu": "2"]], "spec.limits[0].default", "may not be specified when `type` is 'Pod'"),
            (["type": "Everything"], "spec.limits[0].type", "must be a standard limit type or fully qualified"),
            (
                ["type": "PersistentVolumeClaim"], "spec.limits[0].limits",
                "either minimum or maximum storage value is required, but neither was provided"
            ),
            (["type": "Container", "max": ["storage": "1"]], "spec.limits[0].max[storage]", "must be a standard resource for containers"),
            (
                ["type": "Container", "maxLimitRequestRatio": ["cpu": "500m"]], "spec.limits[0].maxLimitRequestRatio[cpu]",
                "ratio 500m is less than 1"
            ),
            (
                ["type": "Container", "min": ["cpu": "1"], "max": ["cpu": "2"], "maxLimitRequestRatio": ["cpu": "3"]],
                "spec.limits[0].maxLimitRequestRatio[cpu]", "ratio 3 is greater than max/min = 2.000000"
            ),
        ] as [(Value, String, String)])
    func contradictionsAreRefused(_ limit: Value, _ field: String, _ message: String) async throws {
        try await TestServer.with { server in
            let answer = await server.ask(.post, ranges, ["metadata": ["name": "l"], "spec": ["limits": [limit]]])
            #expect(answer.code == 422)
            let causes = answer.json["details"]["causes"].elements
            #expect(
                causes.contains { $0["field"].string == field && $0["message"].string?.hasSuffix(message) == true }, "\(answer.message)")
        }
    }
}
