internal import APIModel
internal import PluginAPI

/// A claim that gets its volume where its Pod will run: one that is there, or one that is made for it.
struct WaitingClaim {
    let claim: Object
    /// Those that it may have.
    private let volumes: FittingVolumes
    /// Whether there is somebody to make one.
    private let isMade: Bool
    /// The Node for which one is being made already: then it is that one, and no other volume.
    private let selected: String?
    /// As in node selectors, where its class lets one be made, and where there is room for one; `nil` for everywhere.
    private let allowed: [Value]?
    private let roomy: [Value]?

    init(_ claim: Object, _ objects: VolumeObjects) {
        self.claim = claim
        selected = claim.metadata["annotations"][StorageAnnotation.selectedNode].string
        volumes = FittingVolumes(selected == nil ? objects.free(class: claim.storageClassName).filter { VolumeMatch.fits($0, claim) } : [])
        let storageClass = objects.storageClass(claim.storageClassName)?.value
        isMade = storageClass.map { $0["provisioner"].string != "kubernetes.io/no-provisioner" } ?? false
        let topologies = storageClass?["allowedTopologies"].elements ?? []
        allowed = topologies.isEmpty ? nil : topologies.map(Self.term)
        roomy = objects.roomy(for: claim).flatMap(Self.terms)
    }

    /// `matchLabelExpressions` as a term of a node selector.
    private static func term(_ topology: Value) -> Value {
        let expressions: [Value] = topology["matchLabelExpressions"].elements.map {
            ["key": $0["key"], "operator": "In", "values": $0["values"]]
        }
        return ["matchExpressions": .array(expressions)]
    }

    /// Selectors of labels as terms of a node selector; `nil` for everywhere.
    private static func terms(_ topologies: [Value]) -> [Value]? {
        var terms: [Value] = []
        for topology in topologies {
            let labels: [Value] = topology["matchLabels"].fields.map { ["key": .string($0.key), "operator": "In", "values": [$0.value]] }
            let expressions = labels + topology["matchExpressions"].elements
            // One that asks for nothing is everywhere, where a term that asks for nothing is nowhere.
            if expressions.isEmpty { return nil }
            terms.append(["matchExpressions": .array(expressions)])
        }
        return terms
    }

    /// Where it can get a volume if nobody else does; no rule for everywhere.
    var rules: [PodVolumes.Rule] {
        guard let there = volumes.terms else { return [] }
        func rule(_ kind: Int32, _ terms: [Value]) -> PodVolumes.Rule { .init(claim: PodKey(claim), kind: kind, terms: terms) }
        let node: [PodVolumes.Rule] =
            selected.map { name in
                let isNamed: Value = ["key": "metadata.name", "operator": "In", "values": [.string(name)]]
                return [rule(APUS_VOLUME_UNBOUND, [["matchFields": [isNamed]]])]
            } ?? []
        guard isMade else { return node + [rule(APUS_VOLUME_UNBOUND, there)] }
        return node
            + [allowed.map { rule(APUS_VOLUME_UNBOUND, there + $0) }, roomy.map { rule(APUS_VOLUME_SPACE, there + $0) }]
            .compactMap(\.self)
    }

    /// How it gets a volume on a Node that is none of those that are taken: the smallest that is there, or one that is made. `nil` where it gets none.
    func binding(on node: VolumeMatch.Place, besides taken: Set<String>) -> VolumeBinding? {
        if let volume = volumes.smallest(on: node, besides: taken) { return .existing(claim: claim, volume: volume) }
        let isHere = [allowed, roomy].allSatisfy { terms in
            terms.map { NodeFit.matches(selector: ["nodeSelectorTerms": .array($0)], name: node.name, labels: node.labels) } ?? true
        }
        return isMade && isHere && (selected ?? node.name) == node.name ? .provisioned(claim: claim) : nil
    }
}
