import APIModel
import Glibc
import KernelNetwork
import PluginAPI
import PluginKit
import Proxy
import ServiceRules

/// What the kernel is told of Services, of ten endpoints each: all of them at once, and a change of one, from its EndpointSlice to the kernel;
/// with IPv4, and with both families. In processor time, the kernel's among it.
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
        var table = ServiceTable(nodeName: "a")
        var laidOut = WantedServices(nodeAddresses: [], nodePortNetworks: [], podCIDR: "")
        var script = ""
        /// What the proxy loop does, and a backend up to the kernel.
        func prepare() {
            let wanted = table.wanted()
            let changed = laidOut.withArrays(wanted) { raw in
                let services = Services(raw)
                return services.ports.filter(\.isChanged).compactMap { WantedService($0, in: services) }
            }
            script = ""
            for index in rules.indices {
                if rules[index].isEmpty { script += rules[index].whole }
                script += rules[index].change(gone: [], changes: changed.filter { $0.family == rules[index].family })
            }
            table.didPutInForce(wanted)
        }
        for number in 0..<size {
            table.setService("default/s\(number)", Self.service(number, families))
            for family in families { table.setSlice("\(family)", of: "default/s\(number)", Self.slice(number, turn: 0, family)) }
        }
        let first = (Self.processorTime { prepare() }, try Self.processorTime { try kernel.run(script) })
        var times: [[Int]] = [[], []]
        for turn in 1...Self.changes {
            let number = turn % size
            for family in families { table.setSlice("\(family)", of: "default/s\(number)", Self.slice(number, turn: turn, family)) }
            times[0].append(Self.processorTime { prepare() })
            times[1].append(try Self.processorTime { try kernel.run(script) })
        }
        let change = times.map { $0.sorted()[Self.changes / 2] }
        let what = "services: \(families.map(\.rawValue).joined(separator: " and ")), \(size)"
        func text(_ own: Int, _ kernel: Int) -> String { "\(Self.milliseconds(own)) ms and \(Self.milliseconds(kernel)) ms in nftables" }
        print("\(what): \(text(first.0, first.1)), a change \(text(change[0], change[1]))")
    }

    private static func address(_ offset: Int, _ family: IPFamily) -> Value {
        .string(IPAddress(family, (family == .ipv4 ? 10 << 24 : 0xfd00 << 112) + UInt128(offset)).description)
    }

    private static func service(_ number: Int, _ families: [IPFamily]) -> Value {
        [
            "metadata": ["namespace": "default", "name": .string("s\(number)")],
            "spec": ["clusterIPs": .array(families.map { address(number + 1, $0) }), "ports": [["port": 80, "protocol": "TCP"]]],
        ]
    }

    /// - Parameter turn: which of the endpoints is another then.
    private static func slice(_ number: Int, turn: Int, _ family: IPFamily) -> Value {
        let all = (0..<endpoints).map { index in
            let offset = (1 << 20) + number * 16 + (index == 0 && turn > 0 ? endpoints + turn % 6 : index)
            return ["addresses": [address(offset, family)], "conditions": ["ready": true]] as Value
        }
        return ["addressType": .string(family.rawValue), "ports": [["port": 8080, "protocol": "TCP"]], "endpoints": .array(all)]
    }

    /// In microseconds.
    private static func processorTime(_ work: () throws -> Void) rethrows -> Int {
        let before = now
        try work()
        return now - before
    }

    private static var now: Int {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return time.tv_sec * 1_000_000 + time.tv_nsec / 1_000
    }

    private static func milliseconds(_ microseconds: Int) -> String {
        "\(microseconds / 1_000).\(microseconds % 1_000 / 100)\(microseconds % 100 / 10)"
    }
}
