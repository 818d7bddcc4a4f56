/// Why a Pod's claims, of volumes or of devices, cannot be had on a Node: what the loop itself sees to.
struct ClaimRefusal {
    let reason: String
    /// Whether it is so whoever goes.
    let isHopeless: Bool
    /// By upstream's name.
    let plugin: String
    let helpedBy: ClusterEvents

    static let noVolume = ClaimRefusal(
        reason: "node(s) didn't find available persistent volumes to bind", isHopeless: true, plugin: "VolumeBinding",
        helpedBy: [.nodeAdded, .nodeLabels, .volume])
}

extension Cycle {
    /// Takes the Nodes out where the Pod's claims cannot be had, with a word on each. Returns what is wrong with a claim: then there is nothing to be said of any
    /// Node.
    func filterByClaims(_ nodes: NodeBits, _ refused: (_ node: Int, ClaimRefusal) -> Void = { _, _ in }) -> String? {
        volumes?.filter(nodes, columns) { node in
            nodes.remove(node)
            refused(node, .noVolume)
        }
        return devices?.filter(nodes, columns) { node, reason, isHopeless in
            let helpedBy = isHopeless ? PodDevices.helpedBy : PodDevices.helpedBy.union(.podRemoved)
            refused(node, ClaimRefusal(reason: reason, isHopeless: isHopeless, plugin: PodDevices.name, helpedBy: helpedBy))
        }
    }
}
