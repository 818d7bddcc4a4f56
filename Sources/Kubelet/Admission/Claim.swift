import APIModel

/// What a pod takes of the node as long as it is there, and what it counts for when something has to make room.
struct Claim: Equatable, Sendable {
    /// A port of the node, as upstream compares them: no address is every IPv4 address.
    struct Port: Hashable, Sendable {
        var address: String
        var transport: String
        var number: Whole

        private static let everywhere = "0.0.0.0"

        init(address: String?, transport: String?, number: Whole) {
            self.address = address.flatMap { $0.isEmpty ? nil : $0 } ?? Self.everywhere
            self.transport = transport.flatMap { $0.isEmpty ? nil : $0 } ?? "TCP"
            self.number = number
        }

        func conflicts(with other: Port) -> Bool {
            number == other.number && transport == other.transport
                && (address == other.address || address == Self.everywhere || other.address == Self.everywhere)
        }
    }

    var uid: String
    /// By resource: thousandths of a CPU, bytes, pieces. Of `pods` it is one.
    var amounts: [String: Whole]
    var ports: Set<Port> = []
    var quality = QualityOfService.bestEffort
    var priority: Whole?
    var isCritical = false

    init(uid: String, amounts: [String: Whole]) {
        self.uid = uid
        self.amounts = amounts.merging(["pods": 1]) { $1 }
    }

    init(_ pod: Pod) {
        self.init(uid: pod.uid, amounts: Self.amounts(PodTotals.requests(of: pod.value, .overhead)))
        let containers = pod.initContainers.filter(\.isSidecar) + pod.containers
        ports = Set(
            containers.flatMap { $0["ports"].elements }.compactMap { port in
                guard let number = port["hostPort"].int, number > 0 else { return nil }
                return Port(address: port["hostIP"].string, transport: port["protocol"].string, number: number)
            })
        quality = QualityOfService(of: pod)
        priority = pod.spec["priority"].int
        isCritical = pod.isCritical
    }

    /// What a Node has for pods.
    static func capacity(of node: Value) -> [String: Whole] { amounts(ResourceList(node[path: "status", "allocatable"])) }

    private static func amounts(_ list: ResourceList) -> [String: Whole] {
        Dictionary(uniqueKeysWithValues: list.amounts.map { ($0, $0 == "cpu" ? $1.milliValue : $1.value) })
    }

    /// Those that count first come first, as upstream asks for them.
    static func order(_ resources: some Sequence<String>) -> [String] {
        let first = ["pods", "cpu", "memory", "ephemeral-storage"]
        return resources.sorted { (first.firstIndex(of: $0) ?? first.count, $0) < (first.firstIndex(of: $1) ?? first.count, $1) }
    }
}
