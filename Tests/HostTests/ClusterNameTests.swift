import APIModel
import Foundation
import Testing

@testable import Host

/// Clusters of one machine do not meet.
@Suite struct ClusterNameTests {
    private static let all = [ClusterName.first] + ClusterName.numbers.map { ClusterName(name: "c\($0)", number: $0) }

    @Test func nothingOfOneIsAnothers() {
        for property in [
            \.bridge, \.context, \.cgroupRoot, { $0.table("proxy") }, { "\($0.securePort)" }, { "\($0.kubeletPort)" }, \.prefix,
            { "\($0.serviceCIDR(.ipv4))" }, { "\($0.clusterCIDR(.ipv4))" }, { "\($0.serviceCIDR(.ipv6))" }, { "\($0.clusterCIDR(.ipv6))" },
        ] as [(ClusterName) -> String] {
            #expect(Set(Self.all.map(property)).count == Self.all.count, "\(Self.all.map(property))")
        }
        let networks = Self.all.flatMap { name in [IPFamily.ipv4, .ipv6].flatMap { [name.serviceCIDR($0), name.clusterCIDR($0)] } }
        #expect(Set(networks).count == 4 * Self.all.count)
        let marks = Self.all.dropFirst().flatMap { [$0.linkMark, $0.serviceMark] }.compactMap { $0 } + [0xa9, 0xaa]
        #expect(Set(marks).count == marks.count && marks.allSatisfy { 4...255 ~= $0 })
        // An interface has 15 bytes at most.
        #expect(Self.all.allSatisfy { $0.bridge.utf8.count <= 15 })
    }

    @Test func theFirstIsAsItAlwaysWas() {
        let first = ClusterName.first
        #expect([first.bridge, first.context, first.table("proxy"), first.cgroupRoot] == ["apus0", "apus", "apus-proxy", ""])
        #expect(["\(first.serviceCIDR(.ipv4))", "\(first.clusterCIDR(.ipv4))"] == ["10.96.0.0/16", "10.244.0.0/16"])
        #expect(first.securePort == 6443 && first.kubeletPort == 10250)
        #expect(first.pluginConfig.isEmpty)
    }

    @Test(arguments: [
        ("dev2", true), ("a", true), ("a-b", true), ("", false), ("-a", false), ("a-", false), ("A", false), ("a.b", false), ("a/b", false),
        ("../x", false), ("é", false), (String(repeating: "a", count: 40), true), (String(repeating: "a", count: 41), false),
    ])
    func aNameIsALabel(_ text: String, _ isName: Bool) { #expect(ClusterName.isName(text) == isName) }

    @Test func aNameKeepsItsNumberWhileItsDataIsThere() throws {
        let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("clusters-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        func make(_ name: String) throws -> String {
            try FileManager.default.createDirectory(atPath: "\(scratch)/data of \(name)", withIntermediateDirectories: true)
            return "\(scratch)/data of \(name)"
        }
        let registry = ClusterRegistry(path: "\(scratch)/clusters")
        #expect(registry.entries.isEmpty && registry.entry("one") == nil)
        let (one, two) = (try make("one"), try make("two"))
        #expect(try registry.take("one", directory: one).number == 1)
        #expect(try registry.take("two", directory: two).number == 2)
        #expect(try registry.take("one", directory: one).number == 1)
        #expect(registry.entries.map(\.directory) == [one, two])
        #expect(throws: StartupFailure.self) { try registry.take("one", directory: two) }
        #expect(throws: StartupFailure.self) { try registry.take("other", directory: two) }
        #expect(registry.entry(at: two)?.cluster.name == "two")
        // A role is of the cluster that there is, wherever that has its data.
        #expect(try registry.join("two", directory: one).number == 2)
        #expect(registry.entry("two")?.directory == two)
        // Its data is gone, and so is it.
        try FileManager.default.removeItem(atPath: one)
        #expect(registry.entry("one") == nil)
        #expect(try registry.take("three", directory: make("three")).number == 1)
        #expect(registry.entries.map(\.cluster.name) == ["three", "two"])
        #expect(try registry.take("one", directory: make("one")).number == 3)
    }

    /// What the plugins of a node are told: its name, and what is theirs of the cluster's.
    @Test func pluginsOfANode() {
        let config = ClusterName(name: "dev2", number: 2).nodePluginConfig("n1")
        #expect(config["policy-nftables"] == ["node": "n1", "table": "apus2-policy"])
        #expect(config["proxy-nftables"] == ["table": "apus2-proxy"])
        #expect(ClusterName.first.nodePluginConfig("n1").keys.sorted() == ["pod-routes", "policy-nftables", "service-lb-link"])
    }

    @Test func manyAtOnceGetNumbersOfTheirOwn() async throws {
        let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("clusters-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        for index in 0..<16 {
            try FileManager.default.createDirectory(atPath: "\(scratch)/\(index)", withIntermediateDirectories: true)
        }
        let numbers = try await withThrowingTaskGroup(of: Int.self) { group in
            for index in 0..<16 {
                group.addTask {
                    try ClusterRegistry(path: scratch + "/clusters").take("c\(index)", directory: "\(scratch)/\(index)").number
                }
            }
            return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
        }
        #expect(numbers == Set(1...16))
    }
}
