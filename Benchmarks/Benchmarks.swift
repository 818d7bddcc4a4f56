import Glibc

/// Runs the benchmarks of the project: one line each. Build with `-c release`.
///
/// `Benchmarks [DIR]` measures the store in a directory, the current one by default: commits are as fast as its disk can synchronise; what
/// an API server over such a store pays for each handler, to find objects, for a custom kind, and for a request with and without priority and fairness, and over
/// TLS with and without an audit log, what a flood costs others, and what a name server pays for a query.
/// `Benchmarks cluster KUBECONFIG` measures a running cluster, `Benchmarks plugins DIR` calls into the plugins in a directory, `Benchmarks
/// scheduler DIR [CASE]` has those decide where Pods go, `Benchmarks scheduler-perf DIR [CASE]` in upstream's own cases, `Benchmarks
/// scheduler-scale DIR [NODES]` in clusters of 1,000 to 100,000 nodes with ten Pods each. `Benchmarks controllers
/// KUBECONFIG [PID,…] [CASE…]` gives large things to the controllers of a running cluster, whose processes may be told. `Benchmarks services`
/// puts Services in the packet filter of the network it runs in.
@main
struct Benchmarks {
    static func main() async throws {
        if CommandLine.arguments.count == 3, CommandLine.arguments[1] == "cluster" {
            try await ClusterBenchmark(kubeconfig: CommandLine.arguments[2]).run()
            return
        }
        if CommandLine.arguments.count >= 3, CommandLine.arguments[1] == "controllers" {
            let rest = CommandLine.arguments.dropFirst(3)
            let processes = rest.first.flatMap { $0.allSatisfy { $0.isNumber || $0 == "," } ? $0 : nil }
            try await ControllerBenchmark(
                kubeconfig: CommandLine.arguments[2], processes: processes, names: Array(processes == nil ? rest : rest.dropFirst())
            ).run()
            return
        }
        if CommandLine.arguments.count == 3, CommandLine.arguments[1] == "plugins" {
            try await PluginBenchmark(directory: CommandLine.arguments[2]).run()
            try await AdmissionBenchmark(directory: CommandLine.arguments[2]).run()
            return
        }
        if CommandLine.arguments.count == 2, CommandLine.arguments[1] == "services" { return try ServiceBenchmark().run() }
        if (3...4).contains(CommandLine.arguments.count), CommandLine.arguments[1] == "scheduler" {
            try await SchedulingBenchmark(directory: CommandLine.arguments[2], only: CommandLine.arguments.dropFirst(3).first).run()
            return
        }
        if (3...4).contains(CommandLine.arguments.count), CommandLine.arguments[1] == "scheduler-perf" {
            try await SchedulerPerfBenchmark(directory: CommandLine.arguments[2], only: CommandLine.arguments.dropFirst(3).first).run()
            return
        }
        if (3...4).contains(CommandLine.arguments.count), CommandLine.arguments[1] == "scheduler-scale" {
            var benchmark = SchedulerScaleBenchmark(directory: CommandLine.arguments[2])
            if let nodes = CommandLine.arguments.dropFirst(3).first.flatMap({ Int($0) }) { benchmark.sizes = [nodes] }
            try await benchmark.run()
            return
        }
        let place = CommandLine.arguments.dropFirst().first ?? "."
        try await within(place) { try await StoreBenchmark(path: $0 + "/store.db").run() }
        try await DNSBenchmark().run()
        try await within(place) { try await SelectionBenchmark(path: $0 + "/store.db").run() }
        try await within(place) { try await CustomKindBenchmark(path: $0 + "/store.db").run() }
        let counted = try await within(place) { try await RequestBenchmark(path: $0 + "/store.db", isFair: false).run(against: nil) }
        _ = try await within(place) { try await RequestBenchmark(path: $0 + "/store.db", isFair: true).run(against: counted) }
        for isFair in [true, false] { try await within(place) { try await FloodBenchmark(path: $0, isFair: isFair).run() } }
        try await within(place) { try await AuditBenchmark(path: $0).run() }
    }

    /// Runs `body` with a directory of its own for a store.
    private static func within<Result>(_ place: String, _ body: @Sendable (String) async throws -> Result) async throws -> Result {
        var template = Array("\(place)/benchmark-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            perror("cannot make a directory in \(place)")
            exit(1)
        }
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer {
            for name in ["store.db", "store.db-wal", "store.db.lock", "audit.log"] { unlink(directory + "/" + name) }
            rmdir(directory)
        }
        return try await body(directory)
    }

    /// Does `body` with each of the numbers, 32 at a time.
    static func together(_ range: Range<Int>, _ body: @escaping @Sendable (Int) async throws -> Void) async throws {
        try await withThrowingTaskGroup { group in
            for first in range.prefix(32) {
                group.addTask { for index in stride(from: first, to: range.upperBound, by: 32) { try await body(index) } }
            }
            // `waitForAll` would hear of a failure when all the others have done their part.
            for try await _ in group {}
        }
    }

    /// Prints how often `body` happens in a second, given how many times it does it in one call.
    ///
    /// Returns the nanoseconds that each takes.
    /// - Parameter base: the nanoseconds of something to compare with.
    @discardableResult
    static func rate(_ name: String, _ count: Int, against base: Double? = nil, _ body: () async throws -> Void) async rethrows -> Double {
        let time = try await ContinuousClock().measure { try await body() }
        let each = time / .nanoseconds(1) / Double(count)
        let ratio = base.map { "\tratio \((each / $0 * 1_000).rounded() / 1_000)" } ?? ""
        print("\(name)\(String(repeating: " ", count: max(1, 44 - name.count)))\(Int(1e9 / each))/s\t\(Int(each)) ns each\(ratio)")
        // Seen when it is known, also through a pipe.
        fflush(nil)
        return each
    }
}
