import APIModel
import FileSystem
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Kubelet

/// A disk that is full, at each step of a pod's start.
@Suite struct FullDiskTests {
    /// Files that take what the disk has left for files, until they are removed.
    private final class Filling: Sendable {
        private let directory: Directory
        private let count = Mutex(0)

        init(in path: String) throws {
            directory = try Directory.make(path)
            while (try? directory.create("\(count.withLock { $0 })", [], mode: 0o600)) != nil { count.withLock { $0 += 1 } }
        }

        var isEmpty: Bool { count.withLock { $0 } == 0 }

        func removeOne() {
            let last = count.withLock { count in
                count -= 1
                return count
            }
            directory.remove("\(last)")
        }
    }

    private static let words = "No space left on device"

    /// Of the kubelet's own: what it keeps of claims, logs, volumes, what containers mount.
    @Test func aPodSaysSoAndGoesOnWhenThereIsRoom() async throws {
        let bench = Bench()
        try #require(mount("tmpfs", bench.directory.path, "tmpfs", 0, "size=1m,nr_inodes=100") == 0)
        bench.client.put(.nodes, makeNode())
        let driver = ClaimDriver(root: bench.context.configuration.rootDirectory)
        try await driver.start()
        try await bench.run {
            try await bench.eventually("registered") { bench.context.claims.drivers.isUsable(driver.name) }
            bench.client.put(.pods, makePod("first"))
            try await bench.wait("the kubelet has what it needs itself", of: "first") { $0["phase"].string == "Running" }
            let filling = try Filling(in: bench.directory.path + "/filling")
            bench.client.put(
                PodClaim.objects,
                [
                    "metadata": ["name": "claim", "namespace": "default", "uid": "claim"],
                    "status": [
                        "allocation": ["devices": ["results": [["request": "one", "driver": .string(driver.name)]]]],
                        "reservedFor": [["resource": "pods", "name": "web", "uid": "uid-web"]],
                    ],
                ])
            let container: Value = [
                "name": "web", "image": "new:1", "imagePullPolicy": "IfNotPresent",
                "volumeMounts": [["name": "data", "mountPath": "/data"]],
                "resources": ["claims": [["name": "gpu"]]],
            ]
            let claims: Value = [["name": "gpu", "resourceClaimName": "claim"]]
            bench.client.put(
                .pods,
                makePod(
                    spec: [
                        "containers": [container], "resourceClaims": claims, "volumes": [["name": "data", "emptyDir": .emptyObject]],
                    ]))
            let isRunning = { @Sendable in bench.client.object(.pods, "default", "web")?["status"]["phase"].string == "Running" }
            var told = 0
            // Each time there is room for one file more, it comes as far as that carries it, and says what holds it up then.
            while !isRunning() {
                let before = told
                try await bench.eventually("it says why, or runs") {
                    bench.events.reasons(saying: Self.words).count > before || isRunning()
                }
                told = bench.events.reasons(saying: Self.words).count
                try #require(!filling.isEmpty || isRunning())
                if !filling.isEmpty { filling.removeOne() }
                guard var pod = bench.client.object(.pods, "default", "web") else { continue }
                pod["metadata"]["labels"]["look"] = .string("\(told)")
                bench.client.put(.pods, pod)
            }
            let reasons = Set(bench.events.reasons(saying: Self.words))
            #expect(
                reasons.isSuperset(of: ["FailedMount", "FailedPrepareDynamicResources", "FailedCreatePodSandBox", "Failed"]), "\(reasons)")
            #expect(bench.client.object(.pods, "default", "first")?["status"]["phase"].string == "Running")
            bench.client.markDeleted("web", grace: 0)
            try await bench.eventually("gone") { bench.client.object(.pods, "default", "web") == nil }
            #expect(!bench.context.claims.holds("uid-web"))
        }
        await driver.stop()
    }

    /// Of the runtime's.
    @Test func anImageThatDoesNotFitIsWaitedFor() async throws {
        let bench = Bench()
        bench.runtime.fail("PullImage", RuntimeFailure(code: "Unknown", message: "failed to write layer: \(Self.words)"))
        try await bench.run {
            bench.client.put(.pods, makePod(spec: ["containers": [["name": "web", "image": "new:1"]]]))
            let status = try await bench.wait("it says why") {
                $0["containerStatuses"][0][path: "state", "waiting", "reason"].string == "ErrImagePull"
            }
            let message = status["containerStatuses"][0][path: "state", "waiting", "message"].string ?? ""
            #expect(message.contains(Self.words))
            #expect(bench.events.reasons(saying: Self.words).contains("Failed"))
        }
    }
}
