import APIModel
import Client
import FoundationEssentials
import Glibc

/// What controllers take for large things on a running cluster, measured through its HTTPS API, whoever's cluster it is. Pods go to nodes
/// that are only objects, and run because this says so.
struct ControllerBenchmark {
    static let namespace = "bench"
    private static let nodes = (0..<20).map { "hollow-\($0)" }

    let client: HTTPSClient
    /// Has a connection of its own: changes that nobody reads yet would hold up what is asked on the same one.
    private let kubelet: HTTPSClient
    /// Whose processor time is told, all together.
    private let processes: [String]
    private let cases: [Case]

    /// - Parameters:
    ///   - processes: the ids of the processes that the cluster consists of, with commas between.
    ///   - names: the cases to run; all where there is none.
    init(kubeconfig: String, processes: String?, names: [String]) throws {
        for name in names where !Self.cases.contains(where: { $0.name == name }) {
            throw UnknownCase(description: "there is no case \(name): \(Self.cases.map(\.name).joined(separator: ", "))")
        }
        client = try HTTPSClient(configuration: ClientConfiguration.load(kubeconfig: kubeconfig))
        kubelet = try HTTPSClient(configuration: ClientConfiguration.load(kubeconfig: kubeconfig))
        self.processes = processes?.split(separator: ",").map(String.init) ?? []
        cases = Self.cases.filter { names.isEmpty || names.contains($0.name) }
    }

    private struct UnknownCase: Error, CustomStringConvertible { var description: String }

    func run() async throws {
        try await prepare()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await runPods() }
            group.addTask { try await beat() }
            group.addTask {
                for each in cases { try await each.run(self) }
                throw Finished()
            }
            do { for try await _ in group {} } catch is Finished {}
            group.cancelAll()
        }
        await client.shutDown()
        await kubelet.shutDown()
    }

    private struct Finished: Error {}

    // MARK: Objects

    func workload(_ kind: String, _ version: String, _ name: String, _ spec: Value) -> Value {
        var object: Value = ["apiVersion": .string(version), "kind": .string(kind), "metadata": ["name": .string(name)], "spec": spec]
        object["spec"]["selector"] = ["matchLabels": ["app": .string(name)]]
        object["spec"]["template"] = [
            "metadata": ["labels": ["app": .string(name)]],
            "spec": [
                "nodeName": .string(Self.nodes[name.utf8.count % Self.nodes.count]), "terminationGracePeriodSeconds": 0,
                "containers": [["name": "c", "image": "none"]],
            ],
        ]
        return object
    }

    func map(_ name: String) -> Value { ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name)]] }

    func make(_ resource: GroupVersionResource, _ object: Value) async throws {
        _ = try await client.create(resource, namespace: Self.namespace, object)
    }

    private func prepare() async throws {
        try await makeNamespace(Self.namespace)
        for node in Self.nodes {
            _ = try await client.create(
                .nodes,
                [
                    "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(node)],
                    "spec": ["unschedulable": true],
                ])
        }
    }

    /// Returns when Pods can be made in it.
    func makeNamespace(_ name: String) async throws {
        _ = try await client.create(.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]])
        let accounts = try await client.watch(.serviceAccounts, namespace: name, options: ListOptions())
        for try await event in accounts where event.object.name == "default" { break }
    }

    // MARK: What runs

    /// Says that nodes live.
    private func beat() async throws {
        while true {
            for node in Self.nodes { try await setReady(node) }
            try await Task.sleep(for: .seconds(10))
        }
    }

    func setReady(_ node: String) async throws {
        let now = Value.string(Timestamp.now())
        let ready: Value = [
            "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "", "lastHeartbeatTime": now, "lastTransitionTime": now,
        ]
        _ = try await client.patch(.nodes, name: node, subresource: "status", .strategicMerge, ["status": ["conditions": [ready]]])
    }

    /// Lets Pods run, end or go.
    private func runPods() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            var running = 0
            for try await event in try await kubelet.watch(.pods, namespace: Self.namespace, options: ListOptions()) {
                guard event.kind == .added || event.kind == .modified else { continue }
                if running >= 64 { try await group.next() } else { running += 1 }
                group.addTask { try await advance(event.object) }
            }
        }
    }

    private func advance(_ pod: Object) async throws {
        do {
            if pod.isBeingDeleted {
                try await client.delete(.pods, namespace: pod.namespace, name: pod.name, options: ["gracePeriodSeconds": 0])
            } else if pod.value["status"]["phase"].string == "Pending" {
                let ends = pod.value["spec"]["restartPolicy"].string == "Never"
                let ready: Value = ["type": "Ready", "status": ends ? "False" : "True", "lastTransitionTime": .string(Timestamp.now())]
                _ = try await client.patch(
                    .pods, namespace: pod.namespace, name: pod.name, subresource: "status", .strategicMerge,
                    ["status": ["phase": ends ? "Succeeded" : "Running", "conditions": [ready]]])
            }
        } catch let error as APIError where [.notFound, .conflict].contains(error.reason) {}
    }

    // MARK: Waiting

    func wait(for resource: GroupVersionResource, _ name: String, _ isDone: (Value) -> Bool) async throws {
        for try await event in try await client.watch(resource, namespace: Self.namespace, options: ListOptions())
        where event.object.name == name && isDone(event.object.value) { return }
    }

    func removeAll(_ resource: GroupVersionResource, _ name: String) async throws {
        try await client.delete(resource, namespace: Self.namespace, name: name, options: ["propagationPolicy": "Background"])
        try await drain(.pods) { _ in false }
    }

    /// Returns when none is left but those that may stay.
    func drain(_ resource: GroupVersionResource, mayStay: (String) -> Bool) async throws {
        let list = try await client.list(resource, namespace: Self.namespace)
        var left = Set(list.items.map(\.name).filter { !mayStay($0) })
        let options = ListOptions(resourceVersion: list.resourceVersion)
        if left.isEmpty { return }
        for try await event in try await client.watch(resource, namespace: Self.namespace, options: options) where event.kind == .deleted {
            left.remove(event.object.name)
            if left.isEmpty { return }
        }
    }

    func report(_ name: String, _ body: () async throws -> Void) async throws {
        let before = processorTime
        let time = try await ContinuousClock().measure { try await body() }
        let used = processorTime.flatMap { after in before.map { "\t\(after - $0) ms of a processor" } } ?? ""
        print("\(name)\(String(repeating: " ", count: max(1, 44 - name.count)))\(Int(time / .milliseconds(1))) ms\(used)")
        // Seen when it is known, also through a pipe.
        fflush(nil)
    }

    /// In milliseconds, since the processes began.
    private var processorTime: Int? {
        let ticks = processes.compactMap { process -> Int? in
            guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return nil }
            let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
            guard fields.count > 12, let user = Int(fields[11]), let system = Int(fields[12]) else { return nil }
            return user + system
        }
        return ticks.isEmpty ? nil : ticks.reduce(0, +) * 1000 / sysconf(Int32(_SC_CLK_TCK))
    }
}
