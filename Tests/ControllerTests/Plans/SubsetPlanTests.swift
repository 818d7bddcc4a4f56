import APIModel
import PluginKit
import Testing

@testable import ControllerEndpoints

/// What stands in the Endpoints object of a Service.
@Suite struct SubsetPlanTests {
    /// `a` is ready, `a!` is not, `a-` is ending, and `a:8080,8081` names the numbers of the ports `web` and `admin` of its container.
    private static func pod(_ text: Substring) -> Value {
        let parts = text.split(separator: ":")
        let name = String(parts[0].prefix(1))
        let numbers = parts.count > 1 ? parts[1].split(separator: ",").map { Whole($0) } : []
        let ports = zip(["web", "admin"], numbers).compactMap { name, number -> Value? in
            number.map { ["name": .string(name), "containerPort": .int($0)] }
        }
        let ip = Value.string("10.0.0.\(name.utf8.first.map { $0 - 96 } ?? 0)")
        return [
            "metadata": [
                "name": .string(name), "namespace": "default", "uid": .string("uid-\(name)"),
                "deletionTimestamp": parts[0].hasSuffix("-") ? "2026-01-01T00:00:00Z" : .null,
            ],
            "spec": ["nodeName": "n1", "containers": [["name": "c", "ports": .array(ports)]]],
            "status": [
                "podIP": ip, "podIPs": [["ip": ip], ["ip": .string("fd00::\(name)")]],
                "conditions": [["type": "Ready", "status": .string(parts[0].hasSuffix("!") ? "False" : "True")]],
            ],
        ]
    }

    private static let web: Value = ["name": "http", "port": 80, "targetPort": "web"]
    private static let admin: Value = ["name": "admin", "port": 81, "targetPort": "admin"]
    private static let fixed: Value = ["port": 80, "targetPort": 8080]

    private static let cases: [(what: String, pods: String, spec: Value, subsets: [String])] = [
        ("no Pods", "", ["ports": [fixed]], []),
        ("one", "a", ["ports": [fixed]], ["a|8080"]),
        ("some are not ready", "a! b c!", ["ports": [fixed]], ["b a! c!|8080"]),
        ("all count as ready", "a! b", ["ports": [fixed], "publishNotReadyAddresses": true], ["a b|8080"]),
        ("what is ending is left out", "a- b", ["ports": [fixed]], ["b|8080"]),
        ("unless all count as ready", "a- b", ["ports": [fixed], "publishNotReadyAddresses": true], ["a b|8080"]),
        ("headless and without ports", "a b", ["clusterIP": "None"], ["a b|"]),
        ("a port that a Pod has not", "a b:8080", ["ports": [web]], ["b|8080"]),
        ("a port of two numbers", "a:8080 b:8081", ["ports": [web]], ["a|8080", "b|8081"]),
        ("one port of two that all have", "a:8080 b:8080,9000", ["ports": [web, admin]], ["a b|8080", "b|9000"]),
        ("two ports", "a:8080,9000 b:8080,9000", ["ports": [web, admin]], ["a b|8080 9000"]),
        ("one number, two protocols", "a", ["ports": [fixed, ["port": 80, "targetPort": 8080, "protocol": "UDP"]]], ["a|8080 8080"]),
    ]

    @Test(arguments: cases.indices) func podsStandByTheirPorts(index: Int) {
        let (what, pods, spec, subsets) = Self.cases[index]
        let service: Value = ["metadata": ["name": "web", "namespace": "default"], "spec": spec]
        let found = SubsetPlan.subsets(of: service, pods.split(separator: " ").map(Self.pod))
        #expect(found.map(Self.text).sorted() == subsets, "\(what)")
    }

    private static func text(_ subset: EndpointSubset) -> String {
        let names = subset.addresses.map { "\($0.address["targetRef"]["name"].string ?? "")\($0.isReady ? "" : "!")" }
        let ports = subset.ports.compactMap { $0["port"].int }.sorted().map { "\($0)" }
        return "\(names.joined(separator: " "))|\(ports.joined(separator: " "))"
    }

    @Test func theAddressIsOfTheServicesFirstFamily() {
        func ip(_ families: Value, _ clusterIP: Value) -> String? {
            let service: Value = [
                "metadata": ["name": "web"], "spec": ["ipFamilies": families, "clusterIP": clusterIP, "ports": [Self.fixed]],
            ]
            return SubsetPlan.subsets(of: service, [Self.pod("a")]).first?.addresses[0].address["ip"].string
        }
        #expect(ip(["IPv4"], "10.96.0.1") == "10.0.0.1" && ip(["IPv6", "IPv4"], "fd00::1") == "fd00::a")
        #expect(ip(.null, "fd00::1") == "fd00::a" && ip(.null, "None") == "10.0.0.1")
    }

    /// The addresses of each subset, those that are ready and those that are not, before and after.
    private static let cuts: [(ready: [Int], unready: [Int], keptReady: [Int], keptUnready: [Int])] = [
        ([], [], [], []),
        ([50, 100, 100], [50, 100, 100], [50, 100, 100], [50, 100, 100]),
        ([500], [500], [500], [500]),
        ([997], [4], [997], [3]),
        ([1000], [10], [1000], [0]),
        ([90, 110, 50, 10, 20], [101, 200, 200, 201, 298], [90, 110, 50, 10, 20], [73, 144, 144, 145, 214]),
        ([205, 400, 402, 400, 693], [100, 200, 200, 200, 300], [98, 191, 192, 191, 328], [0, 0, 0, 0, 0]),
    ]

    @Test(arguments: cuts.indices) func whatIsReadyStaysLongest(index: Int) {
        let (ready, unready, keptReady, keptUnready) = Self.cuts[index]
        let subsets = zip(ready, unready).map { ready, unready in
            EndpointSubset(
                ports: [], addresses: (0..<ready + unready).map { (["ip": .string("10.0.\($0 / 200).\($0 % 200)")], $0 < ready) })
        }
        let kept = SubsetPlan.cut(subsets, to: 1000)
        #expect(kept.map { $0.addresses.count(where: \.isReady) } == keptReady)
        #expect(kept.map { $0.addresses.count { !$0.isReady } } == keptUnready)
    }
}
