import APIModel
import Client
import Foundation

/// A pod of the API that is a network namespace on the bridge `apus0`, and listens there on two ports.
final class NetworkPod: Sendable {
    private static let ports: [UInt16] = [80, 81]

    private let name: String
    private let address: String
    private let namespace: NetworkNamespace
    private let servers: [TCPServer]

    init(_ name: String, address: String, app: String, _ world: World) async throws {
        (self.name, self.address) = (name, address)
        let namespace = try NetworkNamespace()
        try namespace.connect(name, to: "apus0", address: "\(address)/24")
        servers = try Self.ports.map { port in try namespace.inside { try TCPServer(address, port: port) } }
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
            ["status": ["phase": "Running", "podIP": .string(address), "podIPs": [["ip": .string(address)]]]])
    }

    deinit { for server in servers { server.stop() } }

    func setLabel(_ app: String, _ world: World) async throws {
        _ = try await world.client.patch(
            .pods, namespace: "default", name: name, subresource: nil, .merge, ["metadata": ["labels": ["app": .string(app)]]])
    }

    /// Whether a connection comes about at once.
    /// - Throws: where somebody refuses it, which no policy does.
    func reaches(_ other: NetworkPod, _ port: UInt16) throws -> Bool { try namespace.connects(to: other.address, port) }

    static func nodeReaches(_ other: NetworkPod, _ port: UInt16) throws -> Bool { try NetworkNamespace.connects(to: other.address, port) }

    func waitUntilReaches(_ other: NetworkPod, _ port: UInt16) async throws { try await wait(other, port, isReached: true) }
    func waitUntilKept(from other: NetworkPod, _ port: UInt16) async throws { try await wait(other, port, isReached: false) }

    private func wait(_ other: NetworkPod, _ port: UInt16, isReached: Bool) async throws {
        try await limited(30, "\(name) \(isReached ? "to reach" : "to be kept from") \(other.name):\(port)") {
            // Packets that are dropped tell nobody.
            while try self.reaches(other, port) != isReached { try await Task.sleep(for: .milliseconds(20)) }
        } otherwise: {
            (try? Network.rules()) ?? ""
        }
    }
}
