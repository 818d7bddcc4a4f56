import APIModel
import Client
import ControllerManager
import Foundation
import PluginHost
import Testing

/// NetworkPolicies between pods that are network namespaces on one bridge: real packets and the kernel's real nftables.
@Suite struct NetworkPolicyTests {
    private static let isInside = ProcessInfo.processInfo.environment["APUS_POLICIES_IN_NAMESPACE"] != nil

    private static let setUp = [
        "ip link set lo up", "ip link add apus0 type bridge", "ip address add 10.1.0.1/24 dev apus0", "ip link set apus0 up",
        "sysctl -q -w net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1",
    ]

    /// A namespace is a thread's, and plugins work on threads that the system makes: so the test runs once more, in a process that was
    /// born in one.
    @Test(.disabled(if: isInside), .enabled(if: geteuid() == 0, "network namespaces need root"), .timeLimit(.minutes(3)))
    func policiesHold() throws {
        let script =
            Self.setUp.joined(separator: " && ")
            + " && exec timeout 150 \(Command.executable) --testing-library swift-testing --filter NetworkPolicyTests"
        let output = try Command.run(["unshare", "--net", "--", "sh", "-c", script], environment: ["APUS_POLICIES_IN_NAMESPACE": "1"])
        #expect(output.status == 0, "\(output.text)")
        #expect(output.text.contains("holdsInsideTheNamespace() passed"), "\(output.text)")
    }

    private static let loops: @Sendable (World) throws -> [@Sendable () async throws -> Void] = { world in
        let controllers = ControllerManager(services: world.services, plugins: world.plugins, log: world.log)
        return [{ try await controllers.run() }]
    }

    private static let resource = GroupVersionResource(group: "networking.k8s.io", version: "v1", resource: "networkpolicies")

    @Test(.enabled(if: isInside, "runs in a namespace of its own"), .timeLimit(.minutes(3))) func holdsInsideTheNamespace() async throws {
        let manifest = try Built.manifest("policy-nftables") { $0.config = ["checkSeconds": 1] }
        try await World.with([manifest], loops: Self.loops) { world in
            try await world.addServiceAccount()
            let web = try await NetworkPod("web", address: "10.1.0.2", app: "web", world)
            let client = try await NetworkPod("client", address: "10.1.0.3", app: "client", world)
            let other = try await NetworkPod("other", address: "10.1.0.4", app: "other", world)
            for pod in [client, other] { try await pod.waitUntilReaches(web, 80) }
            #expect(try !Network.rules().contains("apus-policy"), "nothing is there for nobody")

            // Who may come, and to which port: by its name.
            let policy: Value = [
                "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": ["name": "web", "namespace": "default"],
                "spec": [
                    "podSelector": ["matchLabels": ["app": "web"]],
                    "ingress": [["from": [["podSelector": ["matchLabels": ["app": "client"]]]], "ports": [["port": "http"]]]],
                ],
            ]
            var made = try await world.client.create(Self.resource, namespace: "default", policy).value
            try await other.waitUntilKept(from: web, 80)
            try await client.waitUntilReaches(web, 80)
            #expect(try !client.reaches(web, 81), "the other port")
            #expect(try web.reaches(other, 80), "what goes out is not spoken of, and answers come back")
            #expect(try NetworkPod.nodeReaches(web, 81), "the node comes to its pods: probes")

            // A change of the policy, and one of a pod.
            made["spec"]["ingress"] = [["from": [["ipBlock": ["cidr": "10.1.0.0/24", "except": ["10.1.0.3/32"]]]]]]
            made = try await world.client.update(Self.resource, namespace: "default", name: "web", made).value
            try await other.waitUntilReaches(web, 81)
            try await client.waitUntilKept(from: web, 80)
            made["spec"]["ingress"] = policy["spec"]["ingress"]
            made = try await world.client.update(Self.resource, namespace: "default", name: "web", made).value
            try await client.waitUntilReaches(web, 80)
            try await other.setLabel("client", world)
            try await other.waitUntilReaches(web, 80)
            try await other.setLabel("other", world)
            try await other.waitUntilKept(from: web, 80)

            // Both ends have a say.
            var egress = policy
            egress["metadata"]["name"] = "client"
            egress["spec"] = ["podSelector": ["matchLabels": ["app": "client"]], "policyTypes": ["Egress"]]
            _ = try await world.client.create(Self.resource, namespace: "default", egress)
            try await client.waitUntilKept(from: web, 80)
            #expect(try other.reaches(client, 80), "it may be asked, and answers")
            try await world.client.delete(Self.resource, namespace: "default", name: "client", options: .null)
            try await client.waitUntilReaches(web, 80)

            // Another instance takes over what is in force.
            var anew = manifest
            anew.deadline = .seconds(25)
            try await world.apply(anew)
            #expect(try !other.reaches(web, 80))
            // Somebody takes the rules away.
            _ = try Command.run(["nft", "flush", "ruleset"])
            try await other.waitUntilKept(from: web, 80)
            #expect(try client.reaches(web, 80))

            // Switched off, it holds nobody back.
            anew.enabled = false
            try await world.apply(anew, expecting: .skipped)
            try await other.waitUntilReaches(web, 80)
            #expect(try !Network.rules().contains("apus-policy"))
            anew.enabled = true
            try await world.apply(anew)
            try await other.waitUntilKept(from: web, 80)
            try await world.client.delete(Self.resource, namespace: "default", name: "web", options: .null)
            try await Network.waitForRules("the table to go") { !$0.contains("apus-policy") }
            #expect(try other.reaches(web, 81))
        }
    }
}

