internal import APIModel
internal import PluginKit

/// What policies look at in a pod that has an address of its own.
struct PolicyPod: Hashable {
    struct Port: Hashable {
        var name: NamedPort
        var number: UInt16
    }

    var namespace: String
    var labels: [String: String]
    /// Its own of one family.
    var address: IPAddress
    var ports: Set<Port>
    var created: String
    /// Whether its traffic passes this node.
    var isLocal: Bool

    /// `nil` for a pod of the node's network, which is as the node itself, and for one that has no address of the family, or has it no more.
    ///
    /// - Parameter node: this node; `nil` where every pod is to be taken for one of it.
    init?(_ pod: Value, _ family: IPFamily, node: String?) {
        let (metadata, spec, status) = (pod["metadata"], pod["spec"], pod["status"])
        guard spec["hostNetwork"].bool != true, !PodState.isTerminal(pod),
            let address = (status["podIPs"].elements.compactMap { $0["ip"].string } + [status["podIP"].string ?? ""]).lazy
                .compactMap({ IPAddress($0) }).first(where: { $0.family == family })
        else { return nil }
        self.address = address
        namespace = metadata["namespace"].string ?? ""
        labels = metadata["labels"].strings
        created = metadata["creationTimestamp"].string ?? ""
        isLocal = node == nil || spec["nodeName"].string == node
        let containers = spec["containers"].elements + spec["initContainers"].elements.filter { $0["restartPolicy"].string == "Always" }
        ports = Set(
            containers.flatMap { $0["ports"].elements }.compactMap { port in
                guard let name = port["name"].string, !name.isEmpty, let number = PolicyPort.number(port["containerPort"]),
                    let transport = PolicyPort.Transport(rawValue: port["protocol"].string ?? "TCP")
                else { return nil }
                return Port(name: NamedPort(transport: transport, name: name), number: number)
            })
    }
}
