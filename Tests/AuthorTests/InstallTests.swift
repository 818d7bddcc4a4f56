import Foundation
import Testing

/// `apus plugin install`, `list` and `diff` against an API server and a scheduler that run.
@Suite(.serialized)
struct InstallTests {
    @Test func aPolicyIsInstalledImprovedAndReplaced() throws {
        let bench = try Workbench()
        let cluster = try SmallCluster(bench)
        defer { cluster.remove() }
        let install = ["plugin", "install", "teams/libteams.so", "teams/teams.yaml", "--dir", "plugins", "--data-dir", cluster.data]
        #expect(try bench.apus("plugin", "new", "teams", "--kind", "scheduler-policy", "--language", "c").status == 0)
        #expect(try bench.make("teams").status == 0)

        let first = try cluster.apus(install)
        #expect(first.status == 0)
        #expect(first.lines == ["copied plugins/libteams.so", "plugin teams created", "plugin teams is Shadow"], "\(first.text)")
        let again = try cluster.apus(install)
        #expect(again.lines == ["copied plugins/libteams.so", "plugin teams unchanged", "plugin teams is Shadow"], "\(again.text)")

        let list = try cluster.apus(["plugin", "list", "--data-dir", cluster.data])
        #expect(list.status == 0)
        #expect(
            list.lines.first?.split(separator: " ") == ["NAME", "KIND", "STATE", "ISOLATION", "CALLS", "ERRORS", "P99", "AGE", "REASON"])
        #expect(
            list.lines.contains { $0.split(separator: " ").prefix(4) == ["teams", "SchedulerPolicy", "Shadow", "Process"] }, "\(list.text)")

        #expect(
            try cluster.apus(["plugin", "diff", "teams", "--data-dir", cluster.data]).lines == [
                "no pod was scheduled since teams runs as a shadow"
            ])
        let active = try cluster.apus(["plugin", "diff", "scheduler-default", "--data-dir", cluster.data])
        #expect(active.status == 1)
        #expect(
            active.lines == [
                "error: scheduler-default is no shadow, so there is nothing to compare: "
                    + "a SchedulerPolicy or an Admission with spec.mode Shadow is one"
            ])

        // A version that refuses to be made: it says why, and fails.
        let good = try bench.read("teams/plugin.c")
        try bench.write(good.replacingOccurrences(of: "config.count == 2", with: "config.count == 1"), to: "teams/plugin.c")
        #expect(try bench.make("teams").status == 0)
        let broken = try cluster.apus(install)
        #expect(broken.status == 1)
        #expect(
            broken.lines.last?.hasPrefix("error: teams failed: create answered INVALID: config: there are no settings") == true,
            "\(broken.text)")

        // What the API refuses changes nothing: the library that was there is there again.
        let before = try Data(contentsOf: bench.directory.appending(path: "plugins/libteams.so"))
        try bench.write(good.replacingOccurrences(of: "0.1.0", with: "0.2.0"), to: "teams/plugin.c")
        #expect(try bench.make("teams").status == 0)
        let forbidden = try cluster.apus(install.dropLast(2) + ["--kubeconfig", "\(cluster.data)/kube-scheduler.kubeconfig"])
        #expect(forbidden.status == 1)
        #expect(
            forbidden.lines == [
                "error: plugins.plugins.apus.dev is forbidden: User \"system:kube-scheduler\" cannot create resource \"plugins\" in API group \"plugins.apus.dev\" at the cluster scope"
            ])
        #expect(try Data(contentsOf: bench.directory.appending(path: "plugins/libteams.so")) == before)

        try bench.write(
            try bench.read("teams/teams.yaml").replacingOccurrences(of: "mode: Shadow", with: "mode: Active"), to: "teams/teams.yaml")
        let second = try cluster.apus(install)
        #expect(second.lines == ["copied plugins/libteams.so", "plugin teams configured", "plugin teams is Running"], "\(second.text)")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: bench.directory.appending(path: "plugins").path) == ["libteams.so"],
            "nothing is left beside it")
        #expect(try cluster.apus(["plugin", "list", "--wide", "--data-dir", cluster.data]).text.contains("0.2.0"))
    }

    @Test func aClusterThatDoesNotRunIsListedAsItsFilesSay() throws {
        let bench = try Workbench()
        let list = try bench.apus("plugin", "list", "--data-dir", "nowhere")
        #expect(list.status == 0)
        #expect(list.lines.first == "apus does not run on \(bench.directory.path)/nowhere: this is what its manifest files ask for.")
        #expect(list.lines.contains { $0.split(separator: " ").prefix(3) == ["deployment", "Controller", "Loaded"] }, "\(list.text)")
        #expect(
            list.lines.contains { $0.hasPrefix("example-policy ") && $0.contains(" Skipped ") && $0.hasSuffix("disabled by its manifest") },
            "\(list.text)")
    }
}

/// An API server and a scheduler in a network namespace of their own, with one plugin directory more than usual.
private final class SmallCluster {
    let data: String
    private let bench: Workbench
    private let namespace = "apus-author-\(getpid())"
    private var processes: [Process] = []

    init(_ bench: Workbench) throws {
        try #require(getuid() == 0, "these tests need a network namespace: run them as root")
        self.bench = bench
        data = bench.directory.appending(path: "api").path
        let plugins = bench.directory.appending(path: "plugins").path
        try FileManager.default.createDirectory(atPath: plugins, withIntermediateDirectories: true)
        for words in [["netns", "add", namespace], ["-n", namespace, "link", "set", "lo", "up"]] {
            let made = try Workbench.run(["ip"] + words, in: bench.directory)
            try #require(made.status == 0, "\(made.text)")
        }
        // Searched in order: what others left beside the executable is not ours.
        let directories = ["--plugin-dir", plugins, "--plugin-dir", Workbench.products.path]
        try start(["kube-apiserver", "--data-dir", data, "--secure-port", "7443", "--authorization-mode=Node,RBAC"] + directories)
        var ready = try inside(["kubectl", "--kubeconfig", "\(data)/admin.kubeconfig", "get", "--raw", "/readyz"])
        let deadline = ContinuousClock.now + .seconds(60)
        while ready.status != 0 {
            try #require(ContinuousClock.now < deadline, "the API server is not ready: \(ready.text)")
            Thread.sleep(forTimeInterval: 0.1)
            ready = try inside(["kubectl", "--kubeconfig", "\(data)/admin.kubeconfig", "get", "--raw", "/readyz"])
        }
        try start(["kube-scheduler", "--kubeconfig", "\(data)/kube-scheduler.kubeconfig"] + directories)
    }

    func apus(_ arguments: [String]) throws -> Workbench.Ran { try inside([Workbench.executable] + arguments) }

    func remove() {
        for process in processes { process.terminate() }
        for process in processes { process.waitUntilExit() }
        _ = try? Workbench.run(["ip", "netns", "delete", namespace], in: bench.directory)
    }

    private func inside(_ words: [String]) throws -> Workbench.Ran {
        try Workbench.run(["ip", "netns", "exec", namespace] + words, in: bench.directory)
    }

    private func start(_ words: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["ip", "netns", "exec", namespace, Workbench.executable] + words
        process.standardOutput = FileHandle.nullDevice
        let log = bench.directory.appending(path: "\(words[0]).log")
        try Data().write(to: log)
        process.standardError = try FileHandle(forWritingTo: log)
        try process.run()
        processes.append(process)
    }
}
