import APIModel
import FileSystem
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Kubelet

/// A disk that is full: whatever step of a pod it is that finds no room, the pod waits and it is told why, nothing is left behind, and all
/// goes on once there is room.
@Suite struct FullDiskTests {
    private static let words = "no space left on device"

    /// Every way in which a pod's start puts something on the disk.
    private static let spec: Value = [
        "securityContext": ["fsGroup": 4711],
        "containers": [
            [
                "name": "web", "image": "web:1", "lifecycle": ["postStart": ["sleep": ["seconds": 0]]],
                "volumeMounts": [
                    ["name": "settings", "mountPath": "/settings"], ["name": "empty", "mountPath": "/empty", "subPath": "part/inner"],
                    ["name": "all", "mountPath": "/all"],
                ],
            ]
        ],
        "volumes": [
            ["name": "settings", "configMap": ["name": "settings"]], ["name": "empty", "emptyDir": .emptyObject],
            ["name": "all", "projected": ["sources": [["configMap": ["name": "settings"]], ["serviceAccountToken": ["path": "token"]]]]],
        ],
    ]
    private static let settings: Value = [
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "settings", "namespace": "default"],
        "data": ["one": "1", "two": .string(String(repeating: "2", count: 5000))],
    ]

    // MARK: The kubelet's own files

    /// From no room at all, one file or page more each time, to where everything fits.
    @Test(.enabled(if: getuid() == 0), arguments: Filler.allCases)
    func aPodThatStarts(_ filler: Filler) async throws {
        var ran: [Int] = []
        for first in stride(from: 0, to: 64, by: 8) where ran.count < 8 {
            ran = try await withThrowingTaskGroup(of: Int?.self) { group in
                for room in first..<first + 8 { group.addTask { try await starts(with: room, filler) ? room : nil } }
                return try await group.reduce(into: []) { if let room = $1 { $0.append(room) } }
            }
        }
        #expect(ran.count == 8, "a pod needs less than was tried")
    }

    /// Whether the pod ran before there was more room.
    private func starts(with room: Int, _ filler: Filler) async throws -> Bool {
        let bench = Bench()
        let disk = try SmallDisk(bench.directory)
        bench.client.put(.configMaps, Self.settings)
        let ran = Mutex(false)
        try await bench.run {
            let root = bench.context.configuration.rootDirectory
            try await bench.eventually("the kubelet is up") {
                ["device-plugins", "pod-resources"].allSatisfy { Files.exists("\(root)/\($0)/kubelet.sock") }
            }
            try disk.fill(leaving: room, filler)
            bench.client.put(.pods, makePod(spec: Self.spec))
            try await bench.eventually("\(room) left of \(filler): it runs, or says why") {
                bench.runtime.running() == ["web"] || Self.isTold(bench)
            }
            ran.withLock { $0 = bench.runtime.running() == ["web"] }
            disk.free()
            // Whoever waits for a while looks at once when the pod changes.
            if var pod = bench.client.object(.pods, "default", "web") {
                pod["metadata"]["annotations"]["changed"] = "yes"
                bench.client.put(.pods, pod)
            }
            try await bench.wait("\(room) left of \(filler): runs when there is room") { $0["phase"].string == "Running" }
            #expect(bench.runtime.state.withLock { $0.sandboxes.count } == 1)
            // Whole, and without what came to nothing.
            let volume = try Directory.open(bench.context.configuration.podDirectory("uid-web"))
                .directory("volumes/kubernetes.io~configmap/settings")
            let names = try volume.names()
            #expect(names.count == 4, "\(names)")
            #expect(volume.linkTarget("..data").flatMap { volume.read("\($0)/two") }?.count == 5000)
            let empty = "\(bench.context.configuration.podDirectory("uid-web"))/volumes/kubernetes.io~empty-dir/empty"
            #expect(permissions(of: empty) == 0o2777 && Files.status(empty)?.group == 4711)
            // It ends while there is no room for anything.
            try disk.fill(leaving: 0, filler)
            bench.client.markDeleted("web", grace: 1)
            try await bench.eventually("gone") { bench.client.object(.pods, "default", "web") == nil }
            try await bench.eventually("no files") { disk.pods == [] }
        }
        return ran.withLock { $0 }
    }

    private static func isTold(_ bench: Bench) -> Bool {
        let waiting = bench.client.object(.pods, "default", "web")?[path: "status", "containerStatuses"][0]
        let message = waiting?[path: "state", "waiting", "message"].string ?? ""
        // Where in a volume a part of it was not found is nothing for who made the pod.
        return !bench.events.reasons(saying: words).isEmpty || message.contains(words) || message.contains("subPath")
    }

    /// What a running pod was given is not forgotten for want of room, and not given before it is written down.
    @Test(.enabled(if: getuid() == 0)) func aResize() async throws {
        let bench = Bench()
        let disk = try SmallDisk(bench.directory)
        @Sendable func spec(_ cpu: String) -> Value {
            ["containers": [["name": "web", "image": "web:1", "resources": ["requests": ["cpu": .string(cpu)]]]]]
        }
        try await bench.run {
            bench.client.put(.pods, makePod(spec: spec("100m")))
            try await bench.wait("running") { $0["phase"].string == "Running" }
            try disk.fill(leaving: 0, .files)
            bench.client.put(.pods, makePod(spec: spec("200m"), metadata: ["generation": 2]))
            try await bench.eventually("it says why") { bench.events.reasons(saying: Self.words).contains("ResizeError") }
            #expect(bench.runtime.count("UpdateContainerResources") == 0)
            #expect(ResourceRecord.read("uid-web", bench.context.configuration) == nil)
            disk.free()
            bench.client.put(.pods, makePod(spec: spec("200m"), metadata: ["generation": 3]))
            try await bench.eventually("given") { bench.runtime.count("UpdateContainerResources") == 1 }
            try await bench.eventually("told") { bench.events.reasons.contains("ResizeCompleted") }
            let record = ResourceRecord.read("uid-web", bench.context.configuration)
            #expect(record?.allocated["web"]?[path: "requests", "cpu"].string == "200m")
        }
    }

    /// Containers that run go on seeing what they saw.
    @Test(.enabled(if: getuid() == 0)) func filesThatAreInUse() throws {
        let scratch = TemporaryDirectory()
        defer { scratch.remove() }
        let disk = try SmallDisk(scratch)
        let directory = try scratch.directory
        try directory.write("hosts", Array("127.0.0.1 localhost".utf8), mode: 0o644)
        let writer = AtomicWriter(volume: try directory.make("volume"))
        try writer.write(["key": .init(bytes: [1], mode: 0o644)])
        let before = try disk.names()
        try disk.fill(leaving: 0, .pages)
        let long = [UInt8](repeating: 7, count: 10_000)
        #expect(throws: Files.Failure.self) { try directory.write("hosts", long, mode: 0o644) }
        #expect(directory.read("hosts").map { String(decoding: $0, as: UTF8.self) } == "127.0.0.1 localhost")
        for _ in 0..<3 { #expect(throws: Files.Failure.self) { try writer.write(["key": .init(bytes: long, mode: 0o644)]) } }
        #expect(Files.read(scratch.path + "/volume/key") == [1])
        disk.free()
        #expect(try disk.names() == before)
        try directory.write("hosts", Array("::1 here".utf8), mode: 0o644)
        #expect(directory.read("hosts").map { String(decoding: $0, as: UTF8.self) } == "::1 here")
    }

    // MARK: The runtime's, and the API's

    @Test func anImageThatDoesNotFitIsWaitedFor() async throws {
        let words = "No space left on device"
        let bench = Bench()
        bench.runtime.fail("PullImage", RuntimeFailure(code: "Unknown", message: "failed to write layer: \(words)"))
        try await bench.run {
            bench.client.put(.pods, makePod(spec: ["containers": [["name": "web", "image": "new:1"]]]))
            let status = try await bench.wait("it says why") {
                $0["containerStatuses"][0][path: "state", "waiting", "message"].string?.contains(words) == true
            }
            #expect(status["phase"].string == "Pending")
            #expect(bench.events.reasons(saying: words).contains("Failed"))
        }
    }

    @Test(arguments: [("RunPodSandbox", "FailedCreatePodSandBox"), ("CreateContainer", "Failed"), ("StartContainer", "Failed")])
    func whatTheRuntimeHasNoRoomFor(_ method: String, _ reason: String) async throws {
        let bench = Bench()
        bench.runtime.fail(method, RuntimeFailure(code: "Unknown", message: "write /run/x: \(Self.words)"))
        try await bench.run {
            bench.client.put(.pods, makePod())
            try await bench.eventually("it says why") { bench.events.reasons(saying: Self.words).contains(reason) }
            bench.runtime.fail(method, nil)
            // One that did not start waits for the pod's pause; the pod itself can go at any time.
            if method == "RunPodSandbox" { try await bench.wait("running") { $0["phase"].string == "Running" } }
            bench.client.markDeleted("web", grace: 1)
            try await bench.eventually("gone") {
                bench.client.object(.pods, "default", "web") == nil
                    && bench.runtime.state.withLock { $0.sandboxes.isEmpty && $0.containers.isEmpty }
            }
        }
    }

    /// The API's own disk is full: it takes no status.
    @Test func aStatusThatIsNotTaken() async throws {
        let bench = Bench()
        bench.client.refuse("status", APIError(code: 500, reason: .internalError, message: "database or disk is full"))
        try await bench.run {
            bench.client.put(.pods, makePod())
            try await bench.eventually("runs") { bench.runtime.running() == ["web"] }
            try await bench.eventually("was refused") { bench.client.refusals > 1 }
            bench.client.refuse("status", nil)
            try await bench.wait("told") { $0["phase"].string == "Running" }
            #expect(bench.runtime.count("StartContainer") == 1)
        }
    }
}

