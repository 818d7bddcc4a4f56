internal import APIModel

/// What a Node says of its part of the pods' network. Pure.
struct NodeNetwork: Equatable {
    let name: String
    /// What the label says; it may be no mode.
    let wanted: String
    let addresses: [IPAddress]
    let pods: [IPNetwork]

    init(_ node: Value) {
        name = node["metadata"]["name"].string ?? ""
        wanted = node["metadata"]["labels"][PodNetworkMode.label].string ?? PodNetworkMode.none.rawValue
        addresses = node["status"]["addresses"].elements.filter { $0["type"].string == "InternalIP" }
            .compactMap { $0["address"].string.flatMap { IPAddress($0) } }
        pods = node["spec"]["podCIDRs"].elements.compactMap { $0.string.flatMap { IPNetwork($0) } }
    }

    var mode: PodNetworkMode? { PodNetworkMode(rawValue: wanted) }

    func address(_ family: IPFamily) -> IPAddress? { addresses.first { $0.family == family } }

    /// The address of its bridge in one of its networks.
    static func bridge(_ network: IPNetwork) -> IPAddress { network.host(1) ?? network.base }

    /// Of its end of the VXLAN network, which every node knows by the name alone: a locally administered address, FNV-1a with a last stir.
    var hardware: [UInt8] {
        var hash = name.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
        hash ^= hash >> 33
        let bytes = (0..<6).map { UInt8(truncatingIfNeeded: hash >> UInt64(8 * $0)) }
        return [bytes[0] & 0xfc | 0x02] + bytes.dropFirst()
    }
}
