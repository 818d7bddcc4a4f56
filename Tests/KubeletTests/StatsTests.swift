import APIModel
import FileSystem
import Testing

@testable import Kubelet

/// What the node tells of what is in use.
@Suite struct StatsTests {
    @Test func ratesComeFromTwoLooks() {
        let rates = CPURates()
        #expect(rates.rate(of: "c", used: 1_000_000_000, at: 0) == nil)
        // Half a CPU for two seconds.
        #expect(rates.rate(of: "c", used: 2_000_000_000, at: 2_000_000_000) == 500_000_000)
        #expect(rates.rate(of: "c", used: 2_001_000_000, at: 2_001_000_000) == 500_000_000)
        // It started again.
        #expect(rates.rate(of: "c", used: 5, at: 4_000_000_000) == nil)
        rates.keep([])
        #expect(rates.rate(of: "c", used: 9, at: 6_000_000_000) == nil)
    }

    @Test(arguments: ["v1", "v2"]) func readsTheKernel(version: String) throws {
        let place = TemporaryDirectory()
        defer { place.remove() }
        let root = try place.directory
        let files =
            version == "v1"
            ? [
                "cpuacct/pod/cpuacct.usage": "7000\n", "memory/pod/memory.usage_in_bytes": "5000\n",
                "memory/pod/memory.stat": "cache 1\ntotal_rss 3000\ntotal_inactive_file 1000\ntotal_pgfault 4\ntotal_pgmajfault 2\n",
            ]
            : [
                "pod/cpu.stat": "usage_usec 7\nuser_usec 1\n", "pod/memory.current": "5000\n",
                "pod/memory.stat": "anon 3000\ninactive_file 1000\npgfault 4\npgmajfault 2\n",
            ]
        for (path, text) in files {
            _ = try root.make(Files.parent(of: path))
            try root.create(path, Array(text.utf8), mode: 0o644)
        }
        let usage = Usage(group: "/pod", root: place.path)
        #expect(usage.cpuTime == 7000 && usage.memory == 5000 && usage.workingSet == 4000 && usage.rss == 3000)
        #expect(usage.pageFaults == 4 && usage.majorPageFaults == 2)
        #expect(Usage(group: "/none", root: place.path) == Usage())
    }

    @Test func writesLabelsAsTheyMustBe() {
        var exposition = Exposition()
        exposition.add("m", .gauge, "Help.", [.init(labels: [("l", "a\"b\\c\nd")], value: "1", time: 2_000_000), .init(value: "2")])
        exposition.add("none", .counter, "Nothing.", [])
        #expect(exposition.text == "# HELP m Help.\n# TYPE m gauge\nm{l=\"a\\\"b\\\\c\\nd\"} 1 2\nm 2\n")
    }

    @Test func containersAreCounted() async throws {
        let bench = Bench()
        let pods = Pods(context: bench.context)
        try await bench.run(pods) {
            bench.client.put(.pods, makePod())
            try await bench.wait("running") { $0.condition("Ready") == "True" }
            let stats = await NodeStats.look(bench.context, pods)
            let resources = ResourceMetrics.text(stats)
            #expect(
                resources.contains(#"container_cpu_usage_seconds_total{container="web",namespace="default",pod="web"} 2.5 "#))
            #expect(
                resources.contains(#"container_memory_working_set_bytes{container="web",namespace="default",pod="web"} 1048576 "#))
            #expect(resources.contains("node_memory_working_set_bytes "))
            #expect(ContainerMetrics.text(stats, bench.context.machine).contains("machine_cpu_cores "))
            let summary = await StatsSummary(context: bench.context, stats: stats).make()
            let container = summary["pods"][0]["containers"][0]
            #expect(container["name"].string == "web" && container[path: "memory", "workingSetBytes"].int == 1 << 20)
            #expect(container[path: "rootfs", "usedBytes"].int == 4096)
            #expect(summary[path: "node", "memory", "availableBytes"].int ?? 0 > 0)
        }
    }
}
