import APIModel
import Client
import FoundationEssentials
import Glibc

/// What a user waits for on a running cluster, measured through its HTTPS API. `scripts/bench` starts the cluster and loads the image.
struct ClusterBenchmark {
    /// Where other pods are, for which nobody looks at the namespace of one's own.
    private static let foreign = "kube-public"
    private static let image = "apus.local/hello:1"
    private let client: HTTPSClient

    init(kubeconfig: String) throws { client = try HTTPSClient(configuration: ClientConfiguration.load(kubeconfig: kubeconfig)) }

    func run() async throws {
        try await waitForAccount()
        let alone = try await report("pod: POST to Running, one at a time", of: 20) { try await cycle("bench-\($0)") }
        try await report("pods: 20 POSTed to all Ready", of: 3) { index in
            let names = (0..<20).map { "many-\(index)-\($0)" }
            let time = try await running(names)
            try await remove(names)
            return time
        }
        _ = try await running(["backend"])
        try await report("service: POST to first connection", of: 10) { index in try await connected("service-\(index)") }
        try await remove(["backend"])
        try await amongOthers {
            try await report("pod: POST to Running, among 10,000", of: 20, against: alone) { try await cycle("late-\($0)") }
        }
        await client.shutDown()
    }

    /// What the scheduler and the kubelet do for one pod, until it runs and until nothing is left of it.
    /// - Returns: the time until it runs.
    private func cycle(_ name: String) async throws -> Duration {
        let time = try await running([name])
        try await remove([name])
        return time
    }

    /// Runs `body` while the store has 10,000 pods of a node that is no business of this one's kubelet.
    private func amongOthers(_ body: () async throws -> Void) async throws {
        let client = client
        let (others, node) = (0..<10_000, "elsewhere")
        _ = try await client.create(.nodes, ["metadata": ["name": .string(node)], "spec": ["unschedulable": true]])
        try await Benchmarks.together(others) { index in
            var pod = Self.pod("other-\(index)")
            pod["spec"]["nodeName"] = .string(node)
            _ = try await client.create(.pods, namespace: Self.foreign, pod)
        }
        try await body()
        try await Benchmarks.together(others) { try await client.delete(.pods, namespace: Self.foreign, name: "other-\($0)") }
        try await client.delete(.nodes, name: node)
    }

    /// Prints median, fastest and slowest of `count` runs, and returns the median.
    @discardableResult
    private func report(
        _ name: String, of count: Int, against base: Duration? = nil, _ body: (Int) async throws -> Duration
    ) async throws -> Duration {
        var times: [Duration] = []
        for index in 0..<count { times.append(try await body(index)) }
        times.sort()
        func text(_ time: Duration) -> String { "\(Int(time / .milliseconds(1))) ms" }
        let ratio = base.map { "\tratio \((times[count / 2] / $0 * 100).rounded() / 100)" } ?? ""
        print(
            "\(name)\(String(repeating: " ", count: max(1, 44 - name.count)))\(text(times[count / 2]))\tof \(count): \(text(times[0])) to \(text(times[count - 1]))\(ratio)"
        )
        return times[count / 2]
    }

    /// From the first POST until a watch has seen every pod Running and ready.
    private func running(_ names: [String]) async throws -> Duration {
        let version = try await client.list(.pods, namespace: "default").resourceVersion
        let events = try await client.watch(.pods, namespace: "default", options: ListOptions(resourceVersion: version))
        let begin = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in names { group.addTask { _ = try await client.create(.pods, namespace: "default", Self.pod(name)) } }
            try await group.waitForAll()
        }
        var waiting = Set(names)
        for try await event in events {
            let status = event.object.value["status"]
            let isReady = status["conditions"].elements.contains { $0["type"].string == "Ready" && $0["status"].string == "True" }
            if status["phase"].string == "Running", isReady { waiting.remove(event.object.name) }
            if waiting.isEmpty { break }
        }
        return ContinuousClock.now - begin
    }

    private static func pod(_ name: String) -> Value {
        [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name), "labels": ["bench": .string(name)]],
            "spec": [
                "terminationGracePeriodSeconds": 0,
                "containers": [
                    ["name": "web", "image": .string(image), "imagePullPolicy": "Never", "ports": [["containerPort": 8080]]]
                ],
            ],
        ]
    }

    /// Deletes pods and returns when they are gone, sandboxes and all: these end after the API has forgotten the pod, and one run must not
    /// slow the next.
    private func remove(_ names: [String]) async throws {
        let version = try await client.list(.pods, namespace: "default").resourceVersion
        let events = try await client.watch(.pods, namespace: "default", options: ListOptions(resourceVersion: version))
        for name in names { try await client.delete(.pods, namespace: "default", name: name) }
        var waiting = Set(names)
        for try await event in events where event.kind == .deleted {
            waiting.remove(event.object.name)
            if waiting.isEmpty { break }
        }
        let begin = ContinuousClock.now
        while Self.shims > 0, ContinuousClock.now - begin < .seconds(30) { try await Task.sleep(for: .milliseconds(20)) }
    }

    /// How many sandboxes have a shim.
    private static var shims: Int {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.count { (try? String(contentsOfFile: "/proc/\($0)/comm", encoding: .utf8))?.hasPrefix("containerd-shim") == true }
    }

    private func connected(_ name: String) async throws -> Duration {
        let begin = ContinuousClock.now
        let service = try await client.create(
            .services, namespace: "default",
            [
                "apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name)],
                "spec": ["selector": ["bench": "backend"], "ports": [["port": 80, "targetPort": 8080]]],
            ])
        let address = service.value["spec"]["clusterIP"].string ?? ""
        while !Self.connects(address, 80) {
            guard ContinuousClock.now - begin < .seconds(10) else {
                throw APIError.internalError("no connection to \(address) within 10 s")
            }
        }
        let time = ContinuousClock.now - begin
        try await client.delete(.services, namespace: "default", name: name)
        return time
    }

    /// Whether a connection opens within 20 ms.
    private static func connects(_ host: String, _ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, host, &address.sin_addr)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&wait, 1, 20) == 1 else { return false }
        var error: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0
    }

    /// The first pod of a namespace needs its ServiceAccount, which a controller makes.
    private func waitForAccount() async throws {
        for try await event in try await client.watch(.serviceAccounts, namespace: "default", options: ListOptions())
        where event.object.name == "default" { return }
    }
}
