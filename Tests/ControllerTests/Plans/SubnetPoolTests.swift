import Testing

@testable import ControllerNodeIPAM
@testable import ControllerTTL

@Suite struct SubnetPoolTests {
    @Test func givesTheLowestThatIsFree() throws {
        var pool = try #require(SubnetPool("10.244.0.0/22", nodeMaskSize: 24))
        pool.note("10.244.1.0/24", of: "old")
        #expect(pool.take(for: "a") == "10.244.0.0/24" && pool.take(for: "b") == "10.244.2.0/24")
        #expect(pool.take(for: "a") == "10.244.0.0/24", "what it has")
        #expect(pool.take(for: "c") == "10.244.3.0/24" && pool.take(for: "d") == nil)
        pool.release("old")
        #expect(pool.take(for: "d") == "10.244.1.0/24")
    }

    /// What somebody else gave out may have another size, or lie elsewhere.
    @Test func takesInWhatOthersGave() throws {
        var pool = try #require(SubnetPool("10.244.0.0/22", nodeMaskSize: 24))
        pool.note("10.244.0.0/23", of: "wide")
        pool.note("10.244.2.128/25", of: "narrow")
        pool.note("192.168.0.0/16", of: "elsewhere")
        pool.note("fd00::/64", of: "other")
        #expect(pool.take(for: "a") == "10.244.3.0/24" && pool.take(for: "b") == nil)
        pool.note("0.0.0.0/8", of: "low")
    }

    @Test(
        arguments: [
            ("10.0.0.0/8", 24, true), ("10.0.0.0/7", 24, false), ("10.0.0.0/24", 16, false), ("10.0.0/16", 24, false), ("", 24, false),
            ("fd00::/48", 64, false), ("255.255.255.0/24", 30, true), ("10.0.0.0/24", 31, false), ("10.0.0.0/8", 28, false),
        ] as [(String, Int, Bool)])
    func knowsNetworks(network: String, size: Int, isOne: Bool) {
        #expect((SubnetPool(network, nodeMaskSize: size) != nil) == isOne)
    }

    @Test func theLastOfAll() throws {
        var pool = try #require(SubnetPool("255.255.255.252/30", nodeMaskSize: 30))
        #expect(pool.take(for: "a") == "255.255.255.252/30" && pool.take(for: "b") == nil)
        pool.note("255.255.255.252/30", of: "a")
    }

    @Test(
        arguments: [
            (0, 1, 0), (0, 100, 0), (0, 101, 1), (1, 95, 1), (1, 89, 0), (0, 20_000, 5), (5, 3, 0), (2, 1000, 2), (2, 449, 1),
        ] as [(Int, Int, Int)])
    func stepsOverlap(from: Int, nodes: Int, to: Int) { #expect(TTLSteps.step(from: from, nodes: nodes) == to) }
}
