import APIModel
import FileSystem
import Synchronization
import TestSupport
import Testing

@testable import Kubelet

/// Pods from files, and what the API shows of them.
@Suite struct StaticPodTests {
    private static let manifest: Value = [
        "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "web"],
        "spec": ["containers": [["name": "web", "image": "web:1"]], "terminationGracePeriodSeconds": 1],
    ]

    private static func pod(_ file: Value) throws -> Pod { try StaticPodFile.pod(file, path: "web.yaml", nodeName: "Node", time: "now") }

    @Test func aFileBecomesAPod() throws {
        let pod = try Self.pod(Self.manifest)
        #expect(pod.name == "web-node" && pod.namespace == "default" && pod.spec["nodeName"].string == "Node")
        #expect(pod.isStatic && pod.isCritical && !pod.isMirror && pod.uid.count == 32)
        #expect(pod.annotations[StaticPodFile.hash] == pod.uid && pod.annotations[StaticPodFile.source] == "file")
        #expect(pod.spec["tolerations"] == [["operator": "Exists", "effect": "NoExecute"]])
        // As the API would have filled it in.
        #expect(pod.spec["restartPolicy"].string == "Always" && pod.containers[0]["imagePullPolicy"].string == "IfNotPresent")
        #expect(try Self.pod(Self.manifest).uid == pod.uid)
        var other = Self.manifest
        other["spec"]["containers"][0]["image"] = "web:2"
        #expect(try Self.pod(other).uid != pod.uid)
        #expect(try StaticPodFile.pod(Self.manifest, path: "other.yaml", nodeName: "Node", time: "now").uid != pod.uid)
    }

    static let wrong: [(String, Value, String)] = [
        ("kind", "Service", "it is no Pod of v1"), ("metadata", .emptyObject, "it has no name"),
        ("spec", .emptyObject, "it has no containers"),
        (
            "spec", ["containers": [["name": "web"]], "serviceAccountName": "web"], "a static pod cannot have spec.serviceAccountName"
        ),
        (
            "spec", ["containers": [["name": "web"]], "volumes": [["name": "a", "secret": ["secretName": "a"]]]],
            "a static pod cannot have a volume of kind secret"
        ),
    ]

    @Test(arguments: wrong) func whatCannotBeIsRefused(_ field: String, _ value: Value, _ problem: String) {
        var file = Self.manifest
        file[field] = value
        #expect(throws: StaticPodFile.Problem(description: problem)) { try Self.pod(file) }
    }

    /// A bench whose kubelet reads files.
    private static func bench() throws -> (Bench, Directory) {
        let place = Mutex("")
        let bench = Bench { configuration in
            configuration.staticPodPath = configuration.rootDirectory + "-manifests"
            place.withLock { $0 = configuration.staticPodPath }
        }
        bench.client.put(.nodes, makeNode(uid: "node-uid"))
        return (bench, try Directory.make(place.withLock { $0 }))
    }

    private static func write(_ file: Value, to directory: Directory) throws {
        try directory.create(".web.yaml", JSON.encode(file), mode: 0o600)
        try directory.rename(".web.yaml", to: "web.yaml")
    }

    private static func mirror(_ bench: Bench) -> Value? { bench.client.object(.pods, "default", "web-node") }

    @Test func aPodRunsAsLongAsItsFileIsThere() async throws {
        let (bench, files) = try Self.bench()
        try await bench.run {
            try Self.write(Self.manifest, to: files)
            try await bench.wait("running", of: "web-node") { $0["phase"].string == "Running" }
            let mirror = try #require(Self.mirror(bench))
            let uid = try Self.uid(Self.manifest)
            #expect(mirror["metadata"]["annotations"][StaticPodFile.mirror].string == uid)
            #expect(mirror["metadata"]["ownerReferences"][0]["uid"].string == "node-uid")
            #expect(bench.runtime.containers(of: uid).count == 1)
            // Deleted by hand, what is shown comes back, and what runs goes on.
            bench.client.markDeleted("web-node", grace: 30)
            try await bench.eventually("shown again") {
                Self.mirror(bench)?["metadata"]["deletionTimestamp"].isNull == true
                    && Self.mirror(bench)?["status"]["phase"].string == "Running"
            }
            #expect(bench.runtime.containers(of: uid).count == 1 && bench.runtime.count("StopPodSandbox") == 0)
            // Another content is another pod, which begins when the first has ended.
            var second = Self.manifest
            second["spec"]["containers"][0]["image"] = "web:2"
            try Self.write(second, to: files)
            let other = try Self.uid(second)
            try await bench.eventually("replaced") {
                bench.runtime.containers(of: uid).isEmpty && bench.runtime.containers(of: other).count == 1
                    && Self.mirror(bench)?["metadata"]["annotations"][StaticPodFile.mirror].string == other
            }
            // Of two files with one pod the first counts, and the other is told of.
            try files.create("x.yaml", JSON.encode(second), mode: 0o600)
            try await bench.eventually("told") {
                bench.events.message("FailedValidation")?.hasSuffix("from file due to duplicate pod name \"web-node\", ignoring") == true
            }
            #expect(bench.runtime.containers(of: other).count == 1)
            files.remove("x.yaml")
            // A file that is no pod leaves what runs alone.
            try files.create(".web.yaml", Array("kind: [".utf8), mode: 0o600)
            try files.rename(".web.yaml", to: "web.yaml")
            bench.client.put(.pods, makePod("next"))
            try await bench.wait("running", of: "next") { $0["phase"].string == "Running" }
            #expect(bench.runtime.containers(of: other).count == 1)
            files.remove("web.yaml")
            try await bench.eventually("gone") { bench.runtime.containers(of: other).isEmpty && Self.mirror(bench) == nil }
        }
    }

    private static func uid(_ file: Value) throws -> String {
        try StaticPodFile.pod(file, path: "web.yaml", nodeName: "node", time: "now").uid
    }

    /// What an earlier kubelet ran goes on; what it showed of a file that is gone is taken away.
    @Test func aRestartChangesNothing() async throws {
        let (bench, files) = try Self.bench()
        try Self.write(Self.manifest, to: files)
        try await bench.run(isFollowed: true) {
            try await bench.wait("running", of: "web-node") { $0["phase"].string == "Running" }
        }
        let told = Self.mirror(bench)
        var stale = makePod("old-node", metadata: ["annotations": [StaticPodFile.mirror: "0"]])
        stale["spec"]["nodeName"] = "node"
        bench.client.put(.pods, stale)
        let second = Bench(after: bench) { $0.staticPodPath = $0.rootDirectory + "-manifests" }
        try await second.run {
            try await second.eventually("taken away") { second.client.object(.pods, "default", "old-node") == nil }
            second.client.put(.pods, makePod("next"))
            try await second.wait("running", of: "next") { $0["phase"].string == "Running" }
            #expect(second.runtime.containers(of: try Self.uid(Self.manifest)).count == 1)
            #expect(Self.mirror(second) == told && second.runtime.count("StopPodSandbox") == 0)
        }
    }
}
