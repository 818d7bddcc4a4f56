import APIModel
import APIServer
import CEL
import CLinux
import Client
import Logging
import PKI
import Store

/// What a custom kind costs beside a built-in one, in an API server without sockets: its definition until it can be used, its objects listed,
/// a configuration of a kilobyte applied, a rule of ten terms; and what memory a stored object takes.
struct CustomKindBenchmark {
    let path: String
    private static let objects = 10_000
    private static let definitions = GroupVersionResource(
        group: "apiextensions.k8s.io", version: "v1", resource: "customresourcedefinitions")
    private static let group = "bench.example.com"

    func run() async throws {
        let log = Logger(label: "benchmark")
        let store = try Store(path: path, log: log)
        guard let range = DualStack<IPNetwork>("10.96.0.0/16") else {
            throw SelectionBenchmark.Failure(description: "no range for Services")
        }
        let server = APIServer(
            APIServer.Configuration(store: store, serviceRanges: range, serviceAccountKey: ServiceAccountKey(), log: log))
        try await server.start()
        let client = server.client(as: "benchmark", groups: ["system:masters"])
        try await withThrowingTaskGroup { group in
            group.addTask { await server.run() }
            defer { group.cancelAll() }
            try await define(client)
            try await list(client)
            try await apply(client)
        }
        try rule()
        await store.close()
    }

    private static func kind(_ name: String) -> GroupVersionResource {
        GroupVersionResource(group: group, version: "v1", resource: "\(name)s")
    }

    /// Ten definitions, each until its objects can be listed.
    private func define(_ client: any Client) async throws {
        let text: Value = ["type": "string"]
        let data: Value = ["type": "object", "additionalProperties": text]
        try await Benchmarks.rate("api: definition to usable kind", 10) {
            for count in 0..<10 {
                let name = "thing\(count)"
                let names: Value = ["plural": .string("\(name)s"), "singular": .string(name), "kind": .string("Thing\(count)")]
                _ = try await client.create(
                    Self.definitions,
                    [
                        "metadata": ["name": .string("\(name)s.\(Self.group)")],
                        "spec": [
                            "group": .string(Self.group), "scope": "Namespaced", "names": names,
                            "versions": [
                                [
                                    "name": "v1", "served": true, "storage": true,
                                    "schema": ["openAPIV3Schema": ["type": "object", "properties": ["data": data]]],
                                ]
                            ],
                        ],
                    ])
                while (try? await client.list(Self.kind(name), namespace: "default")) == nil { await Task.yield() }
            }
        }
    }

    private static func object(_ kind: String, _ version: String, _ name: String, bytes: Int) -> Value {
        [
            "apiVersion": .string(version), "kind": .string(kind), "metadata": ["name": .string(name)],
            "data": ["text": .string(String(repeating: "x", count: bytes))],
        ]
    }

    private func list(_ client: any Client) async throws {
        let before = apus_heap_in_use()
        try await Benchmarks.together(0..<Self.objects) { count in
            let map = Self.object("ConfigMap", "v1", "map-\(count)", bytes: 200)
            _ = try await client.create(.configMaps, namespace: "default", map)
        }
        // Of what is allocated: the process has had its memory since a larger benchmark before this one.
        let growth = Int(apus_heap_in_use()) - Int(before)
        print("api: memory of a stored object of 200 bytes\t\(growth / Self.objects) bytes")
        let thing = Self.kind("thing0")
        try await Benchmarks.together(0..<Self.objects) { count in
            let object = Self.object("Thing0", "\(Self.group)/v1", "thing-\(count)", bytes: 200)
            _ = try await client.create(thing, namespace: "default", object)
        }
        func lists(_ name: String, _ resource: GroupVersionResource, against base: Double? = nil) async throws -> Double {
            try await Benchmarks.rate(name, 20, against: base) {
                for _ in 0..<20 { _ = try await client.list(resource, namespace: "default") }
            }
        }
        let base = try await lists("api: list of 10,000 built-in objects", .configMaps)
        _ = try await lists("api: list of 10,000 custom objects", thing, against: base)
    }

    private func apply(_ client: any Client) async throws {
        let count = 2_000
        try await Benchmarks.rate("api: apply of 1 KB that changes something", count) {
            for round in 0..<count {
                var map = Self.object("ConfigMap", "v1", "applied", bytes: 1_000)
                map["data"]["round"] = .string("\(round)")
                _ = try await client.patch(
                    .configMaps, namespace: "default", name: "applied", subresource: nil, .apply, map,
                    options: WriteOptions(fieldManager: "benchmark"))
            }
        }
    }

    private func rule() throws {
        let terms = (0..<10).map { "self.a\($0) < \($0 + 1)" }.joined(separator: " && ")
        let program = try Environment.kubernetes.with([Variable("self", .dyn)]).compile(terms)
        var object = Value.emptyObject
        for index in 0..<10 { object["a\(index)"] = .int(Int64(index)) }
        let variables: Variables = ["self": CELValue(object)]
        let count = 100_000
        let time = try ContinuousClock().measure {
            for _ in 0..<count {
                var budget = Budget()
                guard case .bool(true) = try program.evaluate(variables, budget: &budget) else {
                    throw SelectionBenchmark.Failure(description: "the rule does not hold")
                }
            }
        }
        print("cel: rule of ten terms\t\(Int(time / .nanoseconds(1) / Double(count))) ns each")
    }
}
