import APIModel
import Client
import FileSystem
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Kubelet

/// Files that follow what they show, without waiting for the kubelet's next round.
@Suite struct VolumeUpdateTests {
    private static func settings(_ value: String) -> Value {
        ["metadata": ["name": "settings", "namespace": "default"], "data": ["key": .string(value)]]
    }

    private static let volumes: Value = [
        ["name": "config", "configMap": ["name": "settings"]],
        ["name": "info", "downwardAPI": ["items": [["path": "labels", "fieldRef": ["fieldPath": "metadata.labels"]]]]],
    ]

    @Test func filesFollow() async throws {
        let bench = Bench()
        bench.client.put(.configMaps, Self.settings("one"))
        let place = bench.context.configuration.podDirectory("uid-web") + "/volumes"
        try await bench.run {
            let mounts: Value = [["name": "config", "mountPath": "/config"], ["name": "info", "mountPath": "/info"]]
            let containers: Value = [["name": "web", "image": "web:1", "volumeMounts": mounts]]
            bench.client.put(.pods, makePod(spec: ["volumes": Self.volumes, "containers": containers], metadata: ["labels": ["a": "1"]]))
            try await bench.wait("running") { $0["phase"].string == "Running" }
            #expect(Files.text(place + "/kubernetes.io~configmap/config/key") == "one")
            try await bench.eventually("watched") {
                bench.client.state.withLock { $0.watchers.contains { $0.resource == .configMaps } }
            }
            bench.client.put(.configMaps, Self.settings("two"))
            try await bench.eventually("the config map's file") { Files.text(place + "/kubernetes.io~configmap/config/key") == "two" }

            var pod = try #require(bench.client.object(.pods, "default", "web"))
            pod["metadata"]["labels"]["a"] = "2"
            bench.client.put(.pods, pod)
            try await bench.eventually("the labels' file") { Files.text(place + "/kubernetes.io~downward-api/info/labels") == "a=\"2\"" }
        }
    }

    @Test func oneWatchServesAll() {
        let watches = ReferenceWatches(client: FakeClient(), log: Logger(label: "test"))
        let shown = ReferenceWatches.references(
            of: pod([
                "volumes": [
                    ["name": "a", "configMap": ["name": "settings"]], ["name": "b", "secret": ["secretName": "keys"]],
                    ["name": "c", "projected": ["sources": [["configMap": ["name": "settings"]], ["secret": ["name": "more"]]]]],
                ]
            ]))
        #expect(Set(shown.map(\.name)) == ["settings", "keys", "more"])
        watches.set(shown, for: "one")
        watches.set(shown, for: "two")
        #expect(watches.count == 3)
        watches.set([], for: "one")
        #expect(watches.count == 3)
        watches.set([], for: "two")
        #expect(watches.count == 0)
    }

    @Test func aNameThatIsTooLongForTheKernelIsSaid() async throws {
        let bench = Bench()
        try await bench.run {
            let name = String(repeating: "n", count: 60)
            let spec: Value = ["hostname": .string(name), "subdomain": "sub", "setHostnameAsFQDN": true]
            bench.client.put(.pods, makePod(spec: spec))
            try await bench.eventually("refused") { bench.events.message("FailedCreatePodSandBox")?.contains("is too long (64") == true }
            #expect(bench.runtime.count("RunPodSandbox") == 0)
        }
    }
}
