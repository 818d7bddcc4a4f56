import APIModel
import Synchronization
import Testing

@testable import APIServer

@Suite struct UsageTests {
    private static func part(_ seconds: Whole, cpu: Whole, memory: Whole = 1 << 20) -> Value {
        [
            "cpu": ["time": .string(Timestamp.format(seconds: seconds)), "usageCoreNanoSeconds": .int(cpu)],
            "memory": ["workingSetBytes": .int(memory)],
        ]
    }

    private static func summary(_ seconds: Whole, cpu: Whole = 0, containers: [(String, Whole)] = []) -> Value {
        let parts = containers.map { name, cpu -> Value in
            var container = part(seconds, cpu: cpu)
            container["name"] = .string(name)
            return container
        }
        return ["node": part(seconds, cpu: cpu), "pods": [["podRef": ["uid": "u1"], "containers": .array(parts)]]]
    }

    @Test func readsASummary() throws {
        let sample = try #require(UsageSample(Self.summary(1_800_000_000, cpu: 7, containers: [("a", 1), ("b", 2)])))
        #expect(sample.node == .init(processor: 7, memory: 1 << 20, time: 1_800_000_000_000_000_000))
        #expect(sample.pods["u1"]?["b"]?.processor == 2 && sample.pods["u1"]?.count == 2)
        #expect(UsageSample(["node": ["nodeName": "n1"]]) == nil && UsageSample(.null) == nil)
    }

    @Test(
        arguments: [
            (0, 2_000_000_000, 20, "100000000n", "20s"), (5, 5, 1, "0n", "1s"), (0, 3_500_000_000, 2, "1750000000n", "2s"),
        ] as [(Whole, Whole, Whole, String, String)])
    func ratesAreWhatWasUsedBetween(first: Whole, second: Whole, seconds: Whole, cpu: String, window: String) throws {
        let before = UsageSample.Usage(processor: first, memory: 0, time: 1_000_000_000)
        let rate = try #require(
            UsageRate(before, UsageSample.Usage(processor: second, memory: 3 << 20, time: 1_000_000_000 + seconds * 1_000_000_000)))
        #expect(rate.usage["memory"] == "3072Ki" && rate.windowText == .string(window))
        #expect(rate.usage["cpu"] == .string(cpu))
    }

    @Test func whatSaysNothing() {
        let later = UsageSample.Usage(processor: 5, memory: 0, time: 2_000_000_000)
        #expect(UsageRate(nil, later) == nil)
        #expect(UsageRate(.init(processor: 9, memory: 0, time: 1_000_000_000), later) == nil, "a container began anew")
        #expect(UsageRate(.init(processor: 1, memory: 0, time: 2_000_000_000), later) == nil, "no time has passed")
        let odd = UsageRate(.init(processor: 0, memory: 0, time: 0), .init(processor: 0, memory: 0, time: 1_050_000_000))
        #expect(odd?.windowText == "1.050s")
    }

    /// Two looks the first time, none while they are new, one when they are old.
    @Test func looksAsOftenAsNeeded() async throws {
        let looks = Mutex<Whole>(0)
        let clock = Mutex<Whole>(1_800_000_000)
        let samples = UsageSamples(
            now: { clock.withLock { $0 } * 1_000_000_000 },
            look: { _ in
                let count = looks.withLock { looks in
                    looks = looks + 1
                    return looks
                }
                return Self.summary(clock.withLock { $0 } + count * 2, cpu: count * 1_000_000_000)
            })
        let first = try #require(try await samples.pair("n1"))
        #expect(looks.withLock { $0 } == 2 && first.after.node.processor == 2_000_000_000)
        _ = try await samples.pair("n1")
        #expect(looks.withLock { $0 } == 2)
        clock.withLock { $0 = $0 + 60 }
        let next = try #require(try await samples.pair("n1"))
        #expect(looks.withLock { $0 } == 3 && next.before == first.after)
        samples.keep([])
        clock.withLock { $0 = $0 + 60 }
        _ = try await samples.pair("n1")
        #expect(looks.withLock { $0 } == 5)
    }
}
