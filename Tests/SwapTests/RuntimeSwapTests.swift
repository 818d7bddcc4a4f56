import APIModel
import Client
import Kubelet
import PKI
import PluginHost
import Testing

/// The runtime changes under a kubelet.
@Suite struct RuntimeSwapTests {
    @Test(.timeLimit(.minutes(3))) func aNodeWithoutPodsGoesOnWithAnotherRuntime() async throws {
        let first = try Built.manifest("runtime-fake") { $0.config = ["podCIDR": "10.50.0.0/24"] }
        let swaps: [(manifest: PluginManifest, addresses: String)] = [
            (try Built.manifest("runtime-fake") { $0.config = ["podCIDR": "10.60.0.0/24"] }, "10.60.0."),
            (
                try Built.manifest("runtime-fake") {
                    ($0.name, $0.replaces, $0.config) = ("runtime-other", "runtime-fake", ["podCIDR": "10.70.0.0/24"])
                },
                "10.70.0."
            ),
            (
                try Built.manifest("runtime-fake") {
                    ($0.name, $0.replaces, $0.config, $0.isolation) = (
                        "runtime-other", "runtime-fake", ["podCIDR": "10.80.0.0/24"], .process
                    )
                }, "10.80.0."
            ),
        ]
        try await World.with([first], loops: Self.loops) { world in
            try await world.addServiceAccount()
            try await Self.waitUntilReady(world)
            try await Self.runPod(world, "p0", "10.50.0.")
            for (number, swap) in swaps.enumerated() {
                try await world.apply(swap.manifest)
                try await Self.runPod(world, "p\(number + 1)", swap.addresses)
            }
            // A version that cannot be made changes nothing.
            try await world.apply(
                try Built.manifest("runtime-fake") {
                    ($0.name, $0.replaces, $0.config) = ("runtime-other", "runtime-fake", ["podCIDR": "nonsense"])
                }, expecting: .failed)
            try await Self.runPod(world, "last", "10.80.0.")
            try await Self.waitUntilReady(world)
        }
    }

    private static let loops: @Sendable (World) throws -> [@Sendable () async throws -> Void] = { world in
        let recorder = EventRecorder(client: world.client, component: "kubelet", host: "n1", log: world.log)
        var configuration = KubeletConfiguration(
            nodeName: "n1", nodeAddresses: ["127.0.0.1"], podCIDRs: [], rootDirectory: world.directory + "/kubelet",
            podLogsDirectory: world.directory + "/logs",
            version: "v1.36.0+apus")
        configuration.serverAddress = "127.0.0.1"
        configuration.serverPort = 0
        // Whatever else fills the disk of the tests.
        var eviction = EvictionSettings()
        eviction.hard = [:]
        configuration.eviction = try EvictionPolicy(eviction)
        let certificate = try CertificateAuthority.create(commonName: "test").issueServer(
            commonName: "system:node:n1", names: ["n1"], addresses: ["127.0.0.1"])
        (configuration.servingCertificate, configuration.servingKey) = (certificate.certificatePEM, certificate.privateKeyPEM)
        let kubelet = Kubelet(
            configuration: configuration, client: world.client, cache: world.cache, runtime: PluginRuntime(world.plugins),
            recorder: recorder, log: world.log)
        return [{ try await kubelet.run() }]
    }

    private static func waitUntilReady(_ world: World) async throws {
        try await world.wait(for: .nodes, "the Node to be ready") { nodes in
            nodes.first?.value["status"]["conditions"].elements.contains { $0["type"].string == "Ready" && $0["status"].string == "True" }
                == true
        }
    }

    /// Runs a Pod, which gets its address from the runtime, and ends it: word of both comes from the runtime.
    private static func runPod(_ world: World, _ name: String, _ addresses: String) async throws {
        try await world.addPod(name, node: "n1")
        try await world.wait(for: .pods, "\(name) to run at \(addresses)…") { pods in
            pods.contains {
                $0.name == name && $0.value["status"]["phase"].string == "Running"
                    && $0.value["status"]["podIP"].string?.hasPrefix(addresses) == true
            }
        }
        try await world.client.delete(.pods, namespace: "default", name: name, options: ["gracePeriodSeconds": 1])
        try await world.wait(for: .pods, "\(name) to go") { $0.isEmpty }
    }
}
