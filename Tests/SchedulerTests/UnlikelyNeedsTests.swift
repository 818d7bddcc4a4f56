import APIModel
import PluginHost
import Testing

@testable import Scheduler

/// Pods that ask for what hardly anybody asks for, with the default policy loaded as the shared library it is.
@Suite struct UnlikelyNeedsTests {
    private static func decide(_ spec: Value, _ host: PluginHost, labels: [String: String] = [:]) -> String {
        let loop = SchedulingLoop(seed: 1)
        for name in ["a", "b"] {
            let labels = ["kubernetes.io/hostname": name, "number": name == "b" ? "4999" : "x"]
            _ = loop.receive(.node(before: nil, after: node(name, labels: labels)), now: 0)
        }
        _ = loop.receive(.pod(before: nil, after: pod("there", cpu: "1", on: "b", labels: ["number": "4999"])), now: 0)
        _ = loop.receive(.pod(before: nil, after: pod("p", spec: spec, labels: labels)), now: 0)
        return SchedulingLoopTests.describe(loop.cycle(host, now: 0))
    }

    /// 5,000 values, of which the last is one that there is.
    private static let many = Value((0..<5000).map(String.init))

    private static func onNodes(_ operation: String) -> Value {
        let term: Value = ["matchExpressions": [["key": "number", "operator": .string(operation), "values": many]]]
        return ["affinity": ["nodeAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": ["nodeSelectorTerms": [term]]]]]
    }

    private static func near(_ kind: String, _ operation: String, key: String = "kubernetes.io/hostname") -> Value {
        let selector: Value = ["matchExpressions": [["key": "number", "operator": .string(operation), "values": many]]]
        let term: Value = ["topologyKey": .string(key), "labelSelector": selector]
        return ["affinity": [kind: ["requiredDuringSchedulingIgnoredDuringExecution": [term]]]]
    }

    private static func spread(_ action: String) -> Value {
        let selector: Value = ["matchLabels": ["number": "4999"]]
        let constraint: Value = [
            "maxSkew": 1, "topologyKey": "nobody.has/it", "whenUnsatisfiable": .string(action), "labelSelector": selector,
        ]
        return ["topologySpreadConstraints": [constraint]]
    }

    @Test func aSelectorMayHaveThousandsOfValues() async throws {
        let host = try await Policies.load()
        #expect(Self.decide(Self.onNodes("In"), host) == "b")
        #expect(Self.decide(Self.onNodes("NotIn"), host) == "a")
        #expect(Self.decide(Self.near("podAffinity", "In"), host) == "b")
        #expect(Self.decide(Self.near("podAntiAffinity", "In"), host) == "a")
        await host.stop()
    }

    @Test func aTopologyKeyMayBeNobodys() async throws {
        let host = try await Policies.load()
        let nowhere = "0/2 nodes are available: 2 node(s) didn't match"
        #expect(
            Self.decide(Self.spread("DoNotSchedule"), host).hasPrefix(
                "\(nowhere) pod topology spread constraints (missing required label)."))
        #expect(["a", "b"].contains(Self.decide(Self.spread("ScheduleAnyway"), host)))
        #expect(Self.decide(Self.near("podAffinity", "In", key: "nobody.has/it"), host).hasPrefix("\(nowhere) pod affinity rules."))
        #expect(["a", "b"].contains(Self.decide(Self.near("podAntiAffinity", "In", key: "nobody.has/it"), host)))
        // Also for whoever would be the first of its group.
        let own = Self.decide(Self.near("podAffinity", "In", key: "nobody.has/it"), host, labels: ["number": "7"])
        #expect(own.hasPrefix("\(nowhere) pod affinity rules."))
        await host.stop()
    }
}
