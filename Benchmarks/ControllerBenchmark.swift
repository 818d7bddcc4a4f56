import APIModel
import Client
import FoundationEssentials
import Glibc

/// What controllers take for large things on a running cluster, measured through its HTTPS API, whoever's cluster it is. Pods go to nodes
/// that are only objects, and run because this says so.
struct ControllerBenchmark {
    private static let namespace = "bench"
    private static let nodes = (0..<20).map { "hollow-\($0)" }

    private let client: HTTPSClient
    /// Whose processor time is told, if anybody's.
    private let process: String?

    /// - Parameter process: the id of the process that the controllers run in.
    init(kubeconfig: String, process: String?) throws {
        client = try HTTPSClient(configuration: ClientConfiguration.load(kubeconfig: kubeconfig))
        self.process = process
    }

    func run() async throws {
        try await prepare()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await runPods() }
            group.addTask { try await beat() }
            group.addTask {
                try await measureAll()
                throw Finished()
            }
            do { try await group.waitForAll() } catch is Finished {}
            group.cancelAll()
        }
        await client.shutDown()
    }

    private struct Finished: Error {}

    private func measureAll() async throws {
        try await report("Deployment of 1,000: POST to all Ready") {
            try await make(.deployments, workload("Deployment", "apps/v1", "web", ["replicas": 1000]))
            try await wait(for: .deployments, "web") { $0["status"]["readyReplicas"] == 1000 }
        }
        try await report("Deployment of 1,000: deleted, all gone") { try await removeAll(.deployments, "web") }
        try await report("StatefulSet of 200, parallel: to all Ready") {
            try await make(
                .statefulSets,
                workload("StatefulSet", "apps/v1", "db", ["replicas": 200, "serviceName": "db", "podManagementPolicy": "Parallel"]))
            try await wait(for: .statefulSets, "db") { $0["status"]["readyReplicas"] == 200 }
        }
        try await removeAll(.statefulSets, "db")
        try await report("Job of 5,000, 500 at once: to Complete") {
            var job = workload("Job", "batch/v1", "pi", ["completions": 5000, "parallelism": 500])
            job["spec"]["selector"] = .null
            job["spec"]["template"]["spec"]["restartPolicy"] = "Never"
            try await make(.jobs, job)
            try await wait(for: .jobs, "pi") { $0["status"]["succeeded"] == 5000 }
        }
        try await removeAll(.jobs, "pi")
        let owner = try await client.create(.configMaps, namespace: Self.namespace, map("owner"))
        try await many(10_000) { index in
            var map = map("dependent-\(index)")
            map["metadata"]["ownerReferences"] = [
                ["apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": .string(owner.uid)]
            ]
            return (.configMaps, map)
        }
        try await report("10,000 dependents of an owner: collected") {
            try await client.delete(.configMaps, namespace: Self.namespace, name: "owner")
            try await drain(.configMaps) { !$0.hasPrefix("dependent-") }
        }
        try await many(5000) { index in
            let kind = Self.kinds[index % Self.kinds.count]
            var object = kind.object
            object["metadata"] = ["name": .string("filler-\(index)")]
            return (kind.resource, object)
        }
        try await report("a namespace with 5,000 objects: deleted") {
            let version = try await client.list(.namespaces).resourceVersion
            let events = try await client.watch(.namespaces, namespace: nil, options: ListOptions(resourceVersion: version))
            try await client.delete(.namespaces, name: Self.namespace)
            for try await event in events where event.kind == .deleted && event.object.name == Self.namespace { break }
        }
    }

    private static let kinds: [(resource: GroupVersionResource, object: Value)] = [
        (.configMaps, ["apiVersion": "v1", "kind": "ConfigMap"]), (.secrets, ["apiVersion": "v1", "kind": "Secret"]),
        (.serviceAccounts, ["apiVersion": "v1", "kind": "ServiceAccount"]),
        (kind("", "podtemplates"), ["apiVersion": "v1", "kind": "PodTemplate"]),
        (kind("", "limitranges"), ["apiVersion": "v1", "kind": "LimitRange", "spec": ["limits": []]]),
        (kind("rbac.authorization.k8s.io", "roles"), ["apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": []]),
        (
            kind("networking.k8s.io", "networkpolicies"),
            ["apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": ["podSelector": .emptyObject]]
        ),
        (
            kind("policy", "poddisruptionbudgets"),
            [
                "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
                "spec": ["minAvailable": 1, "selector": ["matchLabels": ["a": "b"]]],
            ]
        ),
        (kind("coordination.k8s.io", "leases"), ["apiVersion": "coordination.k8s.io/v1", "kind": "Lease"]),
    ]

    private static func kind(_ group: String, _ resource: String) -> GroupVersionResource {
        GroupVersionResource(group: group, version: "v1", resource: resource)
    }

    // MARK: Objects

    private func workload(_ kind: String, _ version: String, _ name: String, _ spec: Value) -> Value {
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

    private func map(_ name: String) -> Value { ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name)]] }

    private func make(_ resource: GroupVersionResource, _ object: Value) async throws {
        _ = try await client.create(resource, namespace: Self.namespace, object)
    }

    private func many(_ count: Int, _ object: (Int) -> (GroupVersionResource, Value)) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<count {
                if index >= 32 { try await group.next() }
                let (resource, object) = object(index)
                group.addTask { try await make(resource, object) }
            }
            try await group.waitForAll()
        }
    }

    private func prepare() async throws {
        _ = try await client.create(
            .namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(Self.namespace)]])
        for node in Self.nodes {
            _ = try await client.create(
                .nodes,
                [
                    "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(node)],
                    "spec": ["unschedulable": true],
                ])
        }
        let accounts = try await client.watch(.serviceAccounts, namespace: Self.namespace, options: ListOptions())
        for try await event in accounts where event.object.name == "default" { break }
    }

    // MARK: What runs

    /// Says that nodes live.
    private func beat() async throws {
        while true {
            let now = Value.string(Timestamp.now())
            for node in Self.nodes {
                let ready: Value = [
                    "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "", "lastHeartbeatTime": now,
                    "lastTransitionTime": now,
                ]
                _ = try await client.patch(
                    .nodes, name: node, subresource: "status", .strategicMerge, ["status": ["conditions": [ready]]])
            }
            try await Task.sleep(for: .seconds(10))
        }
    }

    /// Lets Pods run, end or go.
    private func runPods() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            var running = 0
            for try await event in try await client.watch(.pods, namespace: Self.namespace, options: ListOptions()) {
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

    private func wait(for resource: GroupVersionResource, _ name: String, _ isDone: (Value) -> Bool) async throws {
        for try await event in try await client.watch(resource, namespace: Self.namespace, options: ListOptions())
        where event.object.name == name && isDone(event.object.value) { return }
    }

    private func removeAll(_ resource: GroupVersionResource, _ name: String) async throws {
        try await client.delete(resource, namespace: Self.namespace, name: name, options: ["propagationPolicy": "Background"])
        try await drain(.pods) { _ in false }
    }

    /// Returns when none is left but those that may stay.
    private func drain(_ resource: GroupVersionResource, mayStay: (String) -> Bool) async throws {
        let list = try await client.list(resource, namespace: Self.namespace)
        var left = Set(list.items.map(\.name).filter { !mayStay($0) })
        let options = ListOptions(resourceVersion: list.resourceVersion)
        if left.isEmpty { return }
        for try await event in try await client.watch(resource, namespace: Self.namespace, options: options) where event.kind == .deleted {
            left.remove(event.object.name)
            if left.isEmpty { return }
        }
    }

    private func report(_ name: String, _ body: () async throws -> Void) async throws {
        let before = processorTime
        let time = try await ContinuousClock().measure { try await body() }
        let used = processorTime.flatMap { after in before.map { "\t\(after - $0) ms of a processor" } } ?? ""
        print("\(name)\(String(repeating: " ", count: max(1, 44 - name.count)))\(Int(time / .milliseconds(1))) ms\(used)")
    }

    /// In milliseconds, since the process began.
    private var processorTime: Int? {
        guard let process, let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return nil }
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Int(fields[11]), let system = Int(fields[12]) else { return nil }
        return (user + system) * 1000 / sysconf(Int32(_SC_CLK_TCK))
    }
}

extension GroupVersionResource {
    fileprivate static let deployments = GroupVersionResource(group: "apps", version: "v1", resource: "deployments")
    fileprivate static let statefulSets = GroupVersionResource(group: "apps", version: "v1", resource: "statefulsets")
    fileprivate static let jobs = GroupVersionResource(group: "batch", version: "v1", resource: "jobs")
}
