/// Picks processors that are close to each other: whole sockets and NUMA nodes first, then whole cores, then what is left. Upstream:
/// `takeByTopologyNUMAPacked`.
struct CPUPacking {
    private let topology: CPUTopology
    private var free: CPUSet
    private var taken = CPUSet()
    private var missing: Int

    struct Shortage: Error, Equatable, CustomStringConvertible {
        var requested: Int
        var available: Int
        var description: String { "not enough cpus available to satisfy request: requested=\(requested), available=\(available)" }
    }

    static func take(_ count: Int, of available: CPUSet, _ topology: CPUTopology) throws(Shortage) -> CPUSet {
        guard count <= available.count else { throw Shortage(requested: count, available: available.count) }
        var packing = CPUPacking(topology: topology, free: available, missing: count)
        packing.run()
        return packing.taken
    }

    private init(topology: CPUTopology, free: CPUSet, missing: Int) { (self.topology, self.free, self.missing) = (topology, free, missing) }

    private typealias Level = KeyPath<CPUTopology.Place, Int>

    private mutating func run() {
        // What is bigger is the outer of the two.
        let levels: [Level] = topology.sockets.count >= topology.nodes.count ? [\.node, \.socket] : [\.socket, \.node]
        for level in levels { takeWhole(level, within: []) }
        takeWhole(\.core, within: levels)
        for id in ordered(by: levels + [\.core]) where missing > 0 { take(CPUSet([id])) }
    }

    private mutating func take(_ cpus: CPUSet) {
        taken = taken.union(cpus)
        free = free.subtracting(cpus)
        missing -= cpus.count
    }

    private mutating func takeWhole(_ level: Level, within levels: [Level]) {
        var seen: Set<Int> = []
        for id in ordered(by: levels + [level]) {
            guard let place = topology.places[id], seen.insert(place[keyPath: level]).inserted else { continue }
            let whole = topology.cpus { $0[keyPath: level] == place[keyPath: level] }
            if whole.count <= missing, whole.intersection(free) == whole { take(whole) }
        }
    }

    /// The free ones, those first whose surroundings have the fewest others that are free; of each level in turn.
    private func ordered(by levels: [Level]) -> [Int] {
        var counts: [Level: [Int: Int]] = [:]
        for level in levels {
            for id in free.ids {
                if let place = topology.places[id] { counts[level, default: [:]][place[keyPath: level], default: 0] += 1 }
            }
        }
        func key(_ id: Int) -> [Int] {
            guard let place = topology.places[id] else { return [] }
            return levels.flatMap { [counts[$0]?[place[keyPath: $0]] ?? 0, place[keyPath: $0]] } + [id]
        }
        return free.ids.map { ($0, key($0)) }.sorted { $0.1.lexicographicallyPrecedes($1.1) }.map(\.0)
    }
}
