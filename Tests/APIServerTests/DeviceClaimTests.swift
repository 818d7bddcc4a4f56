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
}
