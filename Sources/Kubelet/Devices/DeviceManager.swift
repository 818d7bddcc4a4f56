import APIModel
import FileSystem
import GRPC
import Glibc
import Logging
import Synchronization

/// Gives devices of plugins to containers: takes the plugins in, follows what they have, and keeps who has what over a restart. Safe from
/// any task. Upstream: `cm/devicemanager`.
final class DeviceManager: Sendable {
    private let directory: String
    private let disk: BlockingWork
    private let log: Logger
    /// Called when the node has other devices than before.
    private let changed: @Sendable () -> Void
    private let book = Mutex(DeviceBook())
    private let turns = KeyedTurns()
    private let work: AsyncStream<Work>
    private let source: AsyncStream<Work>.Continuation

    private enum Work: Sendable {
        case register([UInt8], GRPCReply)
        case follow(DevicePlugin)
    }

    /// - Parameter root: the kubelet's directory.
    init(root: String, disk: BlockingWork, log: Logger, changed: @escaping @Sendable () -> Void) {
        directory = root + "/device-plugins"
        (self.disk, self.log, self.changed) = (disk, log, changed)
        (work, source) = AsyncStream.makeStream()
    }

    /// What the node has now.
    var figures: DeviceBook.Figures { book.withLock { $0.figures(now: Clock.nanoseconds()) } }
    /// The same, as pods may ask for it: what they have already is there, whatever became of it.
    var capacity: [String: Whole] {
        let (figures, held) = book.withLock { ($0.figures(now: Clock.nanoseconds()), $0.held) }
        return figures.allocatable.merging(held) { max($0, $1) }.mapValues { Whole($0) }
    }

    // MARK: Over a restart

    /// Learns what an earlier kubelet gave away. Before anything else.
    func load() async throws {
        let path = "\(directory)/\(DeviceCheckpoint.file)"
        let bytes = try await disk.run { Files.exists(path) ? try Files.content(of: path) : nil }
        guard let bytes else { return }
        guard let known = DeviceCheckpoint.decode(bytes, now: Clock.nanoseconds()) else {
            // Upstream goes on, too: what containers have, they have.
            return log.error("\(path) cannot be read: what was given away before is not known")
        }
        book.withLock { $0 = known }
        changed()
    }

    /// Only these pods are there still.
    func keep(_ isThere: (_ uid: String) -> Bool) {
        book.withLock { book in
            for uid in Array(book.grants.keys) where !isThere(uid) { _ = book.release(uid) }
        }
    }

    /// The newest, whoever else writes.
    private func save() async throws {
        let directory = directory
        try await turns.run("checkpoint") {
            let bytes = book.withLock { DeviceCheckpoint.encode($0) }
            try await disk.run { try Files.replace("\(directory)/\(DeviceCheckpoint.file)", bytes, mode: 0o600) }
        }
    }

    // MARK: Plugins

    /// Serves the socket where plugins register, and follows them, until cancelled.
    /// - Parameter refresh: called with the uid of a pod of which a device is well, or is not well, any more.
    func run(refresh: @escaping @Sendable (_ uid: String) -> Void) async {
        var server: GRPCServer?
        do {
            server = try await listen()
        } catch {
            log.error("plugins of devices cannot register at \(directory)/kubelet.sock: \(error)")
        }
        await withDiscardingTaskGroup { group in
            for await item in work {
                group.addTask {
                    switch item {
                    case .register(let request, let reply): await self.register(request, reply)
                    case .follow(let plugin): await self.follow(plugin, refresh)
                    }
                }
            }
            group.cancelAll()
        }
        await server?.stop()
    }

    private func listen() async throws -> GRPCServer {
        let (directory, source) = (directory, source)
        try await disk.run {
            let place = try Directory.make(directory)
            // Plugins see by this that there is another kubelet, and come again.
            for name in try place.names() where place.status(name)?.kind == S_IFSOCK { place.remove(name) }
        }
        return try await GRPCServer.listen(on: "\(directory)/kubelet.sock") { method, request, reply in
            guard method == "v1beta1.Registration/Register" else {
                return reply.end(GRPCFailure(code: "Unimplemented", message: "unknown method \(method)"))
            }
            source.yield(.register(request, reply))
        }
    }

    private func register(_ bytes: [UInt8], _ reply: GRPCReply) async {
        do {
            guard let type = Catalogue.devices.type(named: "RegisterRequest"), let request = try? Protobuf.decode(bytes, as: type) else {
                throw DeviceBook.Refusal(description: "this is no RegisterRequest")
            }
            let (name, version) = (request["resource_name"].string ?? "", request["version"].string ?? "")
            guard version == DevicePlugin.version else {
                throw DeviceBook.Refusal(
                    description:
                        "requested API version \"\(version)\" is not supported by kubelet. Supported version is [\"\(DevicePlugin.version)\"]"
                )
            }
            try Self.check(name)
            try await connect(name, at: "\(directory)/\(request["endpoint"].string ?? "")")
            reply.send([])
            reply.end()
        } catch {
            if !Task.isCancelled { log.warning("a plugin of devices is not taken: \(error)") }
            reply.end(GRPCFailure(code: "Unknown", message: "\(error)"))
        }
    }

