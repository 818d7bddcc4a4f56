import APIModel
import Client
import ControllerManager
import Foundation
import PluginHost
import Testing

/// NetworkPolicies between pods that are network namespaces on one bridge: real packets and the kernel's real nftables.
@Suite struct NetworkPolicyTests {

    @Test(.disabled(if: OwnNamespace.isInside), .enabled(if: geteuid() == 0, "network namespaces need root"), .timeLimit(.minutes(3)))
    func policiesHold() throws { try OwnNamespace.run("NetworkPolicyTests", "holdsInsideTheNamespace", setUp: NetworkPod.setUp) }

    private static let loops: @Sendable (World) throws -> [@Sendable () async throws -> Void] = { world in
        let controllers = ControllerManager(services: world.services, plugins: world.plugins, log: world.log)
        return [{ try await controllers.run() }]
    }

    private static let resource = GroupVersionResource(group: "networking.k8s.io", version: "v1", resource: "networkpolicies")

    @Test(.enabled(if: OwnNamespace.isInside, "runs in a namespace of its own"), .timeLimit(.minutes(3))) func holdsInsideTheNamespace()
        async throws
    {
        let manifest = try Built.manifest("policy-nftables") { $0.config = ["checkSeconds": 1] }
        try await World.with([manifest], loops: Self.loops) { world in
            try await world.addServiceAccount()
            let web = try await NetworkPod("web", 2, app: "web", world)
            let client = try await NetworkPod("client", 3, app: "client", world)
            let other = try await NetworkPod("other", 4, app: "other", world)
            for pod in [client, other] { try await pod.waitUntilReaches(web, 80) }
            #expect(try !Network.rules().contains("apus-policy"), "nothing is there for nobody")

            // Who may come, and to which port: by its name.
            let policy: Value = [
                "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": ["name": "web", "namespace": "default"],
                "spec": [
                    "podSelector": ["matchLabels": ["app": "web"]],
                    "ingress": [["from": [["podSelector": ["matchLabels": ["app": "client"]]]], "ports": [["port": "http"]]]],
                ],
            ]
            var made = try await world.client.create(Self.resource, namespace: "default", policy).value
            try await other.waitUntilKept(from: web, 80)
            try await client.waitUntilReaches(web, 80)
            for family in IPFamily.allCases {
                #expect(try !client.reaches(web, 81, family), "the other port")
            }
            // What goes out is not spoken of, and answers come back; and the node comes to its pods: probes.
            try await web.waitUntilReaches(other, 80)
            try await web.waitUntilReachedByNode(81)

            // A change of the policy, and one of a pod.
            made["spec"]["ingress"] = [
                [
                    "from": [
                        ["ipBlock": ["cidr": "10.1.0.0/24", "except": ["10.1.0.3/32"]]],
                        ["ipBlock": ["cidr": "fd00:1::/64", "except": ["fd00:1::3/128"]]],
                    ]
                ]
            ]
            made = try await world.client.update(Self.resource, namespace: "default", name: "web", made).value
            try await other.waitUntilReaches(web, 81)
            try await client.waitUntilKept(from: web, 80)
            made["spec"]["ingress"] = policy["spec"]["ingress"]
            made = try await world.client.update(Self.resource, namespace: "default", name: "web", made).value
            try await client.waitUntilReaches(web, 80)
            try await other.setLabel("client", world)
            try await other.waitUntilReaches(web, 80)
            try await other.setLabel("other", world)
            try await other.waitUntilKept(from: web, 80)

            // Both ends have a say.
            var egress = policy
            egress["metadata"]["name"] = "client"
            egress["spec"] = ["podSelector": ["matchLabels": ["app": "client"]], "policyTypes": ["Egress"]]
            _ = try await world.client.create(Self.resource, namespace: "default", egress)
            try await client.waitUntilKept(from: web, 80)
            // It may be asked, and answers.
            try await other.waitUntilReaches(client, 80)
            try await world.client.delete(Self.resource, namespace: "default", name: "client", options: .null)
            try await client.waitUntilReaches(web, 80)

            // Another instance takes over what is in force.
            var anew = manifest
            anew.deadline = .seconds(25)
            try await world.apply(anew)
            #expect(try !other.reaches(web, 80))
            // Somebody takes the rules away.
            _ = try Command.run(["nft", "flush", "ruleset"])
            try await other.waitUntilKept(from: web, 80)
            try await client.waitUntilReaches(web, 80)

            // Switched off, it holds nobody back.
            anew.enabled = false
            try await world.apply(anew, expecting: .skipped)
            try await other.waitUntilReaches(web, 80)
            #expect(try !Network.rules().contains("apus-policy"))
            anew.enabled = true
            try await world.apply(anew)
            try await other.waitUntilKept(from: web, 80)
            try await world.client.delete(Self.resource, namespace: "default", name: "web", options: .null)
            try await Network.waitForRules("the table to go") { !$0.contains("apus-policy") }
            try await other.waitUntilReaches(web, 81)
        }
    }
}
