import APIModel
import Client
import Glibc
import Logging
import PluginAPI
import PluginConformance
import PluginHost

/// What a call into a plugin costs: through the plugin's own pointer, with everything the host counts and checks, and in a process of its
/// own. The plugin is the example policy, whose `score` does next to nothing for one Node.
struct PluginBenchmark {
    /// Where the libraries are.
    let directory: String
    private static let calls = 200_000

    func run() async throws {
        let plain = try await policy(isolation: "None")
        let isolated = try await policy(isolation: "Process")
        for count in [1, 5_000] {
            let table = SchedulingTable((0..<count).map { NodeSample("node-\($0)") }, pod: PodSample("pod"), isShared: true)
            let calls = count == 1 ? Self.calls : 2_000
            let direct = try measure(table, calls, try Self.direct("\(directory)/libexample-policy.so"))
            let counted = try measure(table, calls) { plain.policy.score(table.pod, table.nodes, $0, $1).status }
            let crossing = try measure(table, calls) { isolated.policy.score(table.pod, table.nodes, $0, $1).status }
            let nodes = "\(count) node\(count == 1 ? "" : "s")"
            report("plugin: score of \(nodes), own pointer", direct)
            report("plugin: score of \(nodes), instrumented", counted, beyond: direct)
            report("plugin: score of \(nodes), isolated", crossing, beyond: direct)
        }
        await plain.host.stop()
        await isolated.host.stop()
        for (isolation, words) in [("None", "in the host"), ("Process", "in a process of its own")] {
            var best = Duration.seconds(3600)
            for _ in 0..<7 {
                let start = ContinuousClock.now
                let host = try await policy(isolation: isolation).host
                best = min(best, .now - start)
                await host.stop()
            }
            report("plugin: made and started, \(words)", best / .nanoseconds(1))
        }
    }

    private typealias Score = (UnsafePointer<UInt64>, UnsafeMutablePointer<Int32>) -> apus_status

    struct Failure: Error, CustomStringConvertible { let description: String }

    /// Nanoseconds a call, the best of five rounds: what disturbs a round only makes it longer.
    private func measure(_ table: SchedulingTable, _ calls: Int, _ score: Score) throws -> Double {
        let count = Int(table.nodes.pointee.count)
        let points = UnsafeMutablePointer<Int32>.allocate(capacity: count)
        points.initialize(repeating: 0, count: count)
        defer { points.deallocate() }
        return try table.present.withUnsafeBufferPointer { present in
            let feasible = present.baseAddress!
            var best = Double.infinity
            for _ in 0..<5 {
                var answers: apus_status = 0
                let time = ContinuousClock().measure { for _ in 0..<calls { answers |= score(feasible, points) } }
                guard answers == APUS_OK else { throw Failure(description: "score answered \(answers)") }
                best = min(best, time / .nanoseconds(1) / Double(calls))
            }
            return best
        }
    }

    private func measure(_ table: SchedulingTable, _ calls: Int, _ slot: apus_scheduler_policy) throws -> Double {
        let (score, pod, nodes) = (slot.score!, table.pod, table.nodes)
        var sink = apus_sink(size: UInt32(MemoryLayout<apus_sink>.size), context: nil) { _, _ in }
        return try withUnsafePointer(to: &sink) { sink in try measure(table, calls) { score(nil, pod, nodes, $0, $1, sink) } }
    }

    private func report(_ name: String, _ nanoseconds: Double, beyond direct: Double? = nil) {
        let extra = direct.map { "\tthe call itself: \(Int(nanoseconds - $0)) ns, ratio \((nanoseconds / $0 * 10).rounded() / 10)" } ?? ""
        print("\(name)\(String(repeating: " ", count: max(1, 44 - name.count)))\((nanoseconds * 10).rounded() / 10) ns each\(extra)")
    }

    /// The plugin's own table.
    private static func direct(_ path: String) throws -> apus_scheduler_policy {
        typealias Entry = @convention(c) () -> UnsafePointer<apus_plugin>
        guard let library = dlopen(path, RTLD_NOW | RTLD_LOCAL), let entry = dlsym(library, "apus_plugin_entry") else {
            throw Failure(description: "\(path) cannot be loaded")
        }
        return unsafeBitCast(entry, to: Entry.self)().pointee.components[0].pointee.table.load(as: apus_scheduler_policy.self)
    }

    private func policy(isolation: String) async throws -> (host: PluginHost, policy: SchedulerPolicy) {
        var configuration = PluginHost.Configuration(manifestDirectory: directory, libraryDirectories: [directory])
        configuration.childExecutable = "\(directory)/apus"
        let log = Logger(label: "benchmark")
        let host = PluginHost(configuration, log: log)
        try host.load([
            PluginManifest(
                object: [
                    "apiVersion": "plugins.apus.dev/v1alpha1", "kind": "Plugin", "metadata": ["name": "example-policy"],
                    "spec": [
                        "kind": "SchedulerPolicy", "library": "libexample-policy.so", "component": "spread", "required": true,
                        "isolation": .string(isolation),
                    ],
                ])
        ])
        let client = NoAPI()
        try await host.start(services: HostServices(client: client, cache: Cache(client: client, log: log)))
        return (host, host.schedulerPolicies[0])
    }
}
