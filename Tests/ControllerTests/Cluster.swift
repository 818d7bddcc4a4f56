import APIModel
import APIServer
import Client
import ControllerManager
import Foundation
import Logging
import PKI
import PluginHost
import Store
import Testing

/// A cluster in this process: a real store and API server, the controllers' own libraries, and Pods that only pretend to run.
final class Cluster: Sendable {
    let store: Store
    /// As an administrator.
    let client: any Client
    /// What tests wait on: not the cache that the controllers read.
    let seen: Cache
    /// What the controllers read.
    let cache: Cache
    let plugins: PluginHost

    private init(store: Store, client: any Client, seen: Cache, cache: Cache, plugins: PluginHost) {
        self.store = store
        self.client = client
        self.seen = seen
        self.cache = cache
        self.plugins = plugins
    }

    /// How a test's cluster differs from the usual one.
    struct Setup {
        /// By plugin name.
        var config: [String: Value] = [:]
        var disable: Set<String> = []
        /// The controllers that run, beside the one that makes ServiceAccounts; `nil` means all.
        var only: Set<String>?
        /// Manifests that run beside those, by file name.
        var others: Set<String> = []
        /// Changes the text of manifests, by file name.
        var manifests: [String: @Sendable (String) -> String] = [:]
        /// Whether Pods run.
        var hasKubelet = true
        /// Where ClusterIPs come from.
        var serviceRanges = "10.96.0.0/16"
        /// How late the controllers' cache hears of changes.
        var cacheDelay: Duration?
        /// Of which kinds it hears late; `nil` means all.
        var delayed: Set<GroupVersionResource>?
        /// Admission plugins that are on beside the usual ones.
        var admission: [String] = []
        /// Called with the name of a plugin when a write of its is done, before the plugin hears of that.
        var didWrite: (@Sendable (_ plugin: String) -> Void)?
        /// What a node says of what is used on it.
        var summaries: (@Sendable (String) async throws -> Value)?
        /// Changes what the API server is made from.
        var serving: @Sendable (inout APIServer.Configuration) -> Void = { _ in }
    }

    /// Runs `body` with a cluster of its own that has the Node `n1`, and takes everything away again. Fails when a role ends early.
    static func with(_ setup: Setup = Setup(), _ body: @escaping @Sendable (Cluster) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("controllers-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory + "/manifests", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try copyManifests(to: directory + "/manifests", setup)

        var log = Logger(label: "test")
        log.logLevel = .critical
        let store = try Store(path: directory + "/store.db", log: log)
        let ranges = try #require(DualStack<IPNetwork>(setup.serviceRanges))
        var served = APIServer.Configuration(store: store, serviceRanges: ranges, serviceAccountKey: ServiceAccountKey(), log: log)
        served.summaries = setup.summaries
        served.admission = try AdmissionPlugins(enable: setup.admission, disable: [])
        var configuration = PluginHost.Configuration(
            manifestDirectory: directory + "/manifests", libraryDirectories: [libraries], kinds: [.controller, .admission])
        configuration.childExecutable = "\(libraries)/apus"
        configuration.config = setup.config
        configuration.config["root-ca"] = ["certificate": "the CA"]
        configuration.disable = setup.disable
        let plugins = PluginHost(configuration, log: log)
        try plugins.load()
        served.admissionSource = plugins
        setup.serving(&served)
        let server = APIServer(served)
        for manifest in plugins.manifests { server.grants.set(manifest.user, rules: manifest.rules.map(PolicyRule.init)) }
        RightsUsed.record(plugins.manifests, server.grants)
        try await server.start()

        let client = server.client(as: "admin", groups: ["system:masters"])
        let reader: any Client = setup.cacheDelay.map { DelayedClient(base: client, delay: $0, only: setup.delayed) } ?? client
        let (cache, seen) = (Cache(client: reader, log: log), Cache(client: client, log: log))
        let cluster = Cluster(store: store, client: client, seen: seen, cache: cache, plugins: plugins)
        let result: Result<Void, any Error>
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await server.run()
                    throw CancellationError()
                }
                group.addTask { try await cache.run() }
                group.addTask { try await seen.run() }
                let kinds = DefinedKinds(cache: cache, builtin: .builtin, listing: server.listing)
                try await kinds.start()
                group.addTask {
                    await kinds.run()
                    throw CancellationError()
                }
                let acting: any Client = setup.didWrite.map { WitnessedClient(base: client, didWrite: $0) } ?? client
                let services = HostServices(client: acting, cache: cache, kinds: kinds)
                try await plugins.start(services: services)
                let controllers = ControllerManager(services: services, plugins: plugins, log: log)
                group.addTask { try await controllers.run() }
                if setup.hasKubelet {
                    try await cluster.addNode("n1")
                    group.addTask { try await HollowKubelet(cluster).run() }
                }
                group.addTask {
                    _ = try await cluster.wait(for: .serviceAccounts, in: "default", "a ServiceAccount") { !$0.isEmpty }
                    try await body(cluster)
                    throw Finished()
                }
                do {
                    for try await _ in group { throw Unexpected("a role ended before the test did") }
                } catch {
                    group.cancelAll()
                    while await group.nextResult() != nil {}
                    throw error
                }
            }
            result = .success(())
        } catch is Finished {
            result = .success(())
        } catch {
            RightsUsed.spoil(plugins.manifests)
            result = .failure(error)
        }
        await plugins.stop()
        await store.close()
        try result.get()
    }

    private struct Finished: Error {}

    /// Where the build put the libraries: beside the test bundle.
    private static var libraries: String {
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return String(executable[..<(executable.lastIndex(of: "/") ?? executable.startIndex)])
    }

    private static func copyManifests(to directory: String, _ setup: Setup) throws {
        let root =
            URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
            + "/plugin-manifests"
        let wanted = setup.only.map { Set($0.union(["serviceaccount"]).map { "controller-\($0).yaml" }).union(setup.others) }
        for file in try FileManager.default.contentsOfDirectory(atPath: root)
        where file.hasSuffix(".yaml") && wanted?.contains(file) ?? true {
            let text = try String(contentsOfFile: "\(root)/\(file)", encoding: .utf8)
            try (setup.manifests[file]?(text) ?? text).write(toFile: "\(directory)/\(file)", atomically: true, encoding: .utf8)
        }
    }
}

