import APIModel
import Client
import Logging
import PluginHost
import Scheduler

/// What a decision costs without the API: the scheduling loop with the default policy on 5,000 Nodes in three zones, with 10,000 Pods there
/// already, and one that no Node suits. Each decision is assumed, as in a cluster, so what is counted changes with every one.
struct SchedulingBenchmark {
    /// Where the library is.
    let directory: String
    /// The only case, such as `spread`; `nil` for all.
    var only: String?
    private static let nodes = 5_000
    private static let pods = 10_000

    enum Kind: String, CaseIterable {
        case plain = "nothing special"
        case antiAffinity = "anti-affinity by host"
        case affinity = "affinity by zone"
        case preferred = "preferred affinity by zone"
        case spread = "spread over zones and hosts"
        case everything = "all of these"
        case service = "a Service for each app"
    }

    func run() async throws {
        let host = try await policy()
        for kind in Kind.allCases where only == nil || only == "\(kind)" {
            let loop = SchedulingLoop(seed: 1, keepsFigures: true)
            for index in 0..<Self.nodes { _ = loop.receive(.node(before: nil, after: Self.node(index)), now: 0) }
            if kind == .service {
                for app in 0..<100 { _ = loop.receive(.group(.services, before: nil, after: Self.service(app)), now: 0) }
            }
            for index in 0..<Self.pods {
                _ = loop.receive(
                    .pod(before: nil, after: Self.pod("there-\(index)", kind, app: index % 100, on: index % Self.nodes)), now: 0)
            }
            try park(loop, host)
            let decisions = 5_000
            // One of each app first: what is found out about it once is not what is measured.
            for index in 0..<200 { try decide(loop, host, Self.pod("first-\(index)", kind, app: index % 100)) }
            let pods = (0..<decisions).map { Self.pod("new-\($0)", kind, app: $0 % 100) }
            try await Benchmarks.rate("scheduler: \(kind.rawValue)", decisions) { for pod in pods { try decide(loop, host, pod) } }
        }
        if only == nil || only == "preemption" { try await preempt(host) }
        await host.stop()
    }

    struct Failure: Error, CustomStringConvertible { let description: String }

    private func decide(_ loop: SchedulingLoop, _ host: PluginHost, _ pod: Object) throws {
        _ = loop.receive(.pod(before: nil, after: pod), now: 0)
        guard case .bind = loop.cycle(host, now: 0) else { throw Failure(description: "\(pod.name) found no Node") }
    }

    /// A Pod that has to wait.
    private func park(_ loop: SchedulingLoop, _ host: PluginHost) throws {
        _ = loop.receive(.pod(before: nil, after: Self.pod("parked", .plain, app: 0, cpu: "1000")), now: 0)
        guard case .unschedulable = loop.cycle(host, now: 0) else { throw Failure(description: "what should be parked found a Node") }
    }

    /// Every Node is full of Pods that are less important.
    private func preempt(_ host: PluginHost) async throws {
        let loop = SchedulingLoop(seed: 1, keepsFigures: true)
        for index in 0..<Self.nodes { _ = loop.receive(.node(before: nil, after: Self.node(index)), now: 0) }
        for index in 0..<Self.pods {
            let pod = Self.pod("there-\(index)", .plain, app: index % 100, on: index % Self.nodes, cpu: "2")
            _ = loop.receive(.pod(before: nil, after: pod), now: 0)
        }
        try park(loop, host)
        let decisions = 200
        try await Benchmarks.rate("scheduler: preemption", decisions) {
            for index in 0..<decisions {
                let pod = Self.pod("new-\(index)", .plain, app: 0, cpu: "2", priority: 1000)
                _ = loop.receive(.pod(before: nil, after: pod), now: 0)
                guard case .unschedulable(_, _, .node(_, let victims, _)) = loop.cycle(host, now: 0), victims.count == 1 else {
                    throw Failure(description: "nobody would go for \(pod.name)")
                }
            }
        }
    }

    static func node(_ index: Int) -> Object {
        Object([
            "apiVersion": "v1", "kind": "Node",
            "metadata": [
                "name": .string("node-\(index)"),
                "labels": [
                    "kubernetes.io/hostname": .string("node-\(index)"), "topology.kubernetes.io/zone": .string("zone-\(index % 3)"),
                ],
            ],
            "status": ["allocatable": ["cpu": "4", "memory": "32Gi", "pods": "110"]],
        ])
    }

    /// Its Pods are spread over hosts and zones unless they say otherwise.
    private static func service(_ app: Int) -> Object {
        Object([
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": .string("app-\(app)"), "namespace": "default"],
            "spec": ["selector": ["app": .string("app-\(app)")]],
        ])
    }

    static func pod(_ name: String, _ kind: Kind, app: Int, on node: Int? = nil, cpu: String = "100m", priority: Int64 = 0)
        -> Object
    {
        let selector: Value = ["matchLabels": ["app": .string("app-\(app)")]]
        func term(_ key: String) -> Value { ["topologyKey": .string(key), "labelSelector": selector] }
        var spec: Value = [
            "priority": .int(priority),
            "containers": [["name": "c", "resources": ["requests": ["cpu": .string(cpu), "memory": "128Mi"]]]],
        ]
        let (host, zone) = ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
        if kind == .antiAffinity || kind == .everything {
            spec["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] = [term(host)]
        }
        if kind == .affinity || kind == .everything {
            spec["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] = [term(zone)]
        }
        if kind == .preferred || kind == .everything {
            spec["affinity"]["podAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"] = [
                ["weight": 10, "podAffinityTerm": term(zone)]
            ]
        }
        if kind == .spread || kind == .everything {
            spec["topologySpreadConstraints"] = [
                ["maxSkew": 50, "topologyKey": .string(zone), "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector],
                ["maxSkew": 1, "topologyKey": .string(host), "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": selector],
            ]
        }
        if let node { spec["nodeName"] = .string("node-\(node)") }
        return Object([
            "apiVersion": "v1", "kind": "Pod",
            "metadata": [
                "name": .string(name), "namespace": "default", "uid": .string(name), "resourceVersion": "1",
                "labels": ["app": .string("app-\(app)")],
            ],
            "spec": spec, "status": ["phase": "Pending"],
        ])
    }

    func policy() async throws -> PluginHost {
        let log = Logger(label: "benchmark")
        let host = PluginHost(PluginHost.Configuration(manifestDirectory: directory, libraryDirectories: [directory]), log: log)
        try host.load([
            PluginManifest(
                object: [
                    "apiVersion": "plugins.apus.dev/v1alpha1", "kind": "Plugin", "metadata": ["name": "scheduler-default"],
                    "spec": ["kind": "SchedulerPolicy", "library": "libscheduler-default.so", "component": "default", "required": true],
                ])
        ])
        let client = NoAPI()
        try await host.start(services: HostServices(client: client, cache: Cache(client: client, log: log)))
        return host
    }
}