    fileprivate static func check(_ name: String) throws(DeviceBook.Refusal) {
        guard ResourceNames.isExtended(name) else { throw DeviceBook.Refusal(description: "the ResourceName \"\(name)\" is invalid") }
    }

    /// Takes a plugin in, in place of another of its name.
    @discardableResult
    fileprivate func connect(_ resource: String, at path: String) async throws -> DevicePlugin {
        let plugin = try await DevicePlugin.connect(resource, at: path)
        let old = book.withLock { $0.connect(plugin) }
        old?.close()
        source.yield(.follow(plugin))
        log.info("registered device plugin", metadata: ["resource": "\(resource)", "endpoint": "\(path)"])
        return plugin
    }

    fileprivate func disconnect(_ plugin: DevicePlugin) {
        plugin.close()
        if book.withLock({ $0.disconnect(plugin, now: Clock.nanoseconds()) }) { changed() }
    }

    /// Until the plugin is gone.
    private func follow(_ plugin: DevicePlugin, _ refresh: @escaping @Sendable (String) -> Void) async {
        do {
            try await plugin.follow { devices in
                guard let pods = book.withLock({ $0.update(plugin, devices) }) else { return }
                changed()
                for uid in pods { refresh(uid) }
                do { try await save() } catch { if !Task.isCancelled { log.warning("\(error)") } }
            }
        } catch {
            if !Task.isCancelled { log.info("the plugin of \(plugin.resource) is gone: \(error)") }
        }
        disconnect(plugin)
    }

    // MARK: Containers

    /// Where a container could get its devices, a resource each: see `DeviceBook.hints`.
    func hints(for container: Value, of pod: Pod, nodes: NodeMask) -> [[TopologyHint]?] {
        wishes(of: container).map { resource, count in
            let owner = DeviceBook.Owner(pod: pod.uid, container: container.name, resource: resource)
            return book.withLock { $0.hints(owner, count, reusable: $0.reusable(owner, of: pod), nodes: nodes) }
        }
    }

    /// The same for all containers of a pod together.
    func hints(for pod: Pod, nodes: NodeMask) -> [[TopologyHint]?] {
        var (first, sidecars, others) = ([String: Int](), [String: Int](), [String: Int]())
        for container in pod.initContainers {
            for (resource, count) in wishes(of: container) {
                let all = (sidecars[resource] ?? 0) + count
                if container.isSidecar { sidecars[resource] = all } else { first[resource] = max(first[resource] ?? 0, all) }
            }
        }
        for container in pod.containers { for (resource, count) in wishes(of: container) { others[resource, default: 0] += count } }
        let counts = others.merging(sidecars, uniquingKeysWith: +).merging(first, uniquingKeysWith: max)
        return counts.sorted { $0.key < $1.key }.map { resource, count in
            // Of no container: those that have something already do not come here.
            let owner = DeviceBook.Owner(pod: pod.uid, container: "", resource: resource)
            return book.withLock { $0.hints(owner, count, reusable: [], nodes: nodes) }
        }
    }

    private func wishes(of container: Value) -> [(resource: String, count: Int)] {
        let limits = container[path: "resources", "limits"].fields.filter { ResourceNames.isExtended($0.key) }
        if limits.isEmpty { return [] }
        return book.withLock { book in
            limits.filter { book.isKnown($0.key) }.map { ($0.key, Int($0.value.quantity?.value ?? 0)) }.filter { $0.1 > 0 }
        }.sorted { $0.resource < $1.resource }
    }

    /// Gives a container what it asks for. What was given when this throws stays until `release`.
    /// - Parameter affinity: the NUMA nodes it should be near; `nil` where that is all the same.
    func allocate(_ container: Value, of pod: Pod, affinity: Set<Int>? = nil) async throws {
        var isNew = false
        for (resource, count) in wishes(of: container) {
            let owner = DeviceBook.Owner(pod: pod.uid, container: container.name, resource: resource)
            if try await allocate(owner, count, of: pod, affinity) { isNew = true }
        }
        if isNew { try await save() }
    }

    /// Answers whether that is something it did not have.
    private func allocate(_ owner: DeviceBook.Owner, _ count: Int, of pod: Pod, _ affinity: Set<Int>?) async throws -> Bool {
        guard let (plugin, ids) = try await reserve(owner, count, of: pod, affinity) else { return false }
        do {
            guard let plugin else { throw DeviceBook.Refusal(description: "endpoint \(owner.resource) has been stopped") }
            let response = try await plugin.allocate(ids)
            try book.withLock { book throws(DeviceBook.Refusal) in
                // The pod may be gone, and what it was to have be another's.
                guard book[owner]?.ids == ids else { throw DeviceBook.Refusal(description: "the pod is gone") }
                book[owner]?.response = response
            }
        } catch {
            book.withLock { if $0[owner]?.ids == ids, $0[owner]?.response == nil { $0[owner] = nil } }
            throw error
        }
        return true
    }

