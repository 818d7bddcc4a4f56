import APIModel
import Client
import Testing

@Suite(.serialized) struct LegacyTokenCleanerTests {
    private static let name = "legacy-serviceaccount-token-cleaner"
    private static let invalidSince = "kubernetes.io/legacy-token-invalid-since"

    private func token(_ name: String) -> Value {
        [
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
            "metadata": ["name": .string(name), "annotations": ["kubernetes.io/service-account.name": "old"]],
        ]
    }

    /// With a patience of a second, a secret is old enough in the next, and a day that is past is long past.
    @Test func whatNobodyUsesIsMarkedAndThenGoes() async throws {
        let setup = Cluster.Setup(config: [Self.name: ["cleanUpPeriodSeconds": 1]], only: [Self.name])
        try await Cluster.with(setup) { cluster in
            let client = cluster.client
            // Uses are noted for a long time already.
            let tracking = "kube-apiserver-legacy-service-account-token-tracking"
            try await cluster.wait(for: .configMaps, in: "kube-system", tracking, "a first day") { $0 != nil }
            try await cluster.merge(.configMaps, in: "kube-system", tracking, ["data": ["since": "2020-01-01"]])
            var account: Value = ["apiVersion": "v1", "kind": "ServiceAccount", "metadata": ["name": "old"]]
            _ = try await client.create(.serviceAccounts, namespace: "default", account)
            for name in ["idle", "mounted", "by-hand"] { _ = try await client.create(.secrets, namespace: "default", token(name)) }
            let volume: Value = ["name": "t", "secret": ["secretName": "mounted"]]
            _ = try await client.create(.pods, namespace: "default", pod("p", app: "x", spec: ["volumes": [volume]]))
            let made = try await client.get(.secrets, namespace: "default", name: "by-hand").metadata["creationTimestamp"].time ?? 0
            while Timestamp.nowSeconds() <= made + 1 {
                // Time is what makes a secret old.
                try await Task.sleep(for: .milliseconds(100))
            }
            account["secrets"] = [["name": "idle"], ["name": "mounted"]]
            try await cluster.merge(.serviceAccounts, "old", ["secrets": account["secrets"]])
            try await cluster.wait(for: .secrets, in: "default", "idle", "a mark") {
                $0?["metadata"]["labels"][Self.invalidSince].string == String(Timestamp.now().prefix(10))
            }
            // It was marked long ago.
            try await cluster.merge(.secrets, "idle", ["metadata": ["labels": [Self.invalidSince: "2020-01-01"]]])
            try await cluster.merge(.serviceAccounts, "old", ["metadata": ["labels": ["look": "again"]]])
            try await cluster.wait(for: .secrets, in: "default", "idle", "to go") { $0 == nil }
            try await cluster.waitUntilQuiet()
            let left = try await client.list(.secrets, namespace: "default").items
            #expect(left.map(\.name) == ["by-hand", "mounted"] && left.allSatisfy { $0.labels[Self.invalidSince] == nil })
        }
    }
}
