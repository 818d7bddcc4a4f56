public import APIModel
public import Client
public import Logging
internal import OrderedCollections
internal import PluginAPI
internal import Synchronization

/// What plugins may use of the host. For each plugin the host impersonates `system:plugin:<name>`.
public struct HostServices: Sendable {
    public var client: any Client
    public var cache: Cache

    public init(client: any Client, cache: Cache) {
        self.client = client
        self.cache = cache
    }
}

/// Loads the plugins that the manifests name, starts them, and stops them in reverse order.
///
/// `load`, `start` and `stop` are called in that order, one at a time. The lists of running plugins may be read from any task at any time.
public final class PluginHost: Sendable {
    public struct Configuration: Sendable {
        public var manifestDirectory: String
        /// Searched in order for a manifest's library.
        public var libraryDirectories: [String]
        /// The kinds this process runs; others are skipped. `nil` means every kind.
        public var kinds: Set<ExtensionKind>?
        /// Plugins to run although their manifest says `enabled: false`.
        public var enable: Set<String> = []
        /// Plugins to skip although their manifest enables them.
        public var disable: Set<String> = []
        /// Of these kinds run exactly the plugin named, whatever the manifests enable.
        public var choose: [ExtensionKind: String] = [:]
        /// What this process adds to a plugin's configuration, by plugin name: places that only the host knows. Goes over what the manifest says.
        public var config: [String: Value] = [:]
        /// The program that child processes run, for plugins with `isolation: Process`.
        public var childExecutable = "/proc/self/exe"

        public init(manifestDirectory: String, libraryDirectories: [String], kinds: Set<ExtensionKind>? = nil) {
            self.manifestDirectory = manifestDirectory
            self.libraryDirectories = libraryDirectories
            self.kinds = kinds
        }
    }

    /// One manifest and how far its plugin got.
    private struct Entry: Sendable {
        let manifest: PluginManifest
        var lifecycle = Lifecycle()
        var component: LoadedComponent?
        var running: Running?
    }

    private enum Running: Sendable {
        case policy(SchedulerPolicy)
        case controller(ControllerPlugin)
        case runtime(RuntimePlugin)
        case proxy(ProxyPlugin)
    }

    private let configuration: Configuration
    private let log: Logger
    private let threads = ThreadPool(name: "plugin", limit: 256)
    /// In the order of the manifests: started first, stopped last.
    private let entries = Mutex<[Entry]>([])
    private let notices = NoticeBoard()
    private let changes = KindChanges()

    public init(_ configuration: Configuration, log: Logger) {
        self.configuration = configuration
        self.log = log
    }

    /// Reads the manifests, loads the libraries and makes the instances. Blocks.
    ///
    /// A required plugin that fails throws; another that fails is kept with its reason.
    public func load() throws { try load(ManifestReader.read(directory: configuration.manifestDirectory)) }

    /// The same with manifests from elsewhere.
    public func load(_ manifests: [PluginManifest]) throws {
        let manifests = manifests.map { manifest in
            var manifest = manifest
            for (field, value) in configuration.config[manifest.name]?.fields ?? [:] { manifest.config[field] = value }
            return manifest
        }
        let reasons = manifests.map(reasonToSkip)
        try checkChoices(manifests)
        try checkSingle(zip(manifests, reasons).filter { $1 == nil }.map(\.0))
        entries.withLock { $0 = manifests.map { Entry(manifest: $0) } }
        for (index, manifest) in manifests.enumerated() {
            if let reason = reasons[index] {
                _ = entries.withLock { $0[index].lifecycle.apply(.skip, reason: reason) }
                continue
            }
            do {
                let component = try LoadedComponent(manifest, directories: configuration.libraryDirectories, log: log)
                entries.withLock { entries in
                    _ = entries[index].lifecycle.apply(.create)
                    entries[index].component = component
                }
            } catch {
                _ = entries.withLock { $0[index].lifecycle.apply(.createFailed, reason: Self.reason(error)) }
                try report(error, manifest)
            }
        }
    }

    /// Starts every loaded plugin, in order. A required plugin that fails throws; `stop` is still to be called then.
    public func start(services: HostServices) async throws {
        for index in entries.withLock({ $0.indices }) {
            let (manifest, component) = entries.withLock { ($0[index].manifest, $0[index].lifecycle.state == .loaded ? $0[index].component : nil) }
            guard let component else { continue }
            let result = await threads.run { Result { try component.start(services) } }
            switch result {
            case .success:
                let running = makeRunning(component)
                entries.withLock { entries in
                    _ = entries[index].lifecycle.apply(.start)
                    entries[index].running = running
                }
                log.debug("plugin \(manifest.name) is running")
            case .failure(let error):
                let action = entries.withLock { $0[index].lifecycle.apply(.startFailed, reason: Self.reason(error)) }
                if action == .tearDown { await threads.run { component.tearDown() } }
                try report(error, manifest)
            }
        }
    }

    /// Stops and destroys every plugin, the last started first. A second call does nothing.
    public func stop() async {
        for index in entries.withLock({ $0.indices }).reversed() {
            let (action, component) = entries.withLock { entries in
                entries[index].running = nil
                return (entries[index].lifecycle.apply(.stop), entries[index].component)
            }
            if action == .tearDown, let component { await threads.run { component.tearDown() } }
        }
    }

