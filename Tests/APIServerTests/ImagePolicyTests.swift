import APIModel
import Foundation
import HTTPTypes
import OrderedCollections
import Testing

@testable import APIServer

/// What `ImagePolicyWebhook` asks of another server, and what it does with the answers.
@Suite struct ImagePolicyTests {
    private let pods = "/api/v1/namespaces/default/pods"

    /// - Parameter settings: what else than the kubeconfig the plugin is told.
    private func with(
        _ settings: String, answer: @escaping @Sendable (_ spec: Value) -> Value,
        _ body: (TestServer, WebhookServer) async throws -> Void
    ) async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("images-\(UniqueID.make())").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        try await WebhookServer.with {
            _ in
            .null
        } reply: { review in
            let version: Value = review["spec"]["namespace"] == "default" ? "imagepolicy.k8s.io/v1alpha1" : "v1"
            return ["apiVersion": version, "kind": "ImageReview", "status": answer(review["spec"])]
        } _: { hook in
            let kubeconfig = """
                current-context: c
                contexts: [{name: c, context: {cluster: c}}]
                clusters:
                - name: c
                  cluster: {server: "https://127.0.0.1:\(hook.port)/images", certificate-authority-data: \(hook.caBundle)}
                """
            try kubeconfig.write(toFile: file, atomically: true, encoding: .utf8)
            let text = """
                apiVersion: apiserver.config.k8s.io/v1
                kind: AdmissionConfiguration
                plugins:
                - {name: ImagePolicyWebhook, configuration: {imagePolicy: {kubeConfigFile: "\(file)", retryBackoff: -1, \(settings)}}}
                """
            let plugins = try AdmissionPlugins(
                enable: ["ImagePolicyWebhook"], disable: ["ServiceAccount"],
                configuration: try AdmissionConfiguration(text) { _ in "" })
            try await TestServer.with {
                $0.admission = plugins
            } _: {
                try await body($0, hook)
            }
        }
    }

    private static func pod(_ name: String, _ image: String) -> Value {
        var pod = TestServer.pod(name)
        pod["spec"]["containers"][0]["image"] = .string(image)
        pod["metadata"]["annotations"] = ["mine.image-policy.k8s.io/ticket": "7", "other": "x"]
        return pod
    }

    @Test func imagesRunThatTheServerAllows() async throws {
        try await with("allowTTL: 60") { spec in
            switch spec["containers"][0]["image"].string {
            case "good": ["allowed": true]
            case "bad": ["allowed": false, "reason": "not signed"]
            default: ["allowed": false]
            }
        } _: { server, hook in
            #expect(await server.ask(.post, pods, Self.pod("a", "good")).code == 201)
            let asked: Value = [
                "containers": [["image": "good"]], "annotations": ["mine.image-policy.k8s.io/ticket": "7"], "namespace": "default",
            ]
            #expect(hook.bodies.map { $0["spec"] } == [asked])
            #expect(await server.ask(.post, pods, Self.pod("b", "good")).code == 201)
            #expect(hook.bodies.count == 1, "it was asked before")
            let status: Value = ["status": ["phase": "Running"]]
            #expect(await server.ask(.patch, "\(pods)/a/status", status, type: "application/merge-patch+json").code == 200)
            let bad = await server.ask(.post, pods, Self.pod("c", "bad"))
            #expect(bad.message == "pods \"c\" is forbidden: image policy webhook backend denied one or more images: not signed")
            let none = await server.ask(.post, pods, Self.pod("c", "unknown"))
            #expect(none.message == "pods \"c\" is forbidden: one or more images rejected by webhook backend")
            let changed: Value = ["spec": ["containers": [["name": "c", "image": "bad"]]]]
            let update = await server.ask(.patch, "\(pods)/a", changed, type: "application/strategic-merge-patch+json")
            #expect(update.code == 403, "\(update.text)")
            #expect(hook.bodies.count == 3, "what was refused is remembered, too")
        }
    }

    @Test(arguments: [true, false]) func aServerThatFails(_ isAllowed: Bool) async throws {
        try await with("defaultAllow: \(isAllowed)") { _ in
            ["allowed": true]
        } _: { server, _ in
            // The answers about other namespaces are none.
            #expect(await server.ask(.post, "/api/v1/namespaces", ["metadata": ["name": "elsewhere"]]).code == 201)
            let answer = await server.ask(.post, "/api/v1/namespaces/elsewhere/pods", Self.pod("p", "good"))
            #expect(answer.code == (isAllowed ? 201 : 403), "\(answer.text)")
            #expect(answer.json["metadata"]["annotations"]["alpha.image-policy.k8s.io/failed-open"] == (isAllowed ? "true" : .null))
            if !isAllowed { #expect(answer.message.contains("the answer is no ImageReview"), "\(answer.message)") }
            #expect(await server.ask(.post, pods, Self.pod("p", "good")).json["metadata"]["annotations"].fields.count == 2)
        }
    }
}
