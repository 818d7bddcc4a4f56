import APIModel
import FileSystem

/// Which processors share a core, a socket and a NUMA node. Upstream: `cpumanager/topology`.
struct CPUTopology: Equatable, Sendable {
    struct Place: Hashable, Sendable {
        /// The lowest processor of the core.
        var core: Int
        var socket: Int
        var node: Int
    }

    private(set) var places: [Int: Place]

    init(_ places: [Int: Place]) { self.places = places }

    var all: CPUSet { CPUSet(places.keys) }
    var nodes: Set<Int> { Set(places.values.map(\.node)) }
    var sockets: Set<Int> { Set(places.values.map(\.socket)) }

    func cpus(_ isMeant: (Place) -> Bool) -> CPUSet { CPUSet(places.filter { isMeant($0.value) }.keys) }

    /// What the kernel tells of those that are on. Where it does not say what a processor shares, it shares nothing. Blocks.
    /// - Parameter root: `/sys/devices/system`, or what stands for it.
    static func read(_ root: String = "/sys/devices/system") -> CPUTopology {
        func line(_ path: String) -> String { String((Files.text("\(root)/\(path)") ?? "").prefix { !$0.isNewline }) }
        let online = CPUSet(line("cpu/online")) ?? CPUSet()
        var nodes: [Int: Int] = [:]
        for name in Files.names(in: root + "/node") {
            guard name.hasPrefix("node"), let number = Int(name.dropFirst(4)), let own = CPUSet(line("node/\(name)/cpulist")) else {
                continue
            }
            for id in own.ids { nodes[id] = number }
        }
        var places: [Int: Place] = [:]
        for id in online.ids {
            // A board that does not say gives -1.
            let socket = max(Int(line("cpu/cpu\(id)/topology/physical_package_id")) ?? 0, 0)
            let siblings = CPUSet(line("cpu/cpu\(id)/topology/thread_siblings_list"))?.intersection(online)
            places[id] = Place(core: siblings?.ids.min() ?? id, socket: socket, node: nodes[id] ?? 0)
        }
        return CPUTopology(places)
    }
}
