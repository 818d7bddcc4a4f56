internal import APIModel
internal import APIServer
internal import Client
internal import Logging
internal import OrderedCollections
internal import PluginHost
internal import Synchronization

/// Makes the plugins of this process be what the Plugin objects say, from its start on and whenever an object changes.
///
/// `load` once, before the host's plugins are started; `run` from then on. Objects are taken up one after the other; a change that fails is
/// told in the object's status and ends nothing.
final class PluginObjects: Sendable {
    struct Selection: Sendable {
        /// What this process runs; objects of other kinds are none of its business. `nil` means every kind.
        var kinds: Set<ExtensionKind>?
        /// Of controllers, those that run here; `nil` means all.
        var place: ControllerManifest.Place?
        /// What this process changes in a manifest, such as flags that turn plugins off: then it says why.
        var adjust: @Sendable (inout PluginManifest) -> String? = { _ in nil }
    }

    /// Which state of which object.
    private struct Version: Hashable {
        var uid: String
        var generation: Whole
        var isMarked: Bool

        init(_ object: Object) {
            uid = object.uid
            generation = object.metadata["generation"].int ?? 0
            isMarked = CrashMark(object.value) != nil
        }
    }

    private let host: PluginHost
    private let cache: Cache
    private let selection: Selection
    private let rights: PluginRights?
    private let reporter: StatusReporter
    private let log: Logger
    /// What the host was last told of each plugin.
    private let applied = Mutex<[String: Version]>([:])

    /// - Parameter rights: of the API server in this process, which lets plugins do what their manifests say; `nil` where the server is
    ///   another process.
    init(_ host: PluginHost, client: any Client, cache: Cache, selection: Selection = Selection(), rights: PluginRights? = nil, log: Logger)
    {
        self.host = host
        self.cache = cache
        self.selection = selection
        self.rights = rights
        self.log = log
        reporter = StatusReporter(host, client: client, log: log)
    }

    /// Loads what the objects ask for. Blocks.
    ///
    /// - Parameter first: names in the order in which they start; all others follow.
    /// - Throws: `PluginError` of a required plugin that cannot be loaded, if nobody changed it through the API: what was changed there
    ///   never keeps the host from starting.
    func load(_ objects: [Object], first: [String] = []) throws {
        let order = Dictionary(first.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        var manifests: [PluginManifest] = []
        for object in objects.sorted(by: { (order[$0.name] ?? .max, $0.name) < (order[$1.name] ?? .max, $1.name) })
        where !object.isBeingDeleted {
            guard let manifest = manifest(object) else { continue }
            applied.withLock { $0[object.name] = Version(object) }
            rights?.begin(manifest)
            manifests.append(manifest)
        }
        try host.load(manifests)
        rights?.settle(host)
        reporter.settle()
    }

    /// Follows the objects until the task is cancelled.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.reporter.run() }
            group.addTask { try await self.follow() }
            try await group.waitForAll()
        }
    }

    private func follow() async throws {
        // Some did not start.
        rights?.settle(host)
        let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let names = Mutex<OrderedSet<String>>([])
        let observation = cache.observe([.plugins]) { _, before, after in
            guard let name = (after ?? before)?.name else { return }
            // Statuses change all the time, and are our own.
            if let before, let after, Version(before) == Version(after), before.isBeingDeleted == after.isBeingDeleted { return }
            _ = names.withLock { $0.append(name) }
            change.yield()
        }
        defer { observation.cancel() }
        try await cache.watch(.plugins)
        // What went between `load` and the first look.
        for name in applied.withLock({ $0.keys.sorted() }) where cache.get(.plugins, name: name) == nil {
            _ = names.withLock { $0.append(name) }
        }
        change.yield()
        for await _ in changes {
            while let name = names.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { await take(name) }
        }
    }

    /// Brings one plugin to the newest state of its object.
    private func take(_ name: String) async {
        guard let object = cache.get(.plugins, name: name), !object.isBeingDeleted else { return await remove(name) }
        let version = Version(object)
        guard applied.withLock({ $0.updateValue(version, forKey: name) }) != version else { return }
        guard let manifest = manifest(object) else {
            // Of a kind that others run, now; one that cannot be read leaves what runs alone.
            if !concerns(object) { await remove(name) }
            return
        }
        rights?.begin(manifest)
        await host.apply(manifest)
        rights?.settle(host)
        reporter.settle()
    }

    private func remove(_ name: String) async {
        guard applied.withLock({ $0.removeValue(forKey: name) }) != nil else { return }
        rights?.end(name)
        await host.remove(name)
        rights?.settle(host)
        reporter.forget(name)
    }

    private func concerns(_ object: Object) -> Bool {
        let spec = object.value["spec"]
        if let place = selection.place, spec["kind"].string == ExtensionKind.controller.rawValue,
            (spec["controller"]["runsOn"].string ?? ControllerManifest.Place.cluster.rawValue) != place.rawValue
        {
            return false
        }
        guard let kinds = selection.kinds else { return true }
        return spec["kind"].string.flatMap(ExtensionKind.init).map(kinds.contains) ?? false
    }

    /// What an object asks of this process; `nil` when that is nothing, or cannot be read, which its status then says.
    private func manifest(_ object: Object) -> PluginManifest? {
        guard concerns(object) else { return nil }
        do {
            var manifest = try PluginManifest(object: object.value)
            if !ManifestFiles.isUnchanged(object.value) { manifest.required = false }
            let mark = CrashMark(object.value)
            if mark != nil { manifest.isolation = .process }
            reporter.know(object.value, off: selection.adjust(&manifest), mark: mark)
            return manifest
        } catch {
            let reason = (error as? PluginError)?.message ?? "\(error)"
            log.error("plugin \(object.name) cannot be read: \(reason)")
            reporter.know(object.value, unreadable: reason)
            return nil
        }
    }
}
