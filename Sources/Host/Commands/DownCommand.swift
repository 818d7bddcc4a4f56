internal import APIModel
internal import ArgumentParser
internal import Containerd
internal import Glibc
internal import Logging
internal import PluginHost
internal import Store

/// Stops the cluster and takes everything away that it made outside its data directory.
struct DownCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down", abstract: "Stop the cluster: no process, mount, namespace or packet-filter table is left. The data stays, for the next `apus up`.")

    @OptionGroup var data: DataOptions
    @OptionGroup var plugins: PluginOptions
    @OptionGroup var log: LogOptions

    func run() async throws {
        guard geteuid() == 0 else { throw StartupFailure("stopping a node needs root, as starting it did") }
        LogOutput.install(verbosity: log.verbosity)
        let directory = DataDirectory(data.dataDir)
        if let owner = directory.owner {
            Output.line("stopping apus, process \(owner)")
            kill(owner, SIGTERM)
            directory.waitUntilFree()
        }
        do {
            try await ContainerdSupervisor(directory: directory.containerdDirectory, log: Logger(label: "containerd")).takeDown(cgroupParents: ["/kubepods"])
            try MountTable.unmount(below: directory.kubeletDirectory)
        } catch {
            throw StartupFailure("\(error)")
        }
        try await cleanUpProxy(directory)
        PodNetwork.tearDown()
        Output.line("apus is down; its data is in \(directory.path)")
    }

    /// The backend removes what it put in the kernel, whether or not the process that did so is still there.
    private func cleanUpProxy(_ directory: DataDirectory) async throws {
        let places = try PluginPlaces(plugins)
        let configuration = PluginHost.Configuration(manifestDirectory: places.manifests, libraryDirectories: places.libraries, kinds: [.proxy])
        let host = PluginHost(configuration, log: Logger(label: "plugins"))
        do {
            let proxies = await storedProxies(directory)
            if proxies.isEmpty { try host.load() } else { try host.load(proxies) }
            try host.cleanUpProxies()
        } catch {
            throw StartupFailure("the service proxy's rules could not be removed: \(error)")
        }
    }

    /// The proxies that the cluster had last, which need not be those of the manifests; none when there was no cluster.
    private func storedProxies(_ directory: DataDirectory) async -> [PluginManifest] {
        guard access(directory.storeFile, R_OK) == 0, let store = try? Store(path: directory.storeFile, log: Logger(label: "store")) else { return [] }
        let records = (try? store.list("plugins.apus.dev/plugins", namespace: nil).records) ?? []
        let proxies = records.compactMap { try? PluginManifest(object: JSON.decode($0.bytes)) }.filter { $0.kind == .proxy }
        await store.close()
        return proxies
    }
}
