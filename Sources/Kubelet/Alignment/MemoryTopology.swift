import APIModel
import FileSystem

/// How much memory is at which NUMA node, by kind: `memory`, `hugepages-2Mi`. Bytes.
struct MemoryTopology: Equatable, Sendable {
    var nodes: [Int: [String: Whole]]

    static let kind = "memory"

    /// Whether it is a kind of memory at all.
    static func isKind(_ resource: String) -> Bool { resource == kind || resource.hasPrefix("hugepages-") }

    /// What the kernel tells. A machine that speaks of no nodes is one node. Blocks.
    /// - Parameters:
    ///   - machine: what it has altogether.
    ///   - root: `/sys/devices/system/node`, or what stands for it.
    static func read(_ machine: Machine, _ root: String = "/sys/devices/system/node") -> MemoryTopology {
        var nodes: [Int: [String: Whole]] = [:]
        for name in Files.names(in: root) {
            guard name.hasPrefix("node"), let number = Int(name.dropFirst(4)), let info = Files.text("\(root)/\(name)/meminfo") else {
                continue
            }
            // Each line begins with the node's name: `Node 0 MemTotal: 16384 kB`.
            let lines = info.split(whereSeparator: \.isNewline).map { $0.split(separator: " ").dropFirst(2).joined(separator: " ") }
            nodes[number] = Machine.hugePages("\(root)/\(name)/hugepages")
            nodes[number]?[kind] = Machine.memoryTotal(lines.joined(separator: "\n"))
        }
        if !nodes.isEmpty { return MemoryTopology(nodes: nodes) }
        return MemoryTopology(nodes: [0: machine.hugePages.merging([kind: machine.memory]) { $1 }])
    }
}