struct Unexpected: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

extension Cluster {
    /// Waits until `condition` holds for the objects of a kind, and returns them. A wait that takes too long is a failure that shows what
    /// there was.
    @discardableResult
    func wait(
        for resource: GroupVersionResource, in namespace: String? = nil, _ what: String, seconds: Int = 30,
        _ condition: @escaping @Sendable ([Object]) -> Bool
    ) async throws -> [Object] {
        try await seen.watch(resource)
        let (changes, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let observation = seen.observe([resource]) { _, _, _ in signal.yield() }
        signal.yield()
        defer { observation.cancel() }
        let seen = seen
        return try await withThrowingTaskGroup(of: [Object]?.self) { group in
            group.addTask {
                for await _ in changes {
                    let objects = seen.list(resource, namespace: namespace)
                    if condition(objects) { return objects }
                }
                throw CancellationError()
            }
            group.addTask {
                try await Task.sleep(for: .seconds(seconds))
                return nil
            }
            defer { group.cancelAll() }
            guard let objects = try await group.next() ?? nil else {
                let state = seen.list(resource, namespace: namespace).map { String(decoding: $0.bytes, as: UTF8.self) }.joined(
                    separator: "\n")
                throw Unexpected("waited in vain for \(what); there is\n\(state)")
            }
            return objects
        }
    }

    /// As the other, for one object. `nil` is its absence.
    @discardableResult
    func wait(
        for resource: GroupVersionResource, in namespace: String? = nil, _ name: String, _ what: String, seconds: Int = 30,
        _ condition: @escaping @Sendable (Value?) -> Bool
    ) async throws -> Value {
        let objects = try await wait(for: resource, in: namespace, "\(name): \(what)", seconds: seconds) { objects in
            condition(objects.first { $0.name == name }?.value)
        }
        return objects.first { $0.name == name }?.value ?? .null
    }

    /// Waits until nothing has been written for a while, which is how a cluster that has settled stays.
    func waitUntilQuiet(seconds: Int = 30) async throws {
        var revision = store.revision
        for _ in 0..<seconds {
            // Time is what is measured here.
            try await Task.sleep(for: .seconds(1))
            if store.revision == revision { return }
            revision = store.revision
        }
        throw Unexpected("the cluster does not settle: something is written all the time")
    }

    /// Everything that happens to a kind from now on, told in order until the returned task is cancelled.
    func record(_ resource: GroupVersionResource, _ handle: @escaping @Sendable (_ live: [String: Value]) -> Void) async throws -> Task<
        Void, any Error
    > {
        let list = try await client.list(resource)
        let stream = try await client.watch(resource, namespace: nil, options: ListOptions(resourceVersion: list.resourceVersion))
        return Task {
            var live = Dictionary(uniqueKeysWithValues: list.items.map { ($0.uid, $0.value) })
            for try await event in stream where event.kind != .bookmark {
                if event.kind == .deleted {
                    live.removeValue(forKey: event.object.uid)
                } else {
                    live[event.object.uid] = event.object.value
                }
                handle(live)
            }
        }
    }

    func addNode(_ name: String) async throws {
        _ = try await client.create(.nodes, ["apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(name)]])
        try await setNodeReady(name, "True")
    }

    func setNodeReady(_ name: String, _ status: String) async throws {
        let now = Value.string(Timestamp.now())
        let condition: Value = [
            "type": "Ready", "status": .string(status), "reason": "KubeletReady", "message": "", "lastHeartbeatTime": now,
            "lastTransitionTime": now,
        ]
        _ = try await client.patch(
            .nodes, namespace: nil, name: name, subresource: "status", .strategicMerge, ["status": ["conditions": [condition]]])
    }

    /// Lets a Node say that it is ready, again and again, until the returned task is cancelled.
    func beat(_ node: String) -> Task<Void, any Error> {
        Task {
            while true {
                try await setNodeReady(node, "True")
                // Time is what a heartbeat tells.
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    @discardableResult
    func merge(_ resource: GroupVersionResource, in namespace: String? = "default", _ name: String, _ patch: Value) async throws -> Value {
        try await client.patch(resource, namespace: namespace, name: name, subresource: nil, .merge, patch).value
    }

    func delete(_ resource: GroupVersionResource, in namespace: String? = "default", _ name: String, _ propagation: String? = nil)
        async throws
    {
        try await client.delete(
            resource, namespace: namespace, name: name, options: propagation.map { ["propagationPolicy": .string($0)] } ?? .null)
    }
}
