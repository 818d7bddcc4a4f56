import APIModel
import Testing

@testable import ControllerLegacyTokens

@Suite struct LegacyTokenTests {
    private static let now = Timestamp.parse("2026-11-27T10:00:00Z")?.seconds ?? 0
    private static let week: Whole = 7 * 86_400

    @Test(
        arguments: [
            // Made too lately, used too lately, used nobody knows when, being deleted, and something else.
            ([:], "2026-11-21T10:00:00Z", nil, .keep), (["last-used": "2026-11-20"], nil, nil, .keep),
            (["last-used": "yesterday"], nil, nil, .keep), ([:], nil, "2026-11-27T09:00:00Z", .keep),
            ([:], nil, nil, .mark("2026-11-27")), (["last-used": "2026-11-19"], nil, nil, .mark("2026-11-27")),
            (["last-used": "2026-11-19", "invalid-since": "soon"], nil, nil, .mark("2026-11-27")),
            (["invalid-since": "2026-11-20"], nil, nil, .keep), (["invalid-since": "2026-11-19"], nil, nil, .delete),
            // Somebody took it up again.
            (["last-used": "2026-11-25", "invalid-since": "2026-11-01"], nil, nil, .keep),
        ] as [([String: String], String?, String?, LegacyToken.Step)])
    func goesInTwoSteps(_ labels: [String: String], _ created: String?, _ deleted: String?, _ step: LegacyToken.Step) {
        let labels = Dictionary(uniqueKeysWithValues: labels.map { ("kubernetes.io/legacy-token-\($0)", $1) })
        let secret: Value = [
            "type": "kubernetes.io/service-account-token",
            "metadata": [
                "name": "t", "creationTimestamp": .string(created ?? "2026-01-01T00:00:00Z"), "deletionTimestamp": Value(deleted),
                "labels": Value(labels),
            ],
        ]
        #expect(LegacyToken(secret: secret).step(now: Self.now, patience: Self.week) == step)
        var other = secret
        other["type"] = "Opaque"
        #expect(LegacyToken(secret: other).step(now: Self.now, patience: Self.week) == .keep)
    }

    @Test func aPodNamesSecretsInManyPlaces() {
        let pod: Value = [
            "spec": [
                "imagePullSecrets": [["name": "a"]],
                "initContainers": [["envFrom": [["secretRef": ["name": "b"]], ["configMapRef": ["name": "no"]]]]],
                "containers": [["env": [["valueFrom": ["secretKeyRef": ["name": "c"]]], ["name": "no", "value": "no"]]]],
                "volumes": [
                    ["secret": ["secretName": "d"]],
                    ["projected": ["sources": [["secret": ["name": "e"]], ["configMap": ["name": "no"]]]]],
                    ["csi": ["nodePublishSecretRef": ["name": "f"]]], ["iscsi": ["secretRef": ["name": "g"]]],
                ],
            ]
        ]
        #expect(PodSecrets.names(pod).sorted() == ["a", "b", "c", "d", "e", "f", "g"])
    }
}
