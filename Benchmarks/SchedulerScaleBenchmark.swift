import APIModel
import Glibc
import PluginHost
import Scheduler

/// What a decision costs, and how much memory the process takes, as a cluster grows: ten Pods a Node, hollow, up to 100,000 Nodes and 1,000,000 Pods.
/// The scheduling loop decides without an API.
struct SchedulerScaleBenchmark {
    /// Where the library is.
    let directory: String
    /// The numbers of Nodes.
    var sizes = [1_000, 10_000, 100_000]

    private static let podsOfNode = 10
    private static let decisions = 2_000

    func run() async throws {
        let host = try await SchedulingBenchmark(directory: directory).policy()
        for nodes in sizes {
            let loop = SchedulingLoop(seed: 1, keepsFigures: true)
            for index in 0..<nodes { _ = loop.receive(.node(before: nil, after: SchedulingBenchmark.node(index)), now: 0) }
            let running = nodes * Self.podsOfNode
            for index in 0..<running {
                _ = loop.receive(.pod(before: nil, after: Self.pod("there-\(index)", on: "node-\(index % nodes)")), now: 0)
            }
            print("\(nodes) nodes, \(running) pods: \(Self.residentMegabytes) MB resident")
            for kind in [SchedulingBenchmark.Kind.plain, .spread] {
                // The first of them find out what the others only look up.
                for index in 0..<10 { try decide(loop, host, "first-\(kind)-\(index)", kind) }
                try await Benchmarks.rate("  \(kind.rawValue)", Self.decisions) {
                    for index in 0..<Self.decisions { try decide(loop, host, "new-\(kind)-\(index)", kind) }
                }
            }
        }
        await host.stop()
    }

    private func decide(_ loop: SchedulingLoop, _ host: PluginHost, _ name: String, _ kind: SchedulingBenchmark.Kind) throws {
        let pod = SchedulingBenchmark.pod(name, kind, app: 0)
        _ = loop.receive(.pod(before: nil, after: pod), now: 0)
        guard case .bind = loop.cycle(host, now: 0) else { throw SchedulingBenchmark.Failure(description: "\(name) found no Node") }
    }

    /// What Pods of a template have in common is in memory once.
    private static let template: Value = ["containers": [["name": "c", "resources": ["requests": ["cpu": "100m", "memory": "128Mi"]]]]]

    private static func pod(_ name: String, on node: String) -> Object {
        var spec = template
        spec["nodeName"] = .string(node)
        return Object([
            "metadata": ["name": .string(name), "namespace": "default", "uid": .string(name), "labels": ["app": "app-0"]], "spec": spec,
            "status": ["phase": "Running"],
        ])
    }

    /// Of this process.
    private static var residentMegabytes: Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
        let fields = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
        return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * sysconf(Int32(_SC_PAGESIZE)) / 1_000_000
    }
}
