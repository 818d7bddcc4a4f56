internal import APIModel
internal import PluginAPI

/// What a Pod's claims mean for where it may run, found out once a cycle: upstream's VolumeBinding, VolumeZone and VolumeRestrictions.
struct PodVolumes {
    /// A rule on Nodes: one of the terms must match.
    struct Rule {
        let claim: PodKey
        /// One of APUS_VOLUME_….
        let kind: Int32
        /// As in a node selector.
        let terms: [Value]
    }

    private var found: [Rule] = []
    /// Claims that one Pod alone may use, and that others use.
    private var inUse: [PodKey] = []
    private let disks: [Disk]
    /// Claims that get their volume where the Pod will run.
    private(set) var unbound: [WaitingClaim] = []
    private let objects: VolumeObjects

    /// Why the Pod can run nowhere, in upstream's words.
    struct Refused: Error {
        let message: String
    }

    init(_ pod: PodInfo, _ objects: VolumeObjects, _ assigned: AssignedPods) throws(Refused) {
        self.objects = objects
        disks = pod.disks
        var hasImmediate = false
        for reference in pod.claims {
            let claim = try Self.claim(reference, pod, objects)
            if claim.value["spec"]["accessModes"].elements.contains(where: { $0.string == "ReadWriteOncePod" }),
                !assigned.users(of: reference.key).isEmpty
            {
                inUse.append(reference.key)
            }
            let volumeName = claim.value["spec"]["volumeName"].string ?? ""
            if !volumeName.isEmpty, claim.isFullyBound {
                bind(reference, to: volumeName)
            } else if volumeName.isEmpty, Self.waits(claim, objects) {
                unbound.append(WaitingClaim(claim, objects))
            } else {
                hasImmediate = true
            }
        }
        // As upstream: who asks for least chooses first.
        unbound.sort { StorageObjects.requested(by: $0.claim.value) < StorageObjects.requested(by: $1.claim.value) }
        found += unbound.flatMap(\.rules)
        if hasImmediate { throw Refused(message: "pod has unbound immediate PersistentVolumeClaims") }
    }

    /// Of a Pod without claims.
    init(nothingOf objects: VolumeObjects) { (self.objects, disks) = (objects, []) }

    /// Whether other Pods keep this one from somewhere, so that their going would help.
    var dependsOnOthers: Bool { !inUse.isEmpty || !disks.isEmpty }

    /// What is asked of Nodes while some of the assigned Pods are gone.
    func rules(_ assigned: AssignedPods, gone: Set<PodKey> = []) -> [Rule] {
        let claims = inUse.filter { !assigned.users(of: $0).isSubset(of: gone) }.map {
            Rule(claim: $0, kind: APUS_VOLUME_IN_USE, terms: [])
        }
        let nodes = disks.reduce(into: Set<String>()) { $0.formUnion(assigned.nodes(keeping: $1, gone: gone)) }
        guard !nodes.isEmpty else { return found + claims }
        let names: Value = ["key": "metadata.name", "operator": "NotIn", "values": Value(nodes.sorted())]
        let rule = Rule(
            claim: PodKey(namespace: "", name: ""), kind: APUS_VOLUME_DISK, terms: [["matchFields": [names]]])
        return found + claims + [rule]
    }

    /// The same, with no claim that would get its volume.
    var withoutBinding: PodVolumes {
        var copy = self
        copy.unbound = []
        return copy
    }

    private static func claim(_ reference: PodInfo.Claim, _ pod: PodInfo, _ objects: VolumeObjects) throws(Refused) -> Object {
        let name = reference.key.name
        guard let claim = objects.claims[reference.key] else {
            throw Refused(
                message: reference.isEphemeral
                    ? "waiting for ephemeral volume controller to create the persistentvolumeclaim \"\(name)\""
                    : "persistentvolumeclaim \"\(name)\" not found")
        }
        if claim.value["status"]["phase"].string == "Lost" {
            let volume = claim.value["spec"]["volumeName"].string ?? ""
            throw Refused(message: "persistentvolumeclaim \"\(name)\" bound to non-existent persistentvolume \"\(volume)\"")
        }
        if claim.isBeingDeleted { throw Refused(message: "persistentvolumeclaim \"\(name)\" is being deleted") }
        if reference.isEphemeral, claim.controllerReference["uid"].string != pod.uid {
            throw Refused(message: "PVC \(reference.key) was not created for pod \(pod.key) (pod is not owner)")
        }
        return claim
    }

    /// Whether the claim waits for its first consumer.
    private static func waits(_ claim: Object, _ objects: VolumeObjects) -> Bool {
        let name = claim.storageClassName
        return !name.isEmpty && objects.storageClass(name).map { StorageObjects.waitsForConsumer($0.value) } ?? false
    }

    private mutating func bind(_ claim: PodInfo.Claim, to name: String) {
        guard let volume = objects.volume(name) else {
            found.append(Rule(claim: claim.key, kind: APUS_VOLUME_MISSING, terms: []))
            return
        }
        let required = volume.value["spec"]["nodeAffinity"]["required"]
        if !required.isNull {
            found.append(Rule(claim: claim.key, kind: APUS_VOLUME_BOUND, terms: required["nodeSelectorTerms"].elements))
        }
        // As upstream: the zones of a volume that was made for this Pod alone are not looked at.
        if !claim.isEphemeral, let terms = VolumeZones.terms(volume) {
            found.append(Rule(claim: claim.key, kind: APUS_VOLUME_ZONE, terms: terms))
        }
    }

    /// How every claim that waits gets its volume on a Node: each another. `nil` where one gets none.
    func bindings(on node: VolumeMatch.Place) -> [VolumeBinding]? {
        var taken: Set<String> = []
        var bindings: [VolumeBinding] = []
        for claim in unbound {
            guard let binding = claim.binding(on: node, besides: taken) else { return nil }
            if case .existing(_, let volume) = binding { taken.insert(volume.name) }
            bindings.append(binding)
        }
        return bindings
    }

    /// Whether several claims may want one volume: then it takes more than the rules to say where all of them get one.
    var haveToShare: Bool { Set(unbound.map(\.claim.storageClassName)).count < unbound.count }

    /// Takes the Nodes out where not every claim gets a volume, and tells of them.
    func filter(_ nodes: NodeBits, _ columns: NodeColumns, _ refused: (_ node: Int) -> Void) {
        nodes.visit { node in
            if bindings(on: VolumeMatch.Place(name: columns.name(node), labels: columns.labels(node))) == nil { refused(node) }
        }
    }
}

extension Object {
    /// Whether claim and volume know each other.
    var isFullyBound: Bool {
        !(value["spec"]["volumeName"].string ?? "").isEmpty && !metadata["annotations"][StorageAnnotation.bindCompleted].isNull
    }
}
