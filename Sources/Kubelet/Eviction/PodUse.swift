import APIModel
import FileSystem

/// What one pod uses of what the node may be short of.
struct PodUse: Sendable {
    let context: Context

    /// Looks at what counts for `signal`. `nil` when it cannot be told.
    /// - Parameter stats: CRI's `ContainerStats` of its containers.
    func look(at pod: Pod, _ stats: [Value], _ signal: EvictionSignal, hasImageDisk: Bool) async -> EvictionRank.Use? {
        let disk = signal.isOnDisk ? await storage(of: pod, stats) : nil
        guard !signal.isOnDisk || disk != nil else { return nil }
        let path = PodCgroup.path(of: pod, below: context.configuration.cgroupRoot)
        guard let usage = try? await context.disk.run({ (Usage(group: path), Usage.processes(group: path)) }) else { return nil }
        if signal == .memory, usage.0.workingSet == nil { return nil }
        var use = EvictionRank.Use(memory: usage.0.workingSet ?? 0, processes: usage.1 ?? 0)
        for container in pod.initContainers + pod.containers {
            guard let own = stats.last(where: { $0[path: "attributes", "labels"][Label.containerName].string == container.name }) else {
                continue
            }
            let written = (disk?.layers[container.name] ?? Disk()) + (disk?.logs[container.name] ?? Disk())
            use.containers.append(.init(name: container.name, memory: Usage(own).workingSet, storage: disk.map { _ in written.bytes }))
        }
        if let disk {
            // On a disk of their own, images have the layers beside them, and the node's has the rest.
            let parts: [[String: Disk]] =
                !hasImageDisk ? [disk.layers, disk.logs, disk.volumes] : signal.isOfImages ? [disk.layers] : [disk.logs, disk.volumes]
            let sum = parts.flatMap(\.values).reduce(Disk(), +)
            (use.storage, use.inodes) = (sum.bytes, sum.inodes)
        }
        return use
    }

    /// Bytes and files.
    struct Disk: Equatable, Sendable {
        var bytes: Whole = 0
        var inodes: Whole = 0

        init(bytes: Whole = 0, inodes: Whole = 0) { (self.bytes, self.inodes) = (bytes, inodes) }
        init(_ usage: (bytes: Int64, inodes: Int64)) { self.init(bytes: Whole(usage.bytes), inodes: Whole(usage.inodes)) }

        static func + (left: Disk, right: Disk) -> Disk { Disk(bytes: left.bytes + right.bytes, inodes: left.inodes + right.inodes) }
    }

    struct Storage: Equatable, Sendable {
        /// By volume.
        var volumes: [String: Disk] = [:]
        /// By container: what it wrote beside its volumes.
        var layers: [String: Disk] = [:]
        var logs: [String: Disk] = [:]
    }

    /// What the pod has on disks. `nil` when that cannot be told now.
    func storage(of pod: Pod, _ stats: [Value]) async -> Storage? {
        let (configuration, volumes) = (context.configuration, StorageLimits(pod: pod).volumes)
        return try? await context.disk.run {
            var storage = Storage()
            let directory = try? Directory.open(configuration.podDirectory(pod.uid)).directory(Volumes.emptyDirectories)
            for name in volumes { storage.volumes[name] = (try? directory?.directory(name)).map { Disk($0.usage()) } }
            let logs = try? Directory.open(configuration.logDirectory(for: pod))
            for container in pod.allContainers {
                let layer = stats.last { $0[path: "attributes", "labels"][Label.containerName].string == container.name }?["writable_layer"]
                storage.layers[container.name] = Disk(
                    bytes: layer?[path: "used_bytes", "value"].int ?? 0, inodes: layer?[path: "inodes_used", "value"].int ?? 0)
                storage.logs[container.name] = (try? logs?.directory(container.name)).map { Disk($0.usage()) }
            }
            return storage
        }
    }
}
