import APIModel
import Testing

@testable import ControllerNodeIPAM
@testable import ControllerTTL

@Suite struct SubnetPoolTests {
    private func pool(_ network: String, _ size: Int) throws -> SubnetPool {
        let network = try #require(IPNetwork(network))
        return try #require(SubnetPool(network, nodeMaskSize: size))
    }

    @Test(
        arguments: [
            ("10.244.0.0/22", 24, ["10.244.0.0/24", "10.244.1.0/24", "10.244.2.0/24", "10.244.3.0/24"]),
            ("fd00:10:244::/62", 64, ["fd00:10:244::/64", "fd00:10:244:1::/64", "fd00:10:244:2::/64", "fd00:10:244:3::/64"]),
        ] as [(String, Int, [String])])
    func givesTheNextThatIsFree(network: String, size: Int, parts: [String]) throws {
        var pool = try pool(network, size)
        pool.note(try #require(IPNetwork(parts[1])), of: "old")
        #expect(pool.take(for: "a")?.description == parts[0] && pool.take(for: "b")?.description == parts[2])
        #expect(pool.take(for: "a")?.description == parts[0], "what it has")
        #expect(pool.take(for: "c")?.description == parts[3] && pool.take(for: "d") == nil)
        pool.release("old")
        #expect(pool.take(for: "d")?.description == parts[1])
    }

    /// What somebody else gave out may have another size, or lie elsewhere.
    @Test func takesInWhatOthersGave() throws {
        var pool = try pool("10.244.0.0/22", 24)
        for (network, node) in [
            ("10.244.0.0/23", "wide"), ("10.244.2.128/25", "narrow"), ("192.168.0.0/16", "elsewhere"), ("fd00::/64", "other"),
            ("::/0", "all"),
        ] {
            pool.note(try #require(IPNetwork(network)), of: node)
        }
        #expect(pool.take(for: "a")?.description == "10.244.3.0/24" && pool.take(for: "b") == nil)
        var six = try self.pool("fd00:10:244::/56", 64)
        six.note(try #require(IPNetwork("fd00::/16")), of: "all")
        #expect(six.take(for: "a") == nil)
    }

    @Test(
        arguments: [
            ("10.0.0.0/8", 24, true), ("10.0.0.0/8", 28, true), ("0.0.0.0/4", 29, false), ("10.0.0.0/24", 16, false),
            ("255.255.255.0/24", 30, true),
            ("10.0.0.0/24", 31, false), ("fd00::/48", 64, true), ("fd00::/47", 64, false),
            ("fd00::/120", 127, false),
            ("fd00::/64", 56, false), ("fd00::/112", 126, true),
        ] as [(String, Int, Bool)])
    func knowsNetworks(network: String, size: Int, isOne: Bool) throws {
        #expect((SubnetPool(try #require(IPNetwork(network)), nodeMaskSize: size) != nil) == isOne)
    }

    /// Whoever still has its addresses in mind has time to forget them.
    @Test func whatBecomesFreeRests() throws {
        var pool = try pool("10.244.0.0/22", 24)
        for node in ["a", "b"] { _ = pool.take(for: node) }
        pool.release("a")
        let later = ["c", "d", "e"].map { pool.take(for: $0)?.description }
        #expect(later == ["10.244.2.0/24", "10.244.3.0/24", "10.244.0.0/24"] && pool.take(for: "f") == nil)
    }

    /// Which parts of a network no Node gets, for Services have them.
    @Test(
        arguments: [
            ("10.0.0.0/21", 24, "10.0.0.0/23", ["10.0.2.0/24", "10.0.3.0/24"]), ("10.0.0.0/22", 24, "10.0.0.0/8", []),
            ("10.0.0.0/22", 24, "10.0.1.64/26", ["10.0.0.0/24", "10.0.2.0/24"]),
            ("10.0.0.0/22", 24, "10.96.0.0/12", ["10.0.0.0/24", "10.0.1.0/24"]),
            ("2001:db8::/47", 63, "2001:db8::/63", ["2001:db8:0:2::/63", "2001:db8:0:4::/63"]),
        ] as [(String, Int, String, [String])])
    func servicesKeepTheirs(network: String, size: Int, services: String, free: [String]) throws {
        var pool = try pool(network, size)
        pool.note(try #require(IPNetwork(services)), of: "")
        #expect(["a", "b"].compactMap { pool.take(for: $0)?.description } == free)
    }

    @Test func theLastOfAll() throws {
        var pool = try pool("255.255.255.252/30", 30)
        let all = try #require(IPNetwork("255.255.255.252/30"))
        #expect(pool.take(for: "a") == all && pool.take(for: "b") == nil)
        pool.note(all, of: "a")
    }

    @Test(
        arguments: [
            (0, 1, 0), (0, 100, 0), (0, 101, 1), (1, 95, 1), (1, 89, 0), (0, 20_000, 4), (4, 3, 0), (2, 1000, 2), (2, 449, 1),
        ] as [(Int, Int, Int)])
    func stepsOverlap(from: Int, nodes: Int, to: Int) { #expect(TTLSteps.step(from: from, nodes: nodes) == to) }
}
