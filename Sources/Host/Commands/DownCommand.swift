internal import APIModel
internal import ArgumentParser
internal import Containerd
internal import FileSystem
internal import Glibc
internal import Logging
internal import Store

/// Stops the cluster and takes everything away that it made outside its data directory.
struct DownCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down",
        abstract: "Stop the cluster: no process, mount, namespace or packet-filter table is left. The data stays, for the next `apus up`.",
        discussion:
            "The process gets \(Text.duration(Shutdown.bound)) to end by itself, and is killed then. What it waits for meanwhile is said here, and stands in its log."
    )

    @OptionGroup var data: DataOptions
    @OptionGroup var plugins: PluginOptions
    @OptionGroup var log: LogOptions

    func run() async throws {
        guard geteuid() == 0 else { throw StartupFailure("stopping a node needs root, as starting it did") }
        LogOutput.install(verbosity: log.verbosity)
        let (directory, cluster) = (DataDirectory(data.dataDir), try data.cluster)
        var failures = await takeDown(directory, cluster)
        // What was killed a moment ago may still hold something, or be about to make it again.
        for _ in 1...2 where !failures.isEmpty {
            try await Task.sleep(for: .seconds(1))
            failures = await takeDown(directory, cluster)
        }
        guard failures.isEmpty else {
            throw StartupFailure("apus is down, but this may still be there:\n\(failures.joined(separator: "\n"))")
        }
        Output.line("apus is down; its data is in \(directory.path)")
    }

    /// Does every step, whatever became of the one before: what stays would be in the way of the next start.
    /// - Returns: a sentence for each thing that stays.
    private func takeDown(_ directory: DataDirectory, _ cluster: ClusterName) async -> [String] {
        var failures: [String] = []
        func attempt(_ step: () async throws -> [String]) async {
            do { failures += try await step() } catch { failures.append("\(error)") }
        }
        await RunningCluster(directory).stop()
        await attempt {
            let containerd = ContainerdSupervisor(
                directory: directory.containerdDirectory, configuration: cluster.containerd, log: Logger(label: "containerd"))
            try await containerd.takeDown(
                cgroupParents: ["\(cluster.cgroupRoot)/kubepods"] + [cluster.cgroupRoot].filter { !$0.isEmpty })
            ControlGroups.removeOrphans(in: "/apus-plugins")
            return []
        }
        await attempt {
            try MountPoints.unmount(below: directory.kubeletDirectory)
            return []
        }
        await attempt {
            try await ProxyCleanup(places: PluginPlaces(plugins), config: cluster.pluginConfig, log: Logger(label: "plugins")).run(
                storedPlugins(directory))
        }
        if !PodNetwork.tearDown(cluster) { failures.append("the bridge \(cluster.bridge)") }
        return failures
    }

    /// The plugins that the cluster had last, which need not be those of the manifests; none when there was no cluster.
    private func storedPlugins(_ directory: DataDirectory) async -> [Value] {
        guard access(directory.storeFile, R_OK) == 0, let store = try? Store(path: directory.storeFile, log: Logger(label: "store")) else {
            return []
        }
        let records = (try? store.list("plugins.apus.dev/plugins", namespace: nil).records) ?? []
        let plugins = records.compactMap { try? JSON.decode($0.bytes) }
        await store.close()
        return plugins
    }
}
