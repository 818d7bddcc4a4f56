public import APIModel
public import Client
public import Logging
internal import OrderedCollections
internal import Synchronization

/// What plugins may use of the host. For each plugin the host impersonates `system:plugin:<name>`.
public struct HostServices: Sendable {
    public var client: any Client
    public var cache: Cache
    public var kinds: any KindSource

    public init(client: any Client, cache: Cache, kinds: any KindSource = BuiltinKinds()) {
        self.client = client
        self.cache = cache
        self.kinds = kinds
    }
}

/// Loads the plugins that the manifests name, starts them, changes them while they run, and stops them in reverse order.
///
/// `load` and `start` are called in that order, once; then `apply` and `remove` at any time from any task, one after another; `stop` last.
/// What runs may be read from any task at any time.
public final class PluginHost: Sendable {
    public struct Configuration: Sendable {
        public var manifestDirectory: String
        /// Searched in order for a manifest's library.
        public var libraryDirectories: [String]
        /// The kinds this process runs; others are skipped. `nil` means every kind.
        public var kinds: Set<ExtensionKind>?
        /// Of controllers, those that run here; `nil` means all.
        public var place: ControllerManifest.Place?
        /// Plugins to run although their manifest says `enabled: false`.
        public var enable: Set<String> = []
        /// Plugins to skip although their manifest enables them.
        public var disable: Set<String> = []
        /// Of these kinds run exactly the plugin named, whatever the manifests enable.
        public var choose: [ExtensionKind: String] = [:]
        /// What this process adds to a plugin's configuration, by plugin name: places that only the host knows. Goes over what the manifest
        /// says.
        public var config: [String: Value] = [:]
        /// The program that child processes run, for plugins with `isolation: Process`.
        public var childExecutable = "/proc/self/exe"

        public init(manifestDirectory: String, libraryDirectories: [String], kinds: Set<ExtensionKind>? = nil) {
            self.manifestDirectory = manifestDirectory
            self.libraryDirectories = libraryDirectories
            self.kinds = kinds
        }

        var rules: Plan.Rules { Plan.Rules(kinds: kinds, place: place, enable: enable, disable: disable, choose: choose) }
    }

    let configuration: Configuration
    let log: Logger
    let threads = CallThreads()
    /// In the order of the manifests: started first, stopped last. Positions change in a turn only.
    let entries = Mutex<[PluginEntry]>([])
    let roster = PolicyRoster()
    let admissionRoster = AdmissionRoster()
    let notices = NoticeBoard()
    let changes = KindChanges()
    /// Set by `start`.
    let services = Mutex<HostServices?>(nil)
    /// Whose turn it is to change what runs.
    let turn = Turn()
    let isStopped = Atomic<Bool>(false)

    public init(_ configuration: Configuration, log: Logger) {
        self.configuration = configuration
        self.log = log
    }

    /// Reads the manifests of the configured directory, loads the libraries and makes the instances. Blocks.
    ///
    /// A required plugin that fails throws; another that fails is kept with its reason.
    public func load() throws { try load(PluginManifest.read(directory: configuration.manifestDirectory)) }

    /// The same with manifests from elsewhere.
    public func load(_ manifests: [PluginManifest]) throws {
        let manifests = manifests.map(withConfiguration)
        try checkChoices(manifests)
        entries.withLock { $0 = manifests.map(PluginEntry.init) }
        while let step = nextStep(mayStart: false) {
            switch step {
            case .create(let index): try create(index)
            case .retire(let leaving): for component in leaving.map(\.component) { component.tearDown(.prompt) }
            case .start: preconditionFailure("nothing is started while manifests are loaded")
            }
        }
        // Who asks before `start` is to know what will run.
        entries.withLock { updateRosters($0) }
    }

    /// Starts every loaded plugin, in order. A required plugin that fails throws; `stop` is still to be called then.
    public func start(services: HostServices) async throws {
        try await turn.take {
            self.services.withLock { $0 = services }
            try await settle(isStrict: true)
        }
    }