/// A pod of the API that is a network namespace on the bridge `apus0`, and listens there on two ports.
private final class NetworkPod: Sendable {
    private static let ports: [UInt16] = [80, 81]
    /// How long a packet that is let through may take.
    private static let patience: Int32 = 300

    private let name: String
    private let address: String
    private let namespace: Int32
    private let servers: [TCPServer]

    init(_ name: String, address: String, app: String, _ world: World) async throws {
        (self.name, self.address) = (name, address)
        namespace = try Self.makeNamespace()
        let path = "/proc/\(getpid())/fd/\(namespace)"
        let inside = ["nsenter", "--net=\(path)", "ip"]
        for command in [
            ["ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", path],
            ["ip", "link", "set", name, "master", "apus0", "up"],
            inside + ["link", "set", "lo", "up"], inside + ["address", "add", "\(address)/24", "dev", "eth0"],
            inside + ["link", "set", "eth0", "up"],
        ] {
            let result = try Command.run(command)
            guard result.status == 0 else { throw Unexpected("\(command.joined(separator: " ")): \(result.text)") }
        }
        servers = try Self.ports.map { port in try Self.inside(namespace) { try TCPServer(address, port: port) } }

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

    deinit {
        for server in servers { server.stop() }
        close(namespace)
    }

    func setLabel(_ app: String, _ world: World) async throws {
        _ = try await world.client.patch(
            .pods, namespace: "default", name: name, subresource: nil, .merge, ["metadata": ["labels": ["app": .string(app)]]])
    }

    /// Whether a connection comes about at once.
    /// - Throws: where somebody refuses it, which no policy does.
    func reaches(_ other: NetworkPod, _ port: UInt16) throws -> Bool { try Self.connects(from: namespace, to: other, port) }

    static func nodeReaches(_ other: NetworkPod, _ port: UInt16) throws -> Bool { try connects(from: nil, to: other, port) }

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

    private static func connects(from namespace: Int32?, to other: NetworkPod, _ port: UInt16) throws -> Bool {
        let make = { socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0) }
        let descriptor = try namespace.map { try inside($0, make) } ?? make()
        defer { close(descriptor) }
        _ = withSocketAddress(other.address, port) { connect(descriptor, $0, $1) }
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&waiting, 1, patience) == 1 else { return false }
        var (error, size) = (Int32(0), socklen_t(4))
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size)
        guard error == 0 else { throw Unexpected("\(other.name):\(port): \(String(cString: strerror(error)))") }
        return true
    }

    // MARK: Namespaces

    private static let networkNamespace: Int32 = 0x4000_0000
    /// The module of the C library leaves out what is Linux' alone.
    private static let setns = unsafeBitCast(dlsym(nil, "setns"), to: (@convention(c) (Int32, Int32) -> Int32).self)
    private static let unshare = unsafeBitCast(dlsym(nil, "unshare"), to: (@convention(c) (Int32) -> Int32).self)

    private static func makeNamespace() throws -> Int32 {
        try returning {
            guard unshare(networkNamespace) == 0 else { throw Unexpected("no namespace: \(String(cString: strerror(errno)))") }
            return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
        }
    }

    /// Has this thread be in `namespace` while `body` runs: the sockets that it makes stay there.
    private static func inside<R>(_ namespace: Int32, _ body: () throws -> R) throws -> R {
        try returning {
            guard setns(namespace, networkNamespace) == 0 else { throw Unexpected("setns: \(String(cString: strerror(errno)))") }
            return try body()
        }
    }

    private static func returning<R>(_ body: () throws -> R) throws -> R {
        let own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
        defer {
            precondition(setns(own, networkNamespace) == 0, "the thread cannot come back to its namespace")
            close(own)
        }
        return try body()
    }
}
