import APIModel
import OrderedCollections

@testable import ControllerNetworkPolicy

/// Three namespaces with three pods each, and somebody outside: the places between which policies are tried.
enum PolicyWorld {
    static let namespaces = ["x", "y", "z"]
    static let pods = ["a", "b", "c"]
    static let outside = ["203.0.113.7", "198.51.100.20"]

    struct Place: Hashable, CustomStringConvertible {
        var namespace: String
        var pod: String
        var description: String { "\(namespace)/\(pod)" }

        var address: String {
            guard let row = namespaces.firstIndex(of: namespace), let column = pods.firstIndex(of: pod) else { return pod }
            return "10.244.\(row + 1).\(column + 1)"
        }

        var isOutside: Bool { namespace.isEmpty }
    }

    struct Attempt: CustomStringConvertible {
        var from: Place
        var to: Place
        var transport: String
        var port: Int
        var description: String { "\(from) to \(to), \(port)/\(transport)" }
    }

    static let places = namespaces.flatMap { namespace in pods.map { Place(namespace: namespace, pod: $0) } }

    /// From and to every place, over each protocol and to two ports.
    static let attempts: [Attempt] = {
        let all = places + outside.map { Place(namespace: "", pod: $0) }
        return all.flatMap { from in
            all.filter { !from.isOutside || !$0.isOutside }.flatMap { to in
                ["tcp", "udp", "sctp"].flatMap { transport in
                    [80, 81].map { Attempt(from: from, to: to, transport: transport, port: $0) }
                }
            }
        }
    }()

    /// The same in another family: `10.244.2.0/24` is `fd00:10:244:2::0/64`.
    static func write(_ address: String, _ family: IPFamily) -> String {
        guard family == .ipv6 else { return address }
        if address == "::/0" { return "0.0.0.0/0" }
        let (parts, bits) = (address.split(separator: "/")[0].split(separator: "."), address.split(separator: "/").dropFirst().first)
        let prefix: [Substring: String] = ["0": "/0", "24": "/64", "32": "/128"]
        return "fd00:\(parts[0]):\(parts[1]):\(parts[2])::\(parts[3])" + (bits.map { prefix[$0]! } ?? "")
    }

    /// With the networks of that family.
    private static func write(_ value: Value, _ family: IPFamily) -> Value {
        switch value {
        case .array(let elements): return .array(elements.map { write($0, family) })
        case .object:
            var written = value
            for (key, inner) in value.fields {
                switch key {
                case "cidr": written[key] = .string(write(inner.string!, family))
                case "except": written[key] = .array(inner.elements.map { .string(write($0.string!, family)) })
                default: written[key] = write(inner, family)
                }
            }
            return written
        default: return value
        }
    }

    /// - Parameter address: in IPv4; the pod has one of each family.
    static func pod(_ place: Place, labels: [String: String]? = nil, address: String? = nil) -> Value {
        let ports = ["TCP", "UDP", "SCTP"].flatMap { transport in
            [80, 81].map { number -> Value in
                [
                    "name": .string("serve-\(number)-\(transport.lowercased())"), "containerPort": .int(Int64(number)),
                    "protocol": .string(transport),
                ]
            }
        }
        let address = address ?? place.address
        var named: Value = .emptyObject
        for (name, value) in labels ?? ["pod": place.pod] { named[name] = .string(value) }
        return [
            "metadata": [
                "namespace": .string(place.namespace), "name": .string(place.pod),
                "labels": named,
                "creationTimestamp": "2026-01-01T00:00:00Z",
            ],
            "spec": ["nodeName": "n1", "containers": [["name": "c", "ports": .array(ports)]]],
            "status": [
                "phase": "Running", "podIP": .string(address),
                "podIPs": .array(IPFamily.allCases.map { ["ip": .string(write(address, $0))] }),
            ],
        ]
    }

    static func policy(_ spec: Value, in namespace: String, _ family: IPFamily = .ipv4, name: String = "p") -> Value {
        ["metadata": ["namespace": .string(namespace), "name": .string(name)], "spec": write(spec, family)]
    }

    /// Everything there is, in one of several orders: what comes first must not matter.
    static func plan(_ policies: [(namespace: String, spec: Value)], order: Int = 0, _ family: IPFamily = .ipv4) throws -> PolicyPlan {
        var plan = PolicyPlan(table: "t", family)
        let steps: [(inout PolicyPlan) throws -> Void] = [
            { plan in for name in namespaces { plan.setNamespace(name, labels: ["ns": name]) } },
            { plan in for place in places { plan.setPod(key(place), PolicyPod(pod(place), family, node: "n1")) } },
            { plan in
                for (index, policy) in policies.enumerated() {
                    plan.setPolicy(
                        PolicyPlan.Key(namespace: policy.namespace, name: "p\(index)"),
                        try Policy(self.policy(policy.spec, in: policy.namespace, family)))
                }
            },
        ]
        for step in [[0, 1, 2], [2, 1, 0], [1, 2, 0]][order] {
            try steps[step](&plan)
            plan.didPutInForce()
        }
        return plan
    }

    static func key(_ place: Place) -> PolicyPlan.Key { PolicyPlan.Key(namespace: place.namespace, name: place.pod) }

    static func passes(_ attempt: Attempt, _ plan: PolicyPlan) -> Bool {
        PolicyTracer(table: plan.table).passes(
            PolicyTracer.Packet(
                source: write(attempt.from.address, plan.family), destination: write(attempt.to.address, plan.family),
                transport: attempt.transport, port: attempt.port))
    }
}
