import APIModel
import KernelNetwork
import PluginKit
import ServiceRules

/// What the kernel is told of Services, of ten endpoints each: all of them at once, and a change of one; with IPv4, and with both families.
///
/// Changes the packet filter of the network that it runs in: to be started in one of its own.
struct ServiceBenchmark {
    private static let sizes = [10, 1_000, 10_000]
    private static let endpoints = 10
    private static let changes = 50
    private static let table = "benchmark"

    func run() throws {
        for families in [[IPFamily.ipv4], IPFamily.allCases] {
            for size in Self.sizes { try measure(families, size) }
        }
    }

    private func measure(_ families: [IPFamily], _ size: Int) throws {
        var kernel = try NFTables()
        defer { try? kernel.run(families.map { Ruleset.removal(of: Self.table, $0) }.joined()) }
        var rules = families.map { RulesInForce(Ruleset(table: Self.table, family: $0, podNetwork: nil, crossesBridge: true)) }
        func apply(_ numbers: Range<Int>, turn: Int) throws {
            var script = ""
            for index in rules.indices {
                if rules[index].isEmpty { script += rules[index].whole }
                script += rules[index].change(gone: [], changes: numbers.map { Self.service($0, turn: turn, families[index]) })
            }
            try kernel.run(script)
        }
        let clock = ContinuousClock()
        let first = try clock.measure { try apply(0..<size, turn: 0) }
        let times = try (1...Self.changes).map { turn in
            try clock.measure { try apply(turn % size..<turn % size + 1, turn: turn) }
        }.sorted()
        let count = rules.reduce(0) { $0 + $1.shape.chains.values.reduce(0, +) }
        let what = "services: \(families.map(\.rawValue).joined(separator: " and ")), \(size)"
        print("\(what): \(count) rules after \(Self.milliseconds(first)) ms, a change \(Self.milliseconds(times[times.count / 2])) ms")
    }

    /// - Parameter turn: which of the endpoints is another then.
    private static func service(_ number: Int, turn: Int, _ family: IPFamily) -> WantedService {
        let base: UInt128 = family == .ipv4 ? 10 << 24 : 0xfd00 << 112
        func address(_ offset: Int) -> IPAddress { IPAddress(family, base + UInt128(offset)) }
        var service = WantedService(id: UInt64(number), "tcp", address(number + 1), port: 80)
        service.endpoints = (0..<endpoints).map { index in
            let offset = (1 << 20) + number * 16 + (index == 0 && turn > 0 ? endpoints + turn % 6 : index)
            return WantedService.Endpoint(address: address(offset).description, port: 8080)
        }
        return service
    }

    private static func milliseconds(_ duration: Duration) -> String {
        let tenths = Int(duration / .milliseconds(1) * 10)
        return "\(tenths / 10).\(tenths % 10)"
    }
}
