import APIModel
import Client
import OrderedCollections
import Testing

@Suite(.serialized) struct BootstrapTokenTests {
    private static func token(_ id: String, expires seconds: Whole? = nil) -> Value {
        [
            "apiVersion": "v1", "kind": "Secret", "type": "bootstrap.kubernetes.io/token",
            "metadata": ["name": "bootstrap-token-\(id)"],
            "stringData": [
                "token-id": .string(id), "token-secret": "0123456789abcdef", "usage-bootstrap-signing": "true",
                "expiration": Value(seconds.map { Timestamp.format(seconds: Timestamp.nowSeconds() + $0) }),
            ],
        ]
    }

    private static func signatures(_ maps: [Object]) -> Set<String> {
        Set(maps.first { $0.name == "cluster-info" }?.value["data"].fields.keys.filter { $0.hasPrefix("jws-") } ?? [])
    }

    @Test func signsWhileTokensAreGoodAndClearsThemAway() async throws {
        let on: @Sendable (String) -> String = { $0.replacing("enabled: false", with: "enabled: true") }
        let setup = Cluster.Setup(
            only: ["bootstrap-signer", "token-cleaner"],
            manifests: ["controller-bootstrap-signer.yaml": on, "controller-token-cleaner.yaml": on], hasKubelet: false)
        try await Cluster.with(setup) { cluster in
            let map: Value = [
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "cluster-info"], "data": ["kubeconfig": "k"],
            ]
            _ = try await cluster.client.create(.configMaps, namespace: "kube-public", map)
            for token in [Self.token("abcdef"), Self.token("late00", expires: -5), Self.token("brief0", expires: 3)] {
                _ = try await cluster.client.create(.secrets, namespace: "kube-system", token)
            }
            // Where it is, nobody looks.
            _ = try await cluster.client.create(.secrets, namespace: "default", Self.token("astray", expires: -5))
            try await cluster.wait(for: .secrets, in: "kube-system", "the expired to go") { secrets in
                secrets.map(\.name) == ["bootstrap-token-abcdef"]
            }
            try await cluster.wait(for: .configMaps, in: "kube-public", "one signature") {
                Self.signatures($0) == ["jws-kubeconfig-abcdef"]
            }
            // What somebody puts there is put right.
            try await cluster.merge(.configMaps, in: "kube-public", "cluster-info", ["data": ["jws-kubeconfig-astray": "x"]])
            try await cluster.wait(for: .configMaps, in: "kube-public", "it gone") { Self.signatures($0) == ["jws-kubeconfig-abcdef"] }
            try await cluster.delete(.secrets, in: "kube-system", "bootstrap-token-abcdef")
            try await cluster.wait(for: .configMaps, in: "kube-public", "no signature") { Self.signatures($0).isEmpty }
            try await cluster.waitUntilQuiet()
            #expect(try await cluster.client.get(.secrets, namespace: "default", name: "bootstrap-token-astray").name != "")
        }
    }
}
