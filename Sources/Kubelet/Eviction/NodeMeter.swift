import APIModel
import FileSystem
import Glibc

/// Reads what the node has from the kernel and the runtime.
struct NodeMeter: Sendable {
    let context: Context

    func look() async -> NodeFigures {
        let root = context.configuration.rootDirectory
        let images = try? await context.cri.imageFileSystems().first?[path: "fs_id", "mountpoint"].string
        let memory = context.machine.memory
        return (try? await context.disk.run { Self.look(root: root, images: images ?? root, memory: memory) }) ?? NodeFigures()
    }

    /// Blocks.
    private static func look(root: String, images: String, memory: Whole) -> NodeFigures {
        var figures = NodeFigures()
        // Without the group of all, as with cgroup v2, what the kernel reckons could be had.
        let available = Usage(group: "").workingSet.map { max(memory - $0, 0) } ?? Machine.availableMemory()
        figures.observations[.memory] = Observation(available: available, capacity: memory)
        let (count, limit) = Machine.processes()
        if limit > 0 { figures.observations[.processes] = Observation(available: max(limit - count, 0), capacity: limit) }
        for (path, storage, inodes) in [
            (root, EvictionSignal.nodeStorage, EvictionSignal.nodeInodes), (images, .imageStorage, .imageInodes),
        ] {
            guard let disk = Machine.storage(path) else { continue }
            figures.observations[storage] = Observation(available: disk.free, capacity: disk.total)
            // Some file systems have as many as they need and say none.
            if disk.inodes > 0 { figures.observations[inodes] = Observation(available: disk.freeInodes, capacity: disk.inodes) }
        }
        if let own = Files.status(root), let other = Files.status(images) { figures.hasImageDisk = own.device != other.device }
        return figures
    }
}
