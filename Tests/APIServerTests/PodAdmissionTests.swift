import APIModel
import HTTPTypes
import Testing

@testable import APIServer

/// What a pod asks of its node is honoured or refused when it is made.
@Suite struct PodAdmissionTests {
    private let pods = "/api/v1/namespaces/default/pods"

    private func with(_ body: (TestServer) async throws -> Void) async throws {
        try await TestServer.with { server in
            await server.ask(.post, "/api/v1/namespaces/default/serviceaccounts", ["metadata": ["name": "default"]])
            try await body(server)
        }
    }

    private func pod(_ change: (inout Value) -> Void) -> Value {
        var pod = TestServer.pod("p")
        change(&pod)
        return pod
    }

    @Test func aRuntimeClassMustBeThere() async throws {
        try await with { server in
            let refused = await server.ask(.post, pods, pod { $0["spec"]["runtimeClassName"] = "gone" })
            #expect(refused.code == 403)
            #expect(refused.message == "pods \"p\" is forbidden: pod rejected: RuntimeClass \"gone\" not found")
        }
    }

    @Test func aRuntimeClassSetsWhatItCostsAndWhereItRuns() async throws {
        try await with { server in
            let runtimeClass: Value = [
                "metadata": ["name": "sandboxed"], "handler": "kata", "overhead": ["podFixed": ["memory": "64Mi"]],
                "scheduling": ["nodeSelector": ["runtime": "kata"], "tolerations": [["key": "kata", "operator": "Exists"]]],
            ]
            #expect(await server.ask(.post, "/apis/node.k8s.io/v1/runtimeclasses", runtimeClass).code == 201)
            let sandboxed = pod { pod in
                pod["spec"]["runtimeClassName"] = "sandboxed"
                pod["spec"]["tolerations"] = [["key": "kata", "operator": "Equal", "value": "x", "effect": "NoSchedule"]]
            }
            let spec = await server.ask(.post, pods, sandboxed).json["spec"]
            #expect(spec["overhead"] == ["memory": "64Mi"])
            #expect(spec["nodeSelector"] == ["runtime": "kata"])
            // The wider toleration takes the place of the narrower one.
            #expect(spec["tolerations"].elements.filter { $0["key"] == "kata" } == [["key": "kata", "operator": "Exists"]])
            for (change, message) in [
                ({ $0["spec"]["overhead"] = ["memory": "1Mi"] }, "Pod's Overhead doesn't match RuntimeClass's defined Overhead"),
                (
                    { $0["spec"]["nodeSelector"] = ["runtime": "runc"] },
                    "conflict: runtimeClass.scheduling.nodeSelector[runtime] = kata; pod.spec.nodeSelector[runtime] = runc"
                ),
                (
                    {
                        $0["spec"]["runtimeClassName"] = .null
                        $0["spec"]["overhead"] = ["memory": "64Mi"]
                    }, "Pod Overhead set without corresponding RuntimeClass defined Overhead"
                ),
            ] as [((inout Value) -> Void, String)] {
                var other = sandboxed
                other["metadata"]["name"] = "q"
                change(&other)
                let answer = await server.ask(.post, pods, other)
                #expect(answer.code == 403)
                #expect(answer.message.contains(message), "\(answer.message)")
            }
        }
    }

    @Test func anAppArmorAnnotationBecomesTheField() async throws {
        try await with { server in
            let key = "container.apparmor.security.beta.kubernetes.io/c"
            let answer = await server.ask(.post, pods, pod { $0["metadata"]["annotations"] = [key: "localhost/strict"] })
            #expect(
                answer.json["spec"]["containers"][0]["securityContext"]["appArmorProfile"]
                    == ["type": "Localhost", "localhostProfile": "strict"])
            let changed = await server.ask(
                .patch, "\(pods)/p", ["metadata": ["annotations": [key: "unconfined"]]], type: "application/merge-patch+json")
            #expect(changed.message.contains("may not remove or update AppArmor annotations"))
            let both = pod { pod in
                pod["metadata"]["name"] = "q"
                pod["metadata"]["annotations"] = [key: "unconfined"]
                pod["spec"]["securityContext"] = ["appArmorProfile": ["type": "RuntimeDefault"]]
            }
            #expect(await server.ask(.post, pods, both).code == 201)
            let against = pod { pod in
                pod["metadata"]["name"] = "r"
                pod["metadata"]["annotations"] = [key: "unconfined"]
                pod["spec"]["containers"][0]["securityContext"] = ["appArmorProfile": ["type": "RuntimeDefault"]]
            }
            #expect(await server.ask(.post, pods, against).message.contains("apparmor type in annotation and field must match"))
        }
    }

    @Test func aPodDoesNotBecomeAMirrorLater() async throws {
        try await with { server in
            await server.ask(.post, pods, pod { $0["spec"]["nodeName"] = "n" })
            let mirror: Value = ["metadata": ["annotations": ["kubernetes.io/config.mirror": "x"]]]
            for path in ["\(pods)/p", "\(pods)/p/status"] {
                let answer = await server.ask(.patch, path, mirror, type: "application/merge-patch+json")
                #expect(answer.code == 422)
                #expect(answer.message.contains("may not add mirror pod annotation"))
            }
        }
    }
}