/// What there is no more of.
enum Filler: CaseIterable { case files, pages }

/// A file system in memory that holds very little, mounted on a test's directory.
private struct SmallDisk: Sendable {
    private static let own = "filler"
    private let directory: Directory
    private let path: String

    init(_ scratch: TemporaryDirectory) throws {
        path = scratch.path
        try #require(mount("tmpfs", path, "tmpfs", 0, "size=512k,nr_inodes=512") == 0, "\(Files.text(errno))")
        directory = try scratch.directory
        _ = try directory.make(Self.own)
        for name in ["kubelet/pods", "logs"] { _ = try directory.make(name) }
    }

    /// Nothing more fits than `count` files, or pages of files.
    func fill(leaving count: Int, _ filler: Filler) throws {
        free()
        let room = try directory.directory(Self.own)
        var number = 0
        func add() -> Bool {
            number += 1
            let bytes = filler == .pages ? [UInt8](repeating: 1, count: 4096) : []
            return (try? room.create("\(number)", bytes, mode: 0o600)) != nil
        }
        // A page is no use without a file to hold it: of those there is enough.
        while add() {}
        for last in 0...count { room.remove("\(number - last)") }
    }

    func free() {
        guard let room = try? directory.directory(Self.own) else { return }
        for name in (try? room.names()) ?? [] { room.remove(name) }
    }

    /// What there is of pods; `nil` when that cannot be read.
    var pods: [String]? {
        try? names().filter { name in ["kubelet/pods/", "logs/"].contains { name.hasPrefix($0) && name != $0 } }
    }

    /// All there is but what fills it.
    func names() throws -> [String] {
        var found: [String] = []
        func look(_ directory: Directory, _ prefix: String) throws {
            for name in try directory.names() where prefix + name != Self.own {
                found.append(prefix + name)
                if let below = try? directory.directory(name) { try look(below, prefix + name + "/") }
            }
        }
        try look(directory, "")
        return found
    }
}