    /// Makes what runs agree with a manifest that is new or was changed, and returns when it does. The outcome is in `plugins`, and in a
    /// notice.
    ///
    /// A plugin that runs is swapped: the new instance is made and started beside the old one, takes its place in one step, and only then
    /// the old one is drained and stopped. When the new one fails the old one goes on, and the state is `Failed` with the reason. A
    /// manifest that says what the one before said does nothing. Does nothing after `stop`.
    public func apply(_ manifest: PluginManifest) async {
        await turn.take {
            guard !isStopped.load(ordering: .acquiring) else { return }
            let abandoned = accept(withConfiguration(manifest))
            if let abandoned { await threads.lifeCycle.run { abandoned.tearDown(.prompt) } }
            // Nothing is thrown by what is not strict.
            try? await settle(isStrict: false)
        }
    }

    /// Stops the plugin and forgets it; what it replaced runs again, if its manifest is still there. Returns when that is done. A name that
    /// nobody has does nothing.
    public func remove(_ name: String) async {
        await turn.take {
            guard !isStopped.load(ordering: .acquiring) else { return }
            let isKnown = entries.withLock { entries in
                guard let index = entries.firstIndex(where: { $0.manifest.name == name }) else { return false }
                entries[index].isRemoved = true
                return true
            }
            guard isKnown else { return }
            try? await settle(isStrict: false)
            entries.withLock { $0.removeAll { $0.isRemoved } }
        }
    }

    /// Stops and destroys every plugin, the last started first. A second call does nothing.
    public func stop() async {
        await turn.take {
            isStopped.store(true, ordering: .releasing)
            let leaving = entries.withLock { entries in
                let components = entries.reversed().flatMap { [$0.serving?.component, $0.loaded].compactMap { $0 } }
                for index in entries.indices {
                    entries[index].last = entries[index].serving?.component ?? entries[index].loaded ?? entries[index].last
                    (entries[index].serving, entries[index].loaded) = (nil, nil)
                    _ = entries[index].lifecycle.apply(.stop)
                }
                roster.update([])
                admissionRoster.close()
                return components
            }
            for component in leaving { await threads.lifeCycle.run { component.tearDown(.prompt) } }
        }
    }

    /// Has every plugin that puts something in place on a node remove what it, or an earlier process, left there. For a process that takes
    /// a node down, instead of `start`, or before `stop`. Blocks.
    public func cleanUp() throws {
        let components = entries.withLock { $0.filter(\.manifest.isOfNode).flatMap { [$0.loaded, $0.serving?.component] } }
        for component in components.compactMap({ $0 }) { try component.cleanUp() }
    }

    /// Has `body` called, on any thread, with what happens to plugins from now on.
    public func observe(_ body: @escaping @Sendable (PluginNotice) -> Void) -> PluginObservation { notices.observe(body) }

    private func withConfiguration(_ manifest: PluginManifest) -> PluginManifest {
        var manifest = manifest
        for (field, value) in configuration.config[manifest.name]?.fields ?? [:] { manifest.config[field] = value }
        return manifest
    }

    /// A name in the configuration that no manifest has is a mistake of the operator's.
    private func checkChoices(_ manifests: [PluginManifest]) throws {
        for (kind, name) in configuration.choose where !manifests.contains(where: { $0.name == name && $0.kind == kind }) {
            throw PluginError(.invalidManifest, plugin: name, "there is no \(kind.rawValue) of this name")
        }
        for name in configuration.enable.union(configuration.disable).sorted() where !manifests.contains(where: { $0.name == name }) {
            throw PluginError(.invalidManifest, plugin: name, "there is no plugin of this name")
        }
        for (index, manifest) in manifests.enumerated() where manifests[..<index].contains(where: { $0.name == manifest.name }) {
            throw PluginError(.duplicateName, plugin: manifest.name, "two manifests have this name")
        }
    }
}
