internal import APIModel
internal import PluginAPI

/// A volume of a CSI driver.
struct CSIVolume: Hashable {
    let driver: String
    let handle: String
}

/// Which volumes of CSI drivers each Node has attached, those of the Pods there and those of VolumeAttachments, and how many it may have.
/// Kept up to date with every change of those; what a change costs does not grow with the number of Nodes. Used by the scheduling thread only.
final class AttachedVolumes {
    static let resources = [StorageObjects.driversOfNodes, StorageObjects.attachments]

    private struct Holders {
        var pods = 0
        var attachments = 0
        var isEmpty: Bool { pods == 0 && attachments == 0 }
    }
    private struct OnNode {
        var limits: [(driver: String, limit: Int32)] = []
        var volumes: [CSIVolume: Holders] = [:]
        /// By driver.
        var counts: [String: Int32] = [:]
        var isEmpty: Bool { limits.isEmpty && volumes.isEmpty }
    }
    private struct Use {
        /// As the claim was understood last; `nil` for one without such a volume.
        var volume: CSIVolume?
        var volumeName: String
        /// By Node, how many Pods.
        var nodes: [String: Int] = [:]
    }
    private struct Attachment {
        let node: String
        let driver: String
        let volumeName: String
        var volume: CSIVolume?
    }

    private let objects: VolumeObjects
    private var byNode: [String: OnNode] = [:]
    /// Claims that Pods on Nodes use.
    private var uses: [PodKey: Use] = [:]
    /// By PersistentVolume, the claims and the VolumeAttachments that speak of it.
    private var claimsOf: [String: Set<PodKey>] = [:]
    private var attachmentsOf: [String: Set<String>] = [:]
    private var attachments: [String: Attachment] = [:]
    /// By volume, the Nodes where a Pod uses it.
    private var nodesOf: [CSIVolume: Set<String>] = [:]
    /// Told of every Node for which `limits` answers otherwise than before.
    var changed: (_ node: String) -> Void = { _ in }

    init(_ objects: VolumeObjects) { self.objects = objects }

    /// By driver, how many volumes a Node may have attached, and has.
    func limits(_ node: String) -> [(driver: String, limit: Int32, attached: Int32)] {
        guard let state = byNode[node] else { return [] }
        return state.limits.map { ($0.driver, $0.limit, state.counts[$0.driver] ?? 0) }
    }

    /// The volumes of a new Pod's claims, each once, and where Pods have them already.
    func wanted(_ claims: [PodInfo.Claim]) -> [(volume: CSIVolume, nodes: Set<String>)] {
        var seen: Set<CSIVolume> = []
        return claims.compactMap { objects.csiVolume($0.key) }.filter { seen.insert($0).inserted }.map { ($0, nodesOf[$0] ?? []) }
    }

    /// A Pod on the Node uses the claim.
    func add(_ claim: PodKey, on node: String) {
        if uses[claim] == nil { note(claim) }
        uses[claim]?.nodes[node, default: 0] += 1
        if uses[claim]?.nodes[node] == 1, let volume = uses[claim]?.volume { hold(volume, node, pods: 1) }
    }

    /// It does so no more.
    func remove(_ claim: PodKey, on node: String) {
        guard let count = uses[claim]?.nodes[node] else { return }
        uses[claim]?.nodes[node] = count > 1 ? count - 1 : nil
        guard count == 1, let use = uses[claim] else { return }
        if let volume = use.volume { hold(volume, node, pods: -1) }
        if use.nodes.isEmpty { forget(claim) }
    }

    /// Takes an object over that says what claims and volumes are; `nil` for one that went. `objects` must have it already.
    func objectsChanged(_ resource: GroupVersionResource, before: Object?, after: Object?) {
        guard let object = after ?? before else { return }
        switch resource {
        case StorageObjects.claims: understand(PodKey(object))
        case StorageObjects.volumes:
            for claim in claimsOf[object.name] ?? [] { understand(claim) }
            for name in attachmentsOf[object.name] ?? [] { if let attachment = attachments[name] { put(attachment, name) } }
        case StorageObjects.drivers, StorageObjects.capacities: break
        default: for claim in uses.filter({ $0.value.volumeName.isEmpty }).keys { understand(claim) }
        }
    }

