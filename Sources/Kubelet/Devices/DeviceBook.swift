import APIModel

/// The devices of the node by resource, and which container has which. A value: `DeviceManager` talks to plugins and to the disk. Upstream:
/// `cm/devicemanager`'s `ManagerImpl`.
struct DeviceBook: Sendable {
    /// What plugins tell of one resource.
    struct Resource: Sendable {
        /// As last told, whether whoever told it is there still or not.
        var devices: [String: Device] = [:]
        /// The plugin that answers for it.
        var plugin: DevicePlugin?
        /// Whether that one has told of its devices.
        var isTold = false
        /// Since when there is none, in nanoseconds since 1970.
        var stoppedAt: Whole?

        /// Those that can be given away.
        var healthy: Set<String> { plugin == nil || !isTold ? [] : Set(devices.values.lazy.filter(\.isHealthy).map(\.id)) }
    }

    /// What a container has been given of a resource.
    struct Grant: Equatable, Sendable {
        var ids: Set<String>
        /// The plugin's `ContainerAllocateResponse`; `nil` while it is being asked.
        var response: Value?
        /// NUMA nodes by device, for those that have some.
        var nodes: [String: Set<Int>] = [:]
    }

    struct Owner: Hashable, Sendable {
        var pod: String
        var container: String
        var resource: String
    }

    var resources: [String: Resource] = [:]
    /// By pod and container.
    private(set) var grants: [String: [String: [String: Grant]]] = [:]

    /// How long a resource whose plugin went is told of. Upstream's.
    static let grace: Whole = 300_000_000_000

    // MARK: Plugins

    /// A plugin answers for a resource from now on. Returns the one that did.
    mutating func connect(_ plugin: DevicePlugin) -> DevicePlugin? {
        let old = resources[plugin.resource]?.plugin
        resources[plugin.resource, default: Resource()].plugin = plugin
        resources[plugin.resource]?.isTold = false
        resources[plugin.resource]?.stoppedAt = nil
        return old
    }

    /// The devices of a plugin are these. Returns the pods of which a device is another than before; `nil` when another plugin answers for
    /// the resource.
    mutating func update(_ plugin: DevicePlugin, _ devices: [Device]) -> Set<String>? {
        guard let old = resources[plugin.resource], old.plugin === plugin else { return nil }
        let new = Dictionary(devices.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
        resources[plugin.resource]?.devices = new
        resources[plugin.resource]?.isTold = true
        return Set(
            grants.filter { _, containers in
                containers.values.contains { $0[plugin.resource]?.ids.contains { old.devices[$0] != new[$0] } ?? false }
            }.keys)
    }

    /// The plugin is gone. Returns whether it answered for its resource.
    mutating func disconnect(_ plugin: DevicePlugin, now: Whole) -> Bool {
        guard resources[plugin.resource]?.plugin === plugin else { return false }
        resources[plugin.resource]?.plugin = nil
        resources[plugin.resource]?.stoppedAt = now
        return true
    }

    // MARK: What the node has

    /// What the node's status tells, and what was told and is there no more.
    struct Figures: Equatable, Sendable {
        var capacity: [String: Int] = [:]
        var allocatable: [String: Int] = [:]
        var removed: Set<String> = []
    }

    func figures(now: Whole) -> Figures {
        var figures = Figures()
        for (name, resource) in resources {
            if let stoppedAt = resource.stoppedAt, now - stoppedAt > Self.grace {
                figures.removed.insert(name)
            } else {
                figures.capacity[name] = resource.devices.count
                figures.allocatable[name] = resource.healthy.count
            }
        }
        return figures
    }

    /// Whether devices of it are given away here.
    func isKnown(_ resource: String) -> Bool {
        resources[resource] != nil || grants.values.contains { $0.values.contains { $0[resource] != nil } }
    }

    /// How many devices of each resource pods have.
    var held: [String: Int] {
        var ids: [String: Set<String>] = [:]
        for containers in grants.values {
            for grants in containers.values { for (name, grant) in grants { ids[name, default: []].formUnion(grant.ids) } }
        }
        return ids.mapValues(\.count)
    }

    // MARK: Who has what

    subscript(_ owner: Owner) -> Grant? {
        get { grants[owner.pod]?[owner.container]?[owner.resource] }
        set { grants[owner.pod, default: [:]][owner.container, default: [:]][owner.resource] = newValue }
    }

    /// Returns whether it had any.
    mutating func release(_ pod: String) -> Bool { grants.removeValue(forKey: pod) != nil }

    /// What the containers of a pod have.
    func grants(of pod: String) -> [String: [String: Grant]] { grants[pod] ?? [:] }

    /// What a container can have because an init container of its pod has it, which is over before.
    func reusable(_ owner: Owner, of pod: Pod) -> Set<String> {
        let before = pod.initContainers.prefix { $0.name != owner.container }
        func ids(_ containers: some Sequence<Value>) -> Set<String> {
            containers.reduce(into: []) { ids, container in
                guard container.name != owner.container else { return }
                ids.formUnion(self[Owner(pod: owner.pod, container: container.name, resource: owner.resource)]?.ids ?? [])
            }
        }
        return ids(before.filter { !$0.isSidecar }).subtracting(ids(pod.initContainers.filter(\.isSidecar) + pod.containers))
    }
}
