import HashTreeCollections

/// The names that this server answers for at one moment. A value: those who answer keep theirs while the next one is made.
struct Zone: Sendable {
    /// What is at one name.
    struct Node: Sendable {
        /// At most one set of each type. Without any, the name exists and has no records.
        var sets: [RecordSet] = []
        /// How many names end in this one; a name without records of its own exists through them.
        var below = 0
        /// Whether it was put here for itself.
        var isOwn = false

        func set(_ type: RecordType) -> RecordSet? { sets.first { $0.type == type } }
    }

    /// In seconds, as upstream's configuration of its server has it.
    static let timeToLive: UInt32 = 30
    /// How long others may remember that there is nothing, in seconds: a name that is about to come must not be missing for long.
    static let negativeTimeToLive: UInt32 = 5

    /// What names of the cluster end in; every name in it is answered from here. Beside it there are names for addresses.
    let apex: Name
    /// Said with every answer that there is nothing.
    let authority: RecordSet
    fileprivate var nodes: TreeDictionary<Name, Node> = [:]

    subscript(name: Name) -> Node? { nodes[name] }
    /// All names that exist, in no order.
    var names: [Name] { Array(nodes.keys) }

    init(apex: Name) {
        self.apex = apex
        let server = ClusterName.server(apex)?.bytes ?? Name.root.bytes
        let person = Name(labels: ["hostmaster"], under: apex)?.bytes ?? Name.root.bytes
        // Serial number, refresh, retry, expire: for servers that copy the zone, and none may.
        let numbers = [1, 7200, 1800, 86400, Self.negativeTimeToLive] as [UInt32]
        authority = RecordSet(
            .soa, timeToLive: Self.negativeTimeToLive,
            [server + person + numbers.flatMap { number in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) } }])
    }
}

/// Makes zones: who contributes which records, and what comes of it.
///
/// A change costs what it adds and removes, and what else is at the same names.
struct ZoneTable: Sendable {
    typealias Records = [Name: [RecordSet]]

    private(set) var zone: Zone
    private var names: [String: [Name]] = [:]
    private var parts: [Name: [String: [RecordSet]]] = [:]

    init(apex: Name, serverAddresses: [[UInt8]] = []) {
        zone = Zone(apex: apex)
        set("", ClusterName.apexRecords(zone, serverAddresses: serverAddresses))
    }

    /// Puts `records` in place of all that `source` contributed before. A name with no records exists.
    mutating func set(_ source: String, _ records: Records) {
        for name in names[source] ?? [] where records[name] == nil { change(name, source, nil) }
        for (name, sets) in records where parts[name]?[source] != sets { change(name, source, sets) }
        names[source] = records.isEmpty ? nil : Array(records.keys)
    }

    private mutating func change(_ name: Name, _ source: String, _ sets: [RecordSet]?) {
        parts[name, default: [:]][source] = sets
        let all = parts[name] ?? [:]
        if all.isEmpty { parts[name] = nil }
        let wasThere = zone.nodes[name]?.isOwn == true
        if all.isEmpty, !wasThere { return }
        zone.nodes[name, default: Zone.Node()].isOwn = !all.isEmpty
        zone.nodes[name, default: Zone.Node()].sets = Self.union(all)
        if wasThere == all.isEmpty { count(above: name, all.isEmpty ? -1 : 1) }
        drop(name)
    }

    private mutating func count(above name: Name, _ change: Int) {
        guard name.isWithin(zone.apex) else { return }
        var name = name
        while name != zone.apex, let parent = name.parent {
            zone.nodes[parent, default: Zone.Node()].below += change
            drop(parent)
            name = parent
        }
    }

    private mutating func drop(_ name: Name) {
        if let node = zone.nodes[name], !node.isOwn, node.below == 0 { zone.nodes[name] = nil }
    }

    private static func union(_ parts: [String: [RecordSet]]) -> [RecordSet] {
        if parts.count == 1, let only = parts.values.first { return only }
        // In the order of the sources, so that the same is the same.
        let sets = parts.sorted { $0.key < $1.key }.flatMap(\.value)
        return Dictionary(grouping: sets, by: \.type).values.map(RecordSet.union).sorted { $0.type.rawValue < $1.type.rawValue }
    }
}
