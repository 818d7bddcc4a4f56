import APIModel
import Client
import Foundation

/// A pod of the API that is a network namespace on the bridge `apus0`, and listens there on two ports, in both families.
final class NetworkPod: Sendable {
    private static let ports: [UInt16] = [80, 81]

    /// What makes the bridge, with the node's addresses on it. Packets from one pod to another pass the node's rules.
    static let setUp = [
        "ip link set lo up", "ip link add apus0 type bridge", "ip address add 10.1.0.1/24 dev apus0",
        "ip address add fd00:1::1/64 dev apus0 nodad", "ip link set apus0 up",
        "sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1",
        "sysctl -q -w net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1",
    ]

    private let name: String
    let addresses: [IPFamily: String]
    private let namespace: NetworkNamespace
    private let servers: [TCPServer]

    /// - Parameter number: the last of its addresses `10.1.0.N` and `fd00:1::N`.
    init(_ name: String, _ number: Int, app: String, _ world: World) async throws {
        self.name = name
        let addresses: [IPFamily: String] = [.ipv4: "10.1.0.\(number)", .ipv6: "fd00:1::\(number)"]
        self.addresses = addresses
        let namespace = try NetworkNamespace()
        try namespace.connect(
            name, to: "apus0", addresses: ["10.1.0.\(number)/24", "fd00:1::\(number)/64"], gateways: ["10.1.0.1", "fd00:1::1"])
        servers = try Self.ports.flatMap { port in
            try addresses.values.map { address in try namespace.inside { try TCPServer(address, port: port, says: name) } }
        }
        self.namespace = namespace

        let pod: Value = [
            "apiVersion": "v1", "kind": "Pod",
            "metadata": ["name": .string(name), "namespace": "default", "labels": ["app": .string(app)]],
            "spec": [
                "nodeName": "n1", "automountServiceAccountToken": false,
                "containers": [["name": "c", "image": "a", "ports": [["name": "http", "containerPort": 80]]]],
            ],
        ]
        _ = try await world.client.create(.pods, namespace: "default", pod)
        _ = try await world.client.patch(
            .pods, namespace: "default", name: name, subresource: "status", .strategicMerge,
            [
                "status": [
                    "phase": "Running", "podIP": "10.1.0.\(number)", "podIPs": [["ip": "10.1.0.\(number)"], ["ip": "fd00:1::\(number)"]],
                ]
            ])
    }

    deinit { for server in servers { server.stop() } }

    func setLabel(_ app: String, _ world: World) async throws {
        _ = try await world.client.patch(
            .pods, namespace: "default", name: name, subresource: nil, .merge, ["metadata": ["labels": ["app": .string(app)]]])
    }

    /// Whether a connection comes about at once: one that does not may be late, so that only `false` is to be expected of it.
    /// - Throws: where somebody refuses it, which no policy does.
    func reaches(_ other: NetworkPod, _ port: UInt16, _ family: IPFamily = .ipv4) throws -> Bool {
        try namespace.connects(to: other.addresses[family]!, port)
    }

    func waitUntilReaches(_ other: NetworkPod, _ port: UInt16) async throws {
        try await Self.wait("\(name) to reach \(other.name):\(port)") { try self.reaches(other, port, $0) }
    }

    func waitUntilKept(from other: NetworkPod, _ port: UInt16) async throws {
        try await Self.wait("\(name) to be kept from \(other.name):\(port)") { try !self.reaches(other, port, $0) }
    }

    func waitUntilReachedByNode(_ port: UInt16) async throws {
        try await Self.wait("the node to reach \(name):\(port)") { try NetworkNamespace.connects(to: self.addresses[$0]!, port) }
    }

    private static func wait(_ what: String, _ holds: @escaping @Sendable (IPFamily) throws -> Bool) async throws {
        try await limited(30, what) {
            // Packets that are dropped tell nobody.
            for family in IPFamily.allCases { while try !holds(family) { try await Task.sleep(for: .milliseconds(20)) } }
        } otherwise: {
            (try? Network.rules()) ?? ""
        }
    }
}