    /// Nobody else gets them from now on; `nil` when the container has what it wants.
    private func reserve(_ owner: DeviceBook.Owner, _ count: Int, of pod: Pod, _ affinity: Set<Int>?) async throws
        -> (DevicePlugin?, Set<String>)?
    {
        var preferred: Set<String>?
        while true {
            let (choice, plugin) = try book.withLock { book throws(DeviceBook.Refusal) in
                let choice = try book.choose(
                    owner, count, reusable: book.reusable(owner, of: pod), affinity: affinity, preferred: preferred)
                let resource = book.resources[owner.resource]
                if case .devices(let ids) = choice {
                    let nodes = ids.map { ($0, resource?.devices[$0]?.nodes ?? []) }
                    book[owner] = DeviceBook.Grant(ids: ids, nodes: Dictionary(uniqueKeysWithValues: nodes))
                }
                return (choice, resource?.plugin)
            }
            switch choice {
            case .nothing: return nil
            case .devices(let ids): return (plugin, ids)
            case .ask(let available, let including, let count):
                preferred = try await plugin?.preferred(among: available, including: including, count) ?? []
            }
        }
    }

    /// What a container that is about to start gets. What it should have been given and was not, because a kubelet ended in between, it is
    /// given now.
    func options(for container: Value, of pod: Pod) async throws -> DeviceOptions {
        let wishes = wishes(of: container)
        if wishes.isEmpty { return DeviceOptions() }
        func grants() -> [String: DeviceBook.Grant] { book.withLock { $0.grants(of: pod.uid)[container.name] ?? [:] } }
        if wishes.contains(where: { grants()[$0.resource] == nil }) { try await allocate(container, of: pod) }
        let known = grants()
        for (resource, _) in wishes {
            guard let plugin = book.withLock({ $0.resources[resource]?.plugin }), plugin.wantsPreStart else { continue }
            try await plugin.preStart(known[resource]?.ids ?? [])
        }
        return DeviceOptions(known.sorted { $0.key < $1.key }.compactMap(\.value.response))
    }

    /// The pod has nothing any more.
    func release(_ uid: String) {
        // Written with what is given next: who asks then looks at which pods there are.
        _ = book.withLock { $0.release(uid) }
    }

    /// What containers of a pod have: `ContainerDevices` by container, a device each.
    func devices(of uid: String) -> [String: [Value]] {
        book.withLock { $0.grants(of: uid) }.mapValues { grants in
            grants.sorted { $0.key < $1.key }.flatMap { name, grant in
                grant.ids.sorted().map { Self.told(name, Device(id: $0, nodes: grant.nodes[$0] ?? [])) }
            }
        }
    }

    /// Those that are well, the same way.
    var healthy: [Value] {
        book.withLock { $0.resources }.sorted { $0.key < $1.key }.flatMap { name, resource in
            resource.healthy.sorted().compactMap { resource.devices[$0] }.map { Self.told(name, $0) }
        }
    }

    private static func told(_ resource: String, _ device: Device) -> Value {
        let nodes = device.nodes.sorted().map { node -> Value in ["ID": .int(Whole(node))] }
        return [
            "resource_name": .string(resource), "device_ids": [.string(device.id)],
            "topology": nodes.isEmpty ? .null : ["nodes": .array(nodes)],
        ]
    }

    /// How the devices of a pod are: `ResourceStatus` by container. Upstream: `UpdateAllocatedResourcesStatus`.
    func health(of uid: String) -> [String: Value] {
        book.withLock { book in
            book.grants(of: uid).mapValues { grants in
                .array(
                    grants.sorted { $0.key < $1.key }.map { name, grant in
                        let devices = book.resources[name]?.devices ?? [:]
                        return [
                            "name": .string(name),
                            "resources": .array(
                                grant.ids.sorted().map { id in
                                    ["resourceID": .string(id), "health": devices[id]?.isHealthy ?? true ? "Healthy" : "Unhealthy"]
                                }),
                        ]
                    })
            }
        }
    }
}

/// Plugins of devices that register by a socket of their own.
struct DeviceRegistration: RegistrablePlugin {
    let manager: DeviceManager

    func validate(_ name: String, endpoint: String, versions: [String]) throws {
        guard versions.contains(DevicePlugin.version) else {
            throw DeviceBook.Refusal(
                description:
                    "manager version, \(DevicePlugin.version), is not among plugin supported versions [\(versions.joined(separator: " "))]"
            )
        }
        do { try DeviceManager.check(name) } catch {
            throw DeviceBook.Refusal(description: "invalid name of device plugin socket: \(error)")
        }
    }

    func register(_ name: String, endpoint: String, versions: [String]) async throws -> @Sendable () async -> Void {
        let plugin = try await manager.connect(name, at: endpoint)
        return { [manager] in manager.disconnect(plugin) }
    }
}
