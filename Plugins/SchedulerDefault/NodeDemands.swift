internal import PluginAPI
internal import PluginKit

/// What a Pod asks of single Nodes, whoever else runs there or elsewhere: Pods that ask for the same are judged alike. A value of its own, good
/// while the epoch of its strings lasts.
struct NodeDemands: Hashable {
    struct Port: Hashable {
        let networkProtocol: Int32
        let port: Int32
        /// Zero for every address.
        let ip: apus_string

        func isTaken(by other: apus_host_port) -> Bool {
            other.port == port && other.protocol == networkProtocol && (other.ip == ip || other.ip == 0 || ip == 0)
        }
    }
    struct Amount: Hashable {
        let resource: apus_string
        let amount: Int64
    }
    struct Image: Hashable {
        let name: apus_string
        let uses: UInt32
        let version: UInt32
    }

    let profile: UInt64
    let nodeName: apus_string
    let affinity: NodeAffinity
    let preferred: [NodeTerm]
    /// What the scheduler's configuration asks of every Pod.
    let added: NodeTerms?
    let tolerations: Tolerations
    let ports: [Port]
    let requests: [Amount]
    let nonzeroCPU: Int64
    let nonzeroMemory: Int64
    let images: [Image]
    let features: [apus_string]
    let containerCount: UInt32

    init(_ pod: PodNeeds, _ nodes: Nodes) {
        let raw = pod.raw.pointee
        profile = raw.profile_serial
        nodeName = raw.node_name
        affinity = NodeAffinity(pod)
        preferred = pod.preferred.map(NodeTerm.init)
        added = NodeTerms(addedTo: pod)
        tolerations = Tolerations(pod)
        ports = pod.ports.map { Port(networkProtocol: $0.protocol, port: $0.port, ip: $0.ip) }
        requests = (0..<nodes.resourceCount).filter { pod.request($0) != 0 }.map {
            Amount(resource: nodes.raw.pointee.resources[$0], amount: pod.request($0))
        }
        (nonzeroCPU, nonzeroMemory) = (raw.nonzero_cpu, raw.nonzero_memory)
        images = pod.images.filter { $0.node_count > 0 }.map { Image(name: $0.name, uses: $0.uses, version: $0.version) }
        features = Array(pod.features)
        containerCount = raw.container_count
    }
}
