import APIModel
import PluginHost
import Testing

@testable import Scheduler

/// The edges of upstream's filters: a Pod beside another on one Node, with the default policy loaded as the shared library it is.
@Suite struct FilterTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var node: Value = .emptyObject
        var there: Value = .emptyObject
        var pod: Value
        /// Nothing where it fits.
        var reason = ""
    }

    private static let ports = "1 node(s) didn't have free ports for the requested pod ports"
    private static let taint = "1 node(s) had untolerated taint(s)"
    private static let disk = "1 node(s) had no available disk"

    private static func port(_ ip: String, _ protocolName: String = "TCP") -> Value {
        ["containers": [["ports": [["hostPort": 80, "hostIP": .string(ip), "protocol": .string(protocolName)]]]]]
    }

    private static func tainted(_ effect: String) -> Value { ["taints": [["key": "k", "value": "v", "effect": .string(effect)]]] }
    private static func tolerating(_ toleration: Value) -> Value { ["tolerations": [toleration]] }

    private static func disk(_ source: String, _ fields: Value, readOnly: Bool = false) -> Value {
        var disk = fields
        if readOnly { disk["readOnly"] = true }
        var volume: Value = ["name": "d"]
        volume[source] = disk
        return ["volumes": [volume]]
    }

    private static func naming(_ names: [[String]]) -> Value {
        let terms: [Value] = names.map { names in
            ["matchFields": .array(names.map { ["key": "metadata.name", "operator": "In", "values": [.string($0)]] })]
        }
        return ["affinity": ["nodeAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": ["nodeSelectorTerms": .array(terms)]]]]
    }

    static let rows = [
        Row(testDescription: "a port of another address", there: port("10.0.0.1"), pod: port("10.0.0.2")),
        Row(testDescription: "a port of the same address", there: port("10.0.0.1"), pod: port("10.0.0.1"), reason: ports),
        Row(testDescription: "a port of every address", there: port("0.0.0.0"), pod: port("10.0.0.1"), reason: ports),
        Row(testDescription: "a port of no address", there: port("10.0.0.1"), pod: port(""), reason: ports),
        Row(testDescription: "a port of another protocol", there: port("", "UDP"), pod: port("")),
        Row(testDescription: "a port of every address of version 6", there: port("::"), pod: port("::"), reason: ports),
        Row(testDescription: "version 6 is one address among others", there: port("::"), pod: port("10.0.0.1")),
        Row(testDescription: "version 6 beside every address", there: port(""), pod: port("::"), reason: ports),
        Row(
            testDescription: "a port of an init container that stays", there: port(""),
            pod: ["initContainers": [["restartPolicy": "Always", "ports": [["hostPort": 80]]]], "containers": [["name": "c"]]],
            reason: ports
        ),
        Row(
            testDescription: "a port of an init container that goes", there: port(""),
            pod: ["initContainers": [["ports": [["hostPort": 80]]]], "containers": [["name": "c"]]]),

        Row(testDescription: "a taint", node: tainted("NoSchedule"), pod: .emptyObject, reason: taint),
        Row(testDescription: "a taint that evicts", node: tainted("NoExecute"), pod: .emptyObject, reason: taint),
        Row(testDescription: "a taint that prefers", node: tainted("PreferNoSchedule"), pod: .emptyObject),
        Row(testDescription: "tolerated by value", node: tainted("NoSchedule"), pod: tolerating(["key": "k", "value": "v"])),
        Row(testDescription: "another value", node: tainted("NoSchedule"), pod: tolerating(["key": "k", "value": "w"]), reason: taint),
        Row(testDescription: "tolerated by key", node: tainted("NoSchedule"), pod: tolerating(["key": "k", "operator": "Exists"])),
        Row(testDescription: "everything is tolerated", node: tainted("NoExecute"), pod: tolerating(["operator": "Exists"])),
        Row(
            testDescription: "another effect is tolerated", node: tainted("NoExecute"),
            pod: tolerating(["operator": "Exists", "effect": "NoSchedule"]), reason: taint),
        Row(
            testDescription: "unschedulable and tolerated", node: ["unschedulable": true],
            pod: tolerating(["key": "node.kubernetes.io/unschedulable", "operator": "Exists", "effect": "NoSchedule"])),
        Row(
            testDescription: "unschedulable and not tolerated", node: ["unschedulable": true],
            pod: tolerating(["key": "node.kubernetes.io/unschedulable", "operator": "Exists", "effect": "NoExecute"]),
            reason: "1 node(s) were unschedulable"),

        Row(testDescription: "named", pod: naming([["a"]])),
        Row(testDescription: "one of two names", pod: naming([["b"], ["a"]])),
        Row(testDescription: "not named", pod: naming([["b"]]), reason: "1 node(s) didn't satisfy plugin(s) [NodeAffinity]"),
        Row(testDescription: "names that exclude each other", pod: naming([["a", "b"]]), reason: "pod affinity terms conflict"),
        Row(testDescription: "names of which some exclude each other", pod: naming([["a", "b"], ["a"]])),
        Row(
            testDescription: "a selector beside the name", pod: ["nodeSelector": ["disk": "ssd"], "affinity": naming([["a"]])["affinity"]],
            reason: "1 node(s) didn't match Pod's node affinity/selector"),

        Row(
            testDescription: "a disk that another writes", there: disk("gcePersistentDisk", ["pdName": "d"]),
            pod: disk("gcePersistentDisk", ["pdName": "d"], readOnly: true), reason: disk),
        Row(
            testDescription: "a disk that all read", there: disk("gcePersistentDisk", ["pdName": "d"], readOnly: true),
            pod: disk("gcePersistentDisk", ["pdName": "d"], readOnly: true)),
        Row(
            testDescription: "a disk that cannot be shared", there: disk("awsElasticBlockStore", ["volumeID": "d"], readOnly: true),
            pod: disk("awsElasticBlockStore", ["volumeID": "d"], readOnly: true), reason: disk),
        Row(
            testDescription: "another disk", there: disk("iscsi", ["iqn": "x"]), pod: disk("iscsi", ["iqn": "y"])),
        Row(testDescription: "the same target", there: disk("iscsi", ["iqn": "x"]), pod: disk("iscsi", ["iqn": "x"]), reason: disk),
        Row(
            testDescription: "an image by one of the monitors",
            there: disk("rbd", ["pool": "p", "image": "i", "monitors": ["m1", "m2"]]),
            pod: disk("rbd", ["pool": "p", "image": "i", "monitors": ["m2", "m3"]]), reason: disk),
        Row(
            testDescription: "an image of other monitors", there: disk("rbd", ["pool": "p", "image": "i", "monitors": ["m1"]]),
            pod: disk("rbd", ["pool": "p", "image": "i", "monitors": ["m2"]])),
    ]

    @Test func aFilterRefusesWhatUpstreamsDoes() async throws {
        let host = try await Policies.load()
        for row in Self.rows {
            let loop = SchedulingLoop(seed: 1)
            _ = loop.receive(.node(before: nil, after: node("a", spec: row.node)), now: 0)
            _ = loop.receive(.pod(before: nil, after: pod("q", on: "a", spec: row.there)), now: 0)
            _ = loop.receive(.pod(before: nil, after: pod("p", spec: row.pod)), now: 0)
            let result = SchedulingLoopTests.describe(loop.cycle(host, now: 0))
            let expected = row.reason.isEmpty ? "a" : "0/1 nodes are available: \(row.reason)."
            #expect(row.reason.isEmpty ? result == expected : result.hasPrefix(expected), "\(row.testDescription): \(result)")
        }
        await host.stop()
    }

    private static let declared: [(feature: String, spec: Value)] = [
        (
            "RestartAllContainersOnContainerExits",
            ["containers": [["name": "c", "restartPolicyRules": [["action": "RestartAllContainers"]]]]]
        ), ("UserNamespacesHostNetworkSupport", ["hostNetwork": true, "hostUsers": false, "containers": [["name": "c"]]]),
    ]

    @Test(arguments: declared)
    func aNodeMustDeclareWhatAPodNeeds(feature: String, spec: Value) async throws {
        let host = try await Policies.load()
        let loop = SchedulingLoop(seed: 1)
        let bare = node("a")
        var able = bare.value
        able["status"]["declaredFeatures"] = ["Another", .string(feature)]
        _ = loop.receive(.node(before: nil, after: bare), now: 0)
        _ = loop.receive(.pod(before: nil, after: pod("p", spec: spec)), now: 0)
        let refused = SchedulingLoopTests.describe(loop.cycle(host, now: 0))
        #expect(refused.hasPrefix("0/1 nodes are available: 1 node(s) didn't match Pod's required features."))
        _ = loop.receive(.node(before: bare, after: Object(able)), now: 0)
        #expect(SchedulingLoopTests.describe(loop.cycle(host, now: 0)) == "a")
        await host.stop()
    }

    @Test func whoeverKeepsADiskMayHaveToGo() async throws {
        let host = try await Policies.load()
        let loop = SchedulingLoop(seed: 1)
        _ = loop.receive(.node(before: nil, after: node("a")), now: 0)
        var urgent = Self.disk("iscsi", ["iqn": "x"])
        urgent["priority"] = 10
        _ = loop.receive(.pod(before: nil, after: pod("q", on: "a", spec: Self.disk("iscsi", ["iqn": "x"]))), now: 0)
        _ = loop.receive(.pod(before: nil, after: pod("r", on: "a")), now: 0)
        _ = loop.receive(.pod(before: nil, after: pod("p", spec: urgent)), now: 0)
        #expect(SchedulingLoopTests.describe(loop.cycle(host, now: 0)) == "0/1 nodes are available: \(Self.disk). -q@a")
        await host.stop()
    }
}
