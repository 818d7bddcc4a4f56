import APIModel
import FileSystem
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Kubelet

/// How much of the disk a pod may use.
@Suite struct StorageTests {
    private static let limited: Value = [
        "volumes": [
            ["name": "a", "emptyDir": ["sizeLimit": "1Mi"]], ["name": "b", "emptyDir": .emptyObject],
            ["name": "m", "emptyDir": ["medium": "Memory", "sizeLimit": "1Mi"]],
        ],
        "containers": [
            ["name": "web", "image": "web:1", "resources": ["limits": ["ephemeral-storage": "2Mi"]]],
            ["name": "other", "image": "web:1", "resources": ["limits": ["ephemeral-storage": "2Mi"]]],
        ],
    ]
    private static let mebibyte: Whole = 1 << 20

    @Test(
        arguments: [
            (["a": 1, "b": 1], ["web": 1], nil), (["a": 2], [:], "Usage of EmptyDir volume \"a\" exceeds the limit \"1Mi\". "),
            (["b": 3], ["web": 1, "other": 1], "Pod ephemeral local storage usage exceeds the total limit of containers 4Mi. "),
            ([:], ["web": 3], "Container web exceeded its local ephemeral storage limit \"2Mi\". "),
        ] as [([String: Whole], [String: Whole], String?)])
    func exceeds(volumes: [String: Whole], containers: [String: Whole], excess: String?) {
        let limits = StorageLimits(pod: pod(Self.limited))
        let use = StorageLimits.Use(
            volumes: volumes.mapValues { $0 * Self.mebibyte }, containers: containers.mapValues { $0 * Self.mebibyte })
        #expect(limits.excess(use) == excess)
        #expect(limits.volumes == ["a", "b"] && !limits.isEmpty)
    }

    @Test func withoutLimitsNobodyLooks() {
        #expect(StorageLimits(pod: pod()).isEmpty)
        #expect(StorageLimits(pod: pod(["volumes": [["name": "b", "emptyDir": .emptyObject]]])).isEmpty)
    }

    @Test func countsWhatIsThere() throws {
        let place = TemporaryDirectory()
        defer { place.remove() }
        let root = try place.directory
        let empty = root.usage().bytes
        var deep = root
        // Deeper than a path may be long.
        for _ in 0..<30 { deep = try deep.make(String(repeating: "d", count: 200)) }
        try deep.create("file", [UInt8](repeating: 1, count: 1 << 20), mode: 0o600)
        let used = root.usage().bytes
        #expect(used - empty >= 1 << 20)
        // A second name is no second file, and a link is not followed.
        #expect(linkat(deep.descriptor, "file", deep.descriptor, "twin", 0) == 0)
        try root.link("/usr", at: "elsewhere")
        #expect(root.usage().bytes - used < 1 << 20)
    }

    @Test func thePodGoes() async throws {
        let bench = Bench()
        let pods = Pods(context: bench.context)
        try await bench.run(pods) {
            bench.client.put(.pods, makePod(spec: Self.limited))
            try await bench.wait("running") { $0.condition("Ready") == "True" }
            bench.runtime.state.withLock { $0.written = 3 << 20 }
            let eviction = Task { await StorageEviction(context: bench.context, pods: pods, period: .milliseconds(20)).run() }
            defer { eviction.cancel() }
            let status = try await bench.wait("failed") { $0["phase"].string == "Failed" }
            #expect(status["reason"].string == "Evicted")
            #expect(status["message"].string?.hasPrefix("Pod ephemeral local storage usage exceeds the total limit") == true)
            #expect(bench.events.message("Evicted") == status["message"].string)
            try await bench.eventually("stopped") { bench.runtime.running().isEmpty }
        }
    }
}