    /// Has every loaded proxy remove what it, or an earlier process, put in place. For a process that takes a node down, instead of `start`. Blocks.
    public func cleanUpProxies() throws {
        for component in entries.withLock({ $0.filter { $0.manifest.kind == .proxy }.compactMap(\.component) }) { try component.cleanUpProxy() }
    }

    private func makeRunning(_ component: LoadedComponent) -> Running {
        switch component.manifest.kind {
        case .schedulerPolicy: .policy(SchedulerPolicy(component))
        case .controller: .controller(ControllerPlugin(component, component.manifest.controller!, threads))
        case .runtime: .runtime(RuntimePlugin(component, threads))
        case .proxy: .proxy(ProxyPlugin(component))
        }
    }

    /// A required plugin's error ends the start; another's is logged and kept in its status.
    private func report(_ error: any Error, _ manifest: PluginManifest) throws {
        if manifest.required { throw error }
        log.error("\(error)")
    }

    private static func reason(_ error: any Error) -> String { (error as? PluginError)?.message ?? "\(error)" }
}

// What runs.
extension PluginHost {
    public var plugins: [PluginStatus] {
        entries.withLock { $0 }.map { entry in
            PluginStatus(
                name: entry.manifest.name, kind: entry.manifest.kind, component: entry.manifest.component, state: entry.lifecycle.state, reason: entry.lifecycle.reason,
                isolation: entry.manifest.isolation, library: entry.component?.library.path ?? entry.manifest.library, version: entry.component?.image.inspection.version ?? "",
                abi: entry.component?.image.abi ?? "", sha256: entry.component?.library.sha256 ?? "", restarts: 0, violations: 0, lastViolation: "", forbidden: 0,
                lastForbidden: "", slots: entry.component?.counters.map(\.status) ?? [])
        }
    }

    /// Of every plugin that is not skipped: whom to grant which rules.
    public var manifests: [PluginManifest] { entries.withLock { $0 }.filter { $0.lifecycle.state != .skipped }.map(\.manifest) }

    public var schedulerPolicies: [SchedulerPolicy] { running { if case .policy(let plugin) = $0 { plugin } else { nil } } }
    public var controllers: [ControllerPlugin] { running { if case .controller(let plugin) = $0 { plugin } else { nil } } }
    public var runtime: RuntimePlugin? { running { if case .runtime(let plugin) = $0 { plugin } else { nil } }.first }
    public var proxy: ProxyPlugin? { running { if case .proxy(let plugin) = $0 { plugin } else { nil } }.first }

    private func running<T>(_ pick: (Running) -> T?) -> [T] { entries.withLock { $0.compactMap(\.running) }.compactMap(pick) }
}

// What changes while it runs.
extension PluginHost: PolicySource {
    /// Makes what runs agree with a manifest that is new or was changed. The outcome is in `plugins` and in a notice.
    public func apply(_ manifest: PluginManifest) async {}

    /// Stops the plugin and forgets it.
    public func remove(_ name: String) async {}

    /// Has `body` called, on any thread, with what happens to plugins from now on.
    public func observe(_ body: @escaping @Sendable (PluginNotice) -> Void) -> PluginObservation { notices.observe(body) }

    /// Yields at once, and whenever the list of running plugins of that kind changed or one of them was restarted.
    public func changes(of kind: ExtensionKind) -> AsyncStream<Void> { changes.stream(of: kind) }

    public func withSchedulerPolicies<R>(_ body: (PolicySet) -> R) -> R { body(PolicySet(active: schedulerPolicies, shadows: [])) }
}

// Which plugins run.
extension PluginHost {
    /// Why this process does not run the plugin; `nil` when it does.
    private func reasonToSkip(_ manifest: PluginManifest) -> String? {
        if let kinds = configuration.kinds, !kinds.contains(manifest.kind) { return "this process runs no \(manifest.kind.rawValue)" }
        if let chosen = configuration.choose[manifest.kind] { return chosen == manifest.name ? nil : "plugin \(chosen) was chosen" }
        if configuration.disable.contains(manifest.name) { return "disabled by configuration" }
        if !manifest.enabled && !configuration.enable.contains(manifest.name) { return "disabled by its manifest" }
        return nil
    }

    /// A name in the configuration that no manifest has is a mistake of the operator's.
    private func checkChoices(_ manifests: [PluginManifest]) throws {
        for (kind, name) in configuration.choose where !manifests.contains(where: { $0.name == name && $0.kind == kind }) {
            throw PluginError(.invalidManifest, plugin: name, "no manifest in \(configuration.manifestDirectory) names a \(kind.rawValue) of this name")
        }
        for name in configuration.enable.union(configuration.disable).sorted() where !manifests.contains(where: { $0.name == name }) {
            throw PluginError(.invalidManifest, plugin: name, "no manifest in \(configuration.manifestDirectory) has this name")
        }
    }

    /// A process has one runtime and one proxy.
    private func checkSingle(_ manifests: [PluginManifest]) throws {
        for kind in ExtensionKind.allCases where !kind.descriptor.isShared {
            let enabled = manifests.filter { $0.kind == kind }
            guard enabled.count > 1 else { continue }
            throw PluginError(
                .duplicateName, plugin: enabled[1].name,
                "\(enabled.map(\.name).joined(separator: " and ")) are both enabled, but there can be one \(kind.rawValue) only: disable all others in \(enabled.map(\.file).joined(separator: ", "))"
            )
        }
    }
}
