import APIModel
import HTTPTypes
import Testing

@testable import APIServer

/// ResourceClaims that want to look after devices of others.
@Suite struct DeviceClaimTests {
    private let claims = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims"
    private let templates = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaimtemplates"

    private static let spec: Value = [
        "devices": ["requests": [["name": "r", "exactly": ["deviceClassName": "gpu", "adminAccess": true]]]]
    ]
    private static let claim: Value = [
        "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": ["name": "c"], "spec": spec,
    ]
    private static let template: Value = [
        "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaimTemplate", "metadata": ["name": "c"], "spec": ["spec": spec],
    ]

    @Test func needALabelOfTheirNamespace() async throws {
        try await TestServer.with { server in
            for (path, object) in [(claims, Self.claim), (templates, Self.template)] {
                let refused = await server.ask(.post, path, object)
                #expect(refused.code == 422)
                #expect(
                    refused.message.hasSuffix(
                        "spec.devices.requests[0].adminAccess: Forbidden: admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace"
                    ), "\(refused.message)")
            }
            await server.ask(
                .patch, "/api/v1/namespaces/default", ["metadata": ["labels": ["resource.kubernetes.io/admin-access": "true"]]],
                type: "application/merge-patch+json")
            for (path, object) in [(claims, Self.claim), (templates, Self.template)] {
                #expect(await server.ask(.post, path, object).code == 201)
            }
        }
    }

    /// Each step with the one right more that it needs.
    @Test func whoWritesWhichPartOfAStatus() async throws {
        try await TestServer.with { server in
            let rbac = "/apis/rbac.authorization.k8s.io/v1"
            func allow(_ name: String, _ resource: String, _ verbs: Value, names: Value = .null) async {
                let group: Value = ["resource.k8s.io"]
                let rule: Value = ["apiGroups": group, "resources": [.string(resource)], "verbs": verbs, "resourceNames": names]
                let binding: Value = [
                    "metadata": ["name": .string(name)],
                    "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": .string(name)],
                    "subjects": [["kind": "User", "name": "bob", "apiGroup": "rbac.authorization.k8s.io"]],
                ]
                let role: Value = ["metadata": ["name": .string(name)], "rules": [rule]]
                #expect(await server.ask(.post, "\(rbac)/clusterroles", role).code == 201)
                #expect(await server.ask(.post, "\(rbac)/clusterrolebindings", binding).code == 201)
            }
            var claim = Self.claim
            claim["spec"] = ["devices": ["requests": [["name": "r", "exactly": ["deviceClassName": "gpu"]]]]]
            #expect(await server.ask(.post, claims, claim).code == 201)
            func write(_ status: Value) async -> (code: Int, message: String) {
                let answer = await server.ask(
                    .patch, "\(claims)/c/status", ["status": status], type: "application/merge-patch+json", token: "bob-token")
                return (answer.code, answer.message)
            }
            let result: Value = ["request": "r", "driver": "gpu.example", "pool": "p", "device": "d"]
            let allocated: Value = ["allocation": ["devices": ["results": [result]]]]
            let told: Value = ["devices": [["driver": "gpu.example", "pool": "p", "device": "d"]]]

            await allow("status", "resourceclaims/status", ["patch", "update"])
            let unbound = await write(allocated)
            #expect(unbound.code == 422)
            #expect(
                unbound.message.contains(
                    "status.allocation: Forbidden: changing status.allocation or status.reservedFor requires resource=\"resourceclaims/binding\", verb=\"patch\" permission: resourceclaims.resource.k8s.io is forbidden: User \"bob\" cannot patch resource \"resourceclaims/binding\" in API group \"resource.k8s.io\" at the cluster scope"
                ), "\(unbound.message)")
            await allow("binding", "resourceclaims/binding", ["patch"])
            let bound = await write(allocated)
            #expect(bound.code == 200, "\(bound.message)")

            let untold = await write(told)
            #expect(untold.code == 422)
            #expect(
                untold.message.contains(
                    "status.devices: Forbidden: changing status.devices requires resource=\"resourceclaims/driver\", verb=\"[arbitrary-node:patch]\" permission: resourceclaims.resource.k8s.io \"gpu.example\" is forbidden: User \"bob\" cannot arbitrary-node:patch resource \"resourceclaims/driver\" in API group \"resource.k8s.io\" in the namespace \"default\""
                ), "\(untold.message)")
            await allow("other", "resourceclaims/driver", ["arbitrary-node:patch"], names: ["other.example"])
            #expect(await write(told).code == 422)
            await allow("driver", "resourceclaims/driver", ["arbitrary-node:patch"], names: ["gpu.example"])
            let written = await write(told)
            #expect(written.code == 200, "\(written.message)")
        }
    }
}
