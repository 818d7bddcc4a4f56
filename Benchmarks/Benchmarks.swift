import Glibc

/// Runs the benchmarks of the project: one line each. Build with `-c release`.
///
/// `Benchmarks [DIR]` measures the store in a directory, the current one by default: commits are as fast as its disk can synchronise.
/// `Benchmarks cluster KUBECONFIG` measures a running cluster, `Benchmarks plugins DIR` calls into the plugins in a directory.
@main
struct Benchmarks {
    static func main() async throws {
        if CommandLine.arguments.count == 3, CommandLine.arguments[1] == "cluster" {
            try await ClusterBenchmark(kubeconfig: CommandLine.arguments[2]).run()
            return
        }
        if CommandLine.arguments.count == 3, CommandLine.arguments[1] == "plugins" {
            try await PluginBenchmark(directory: CommandLine.arguments[2]).run()
            return
        }
        let place = CommandLine.arguments.dropFirst().first ?? "."
        var template = Array("\(place)/benchmark-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            perror("cannot make a directory in \(place)")
            exit(1)
        }
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let benchmark = StoreBenchmark(path: directory + "/store.db")
        defer {
            for suffix in ["", "-wal", ".lock"] { unlink(benchmark.path + suffix) }
            rmdir(directory)
        }
        try await benchmark.run()
    }

    /// Prints how often `body` happens in a second, given how many times it does it in one call.
    static func rate(_ name: String, _ count: Int, _ body: () async throws -> Void) async rethrows {
        let time = try await ContinuousClock().measure { try await body() }
        let perSecond = Double(count) / (time / .seconds(1))
        print(
            "\(name)\(String(repeating: " ", count: max(1, 44 - name.count)))\(Int(perSecond))/s\t\(Int(time / .microseconds(1)) * 1_000 / count) ns each"
        )
    }
}
