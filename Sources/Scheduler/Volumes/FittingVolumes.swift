internal import APIModel

/// The volumes that a claim may have, wherever they are: those of a Node are found by its hostname.
struct FittingVolumes {
    /// The smallest first.
    private let volumes: [Object]
    /// By hostname, the places of those that are on Nodes of that name only.
    private var byHost: [String: [Int]] = [:]
    private var elsewhere: [Int] = []

    init(_ volumes: [Object]) {
        self.volumes = volumes.map { (volume: $0, size: StorageObjects.capacity(ofVolume: $0.value)) }
            .sorted { ($0.size, $0.volume.name) < ($1.size, $1.volume.name) }.map(\.volume)
        for (place, volume) in self.volumes.enumerated() {
            guard let hosts = Self.hosts(volume) else {
                elsewhere.append(place)
                continue
            }
            for host in hosts { byHost[host, default: []].append(place) }
        }
    }

    /// `nil` for a volume that does not name any.
    private static func hosts(_ volume: Object) -> Set<String>? {
        let terms = volume.value["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"].elements
        guard let term = terms.first, terms.count == 1 else { return nil }
        let names = term["matchExpressions"].elements.first { $0["key"].string == NodeLabel.hostname && $0["operator"].string == "In" }
        return names.map { Set($0["values"].elements.compactMap(\.string)) }
    }

    /// Where one of them is, as in a node selector; `nil` for everywhere.
    var terms: [Value]? {
        let required = volumes.map { $0.value["spec"]["nodeAffinity"]["required"] }
        return required.contains(where: \.isNull) ? nil : required.flatMap { $0["nodeSelectorTerms"].elements }
    }

    /// The smallest that the Node reaches and that is not taken.
    func smallest(on node: VolumeMatch.Place, besides taken: Set<String>) -> Object? {
        let near = node.labels[NodeLabel.hostname].flatMap { byHost[$0] } ?? []
        return (near + elsewhere).sorted().lazy.map { volumes[$0] }.first {
            !taken.contains($0.name) && StorageObjects.isWithinReach($0.value, ofNode: node.name, labels: node.labels)
        }
    }
}
