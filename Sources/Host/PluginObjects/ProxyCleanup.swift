internal import APIModel
internal import Logging
internal import PluginHost

/// Has proxies, and controllers of a node, remove what they put in the kernel, for a node that is taken down, whether or not the process
/// that did so is still there.
///
/// One that was turned off, or that fails since it was changed, may have carried traffic before: so all are asked that the cluster or a
/// manifest file knows.
struct ProxyCleanup {
    let places: PluginPlaces
    /// What the host adds to the plugins' own configuration.
    var config: [String: Value] = [:]
    let log: Logger

    /// - Parameter objects: the cluster's Plugins.
    /// - Returns: a sentence for everyone that is enabled and could not be asked, or that refused.
    /// - Throws: `StartupFailure` for manifests that cannot be read.
    func run(_ objects: [Value]) async throws -> [String] {
        var failures: [[String]: String] = [:]
        var cleaned: Set<[String]> = []
        func clean(_ manifest: PluginManifest) async {
            let component = [manifest.library, manifest.component]
            do {
                try await ask(manifest)
                cleaned.insert(component)
                failures[component] = nil
            } catch {
                if manifest.enabled { failures[component] = "\(error)" }
            }
        }
        for manifest in objects.compactMap(manifest) where manifest.isOfNode { await clean(manifest) }
        // What an object was changed to may be beyond reach; what its file says then still knows where to look.
        for manifest in try files() where manifest.isOfNode && !cleaned.contains([manifest.library, manifest.component]) {
            await clean(manifest)
        }
        return failures.values.sorted()
    }

    private func files() throws -> [PluginManifest] {
        do { return try PluginManifest.read(directory: places.manifests) } catch { throw StartupFailure("\(error)") }
    }

    private func manifest(_ object: Value) -> PluginManifest? {
        var manifest = try? PluginManifest(object: object)
        // The library may have been built anew since the host last started.
        if ManifestFiles.isPinnedByHost(object) { manifest?.sha256 = nil }
        return manifest
    }

    private func ask(_ manifest: PluginManifest) async throws {
        var manifest = manifest
        (manifest.enabled, manifest.required) = (true, true)
        var configuration = PluginHost.Configuration(manifestDirectory: places.manifests, libraryDirectories: places.libraries)
        configuration.config = config
        let host = PluginHost(configuration, log: log)
        let result = Result {
            try host.load([manifest])
            try host.cleanUp()
        }
        await host.stop()
        try result.get()
    }
}