    /// Takes a CSINode or a VolumeAttachment over. Returns whether a Node may have room for more.
    func put(_ resource: GroupVersionResource, before: Object?, after: Object?) -> Bool {
        guard let object = after ?? before else { return false }
        if resource == StorageObjects.driversOfNodes { return put(limits: Self.limits(after), object.name) }
        let value = object.value["spec"]
        let name = value["source"]["persistentVolumeName"].string ?? ""
        guard after != nil else {
            drop(object.name)
            return true
        }
        put(Attachment(node: value["nodeName"].string ?? "", driver: value["attacher"].string ?? "", volumeName: name), object.name)
        return false
    }

    private static func limits(_ node: Object?) -> [(driver: String, limit: Int32)] {
        (node?.value["spec"]["drivers"].elements ?? []).compactMap { driver in
            driver["allocatable"]["count"].int.map { (driver["name"].string ?? "", Int32($0)) }
        }
    }

    private func put(limits: [(driver: String, limit: Int32)], _ node: String) -> Bool {
        let before = byNode[node]?.limits ?? []
        byNode[node, default: OnNode()].limits = limits
        tidy(node)
        changed(node)
        return before.contains { old in (limits.first { $0.driver == old.driver }?.limit ?? .max) > old.limit } || before.isEmpty
    }
}

// What claims and attachments stand for.
extension AttachedVolumes {
    private func note(_ claim: PodKey) {
        let name = objects.claims[claim]?.value["spec"]["volumeName"].string ?? ""
        uses[claim] = Use(volume: objects.csiVolume(claim), volumeName: name)
        if !name.isEmpty { claimsOf[name, default: []].insert(claim) }
    }

    private func forget(_ claim: PodKey) {
        guard let use = uses.removeValue(forKey: claim), !use.volumeName.isEmpty else { return }
        claimsOf[use.volumeName]?.remove(claim)
        if claimsOf[use.volumeName]?.isEmpty == true { claimsOf[use.volumeName] = nil }
    }

    /// Looks at a claim anew.
    private func understand(_ claim: PodKey) {
        guard let old = uses[claim] else { return }
        forget(claim)
        note(claim)
        uses[claim]?.nodes = old.nodes
        let volume = uses[claim]?.volume
        guard volume != old.volume else { return }
        for node in old.nodes.keys {
            if let before = old.volume { hold(before, node, pods: -1) }
            if let volume { hold(volume, node, pods: 1) }
        }
    }

    private func put(_ attachment: Attachment, _ name: String) {
        drop(name)
        guard !attachment.driver.isEmpty, !attachment.volumeName.isEmpty else { return }
        let handle = objects.volume(attachment.volumeName)?.value["spec"]["csi"]["volumeHandle"].string
        var attachment = attachment
        attachment.volume = handle.map { CSIVolume(driver: attachment.driver, handle: $0) }
        attachments[name] = attachment
        attachmentsOf[attachment.volumeName, default: []].insert(name)
        if let volume = attachment.volume { hold(volume, attachment.node, attachments: 1) }
    }

    private func drop(_ name: String) {
        guard let attachment = attachments.removeValue(forKey: name) else { return }
        attachmentsOf[attachment.volumeName]?.remove(name)
        if attachmentsOf[attachment.volumeName]?.isEmpty == true { attachmentsOf[attachment.volumeName] = nil }
        if let volume = attachment.volume { hold(volume, attachment.node, attachments: -1) }
    }

    /// Counts those who have a volume on a Node.
    private func hold(_ volume: CSIVolume, _ node: String, pods: Int = 0, attachments: Int = 0) {
        var state = byNode[node] ?? OnNode()
        let wasThere = state.volumes[volume] != nil
        var holders = state.volumes[volume] ?? Holders()
        holders.pods += pods
        holders.attachments += attachments
        state.volumes[volume] = holders.isEmpty ? nil : holders
        if pods != 0 {
            if holders.pods > 0 { nodesOf[volume, default: []].insert(node) } else { nodesOf[volume]?.remove(node) }
            if nodesOf[volume]?.isEmpty == true { nodesOf[volume] = nil }
        }
        if wasThere == holders.isEmpty {
            let count = (state.counts[volume.driver] ?? 0) + (wasThere ? -1 : 1)
            state.counts[volume.driver] = count == 0 ? nil : count
        }
        byNode[node] = state
        tidy(node)
        if wasThere == holders.isEmpty, state.limits.contains(where: { $0.driver == volume.driver }) { changed(node) }
    }

    private func tidy(_ node: String) {
        if byNode[node]?.isEmpty == true { byNode[node] = nil }
    }
}
