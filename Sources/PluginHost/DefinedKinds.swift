public import APIModel
public import Client
internal import Synchronization

/// The kinds of the program, those that CustomResourceDefinitions define, as the shared cache has them, and those that aggregated servers
/// list. Where such a server answers for a group and version, it hides what definitions say of them, as it does for every client.
///
/// A snapshot has names, verbs and scopes; the fields of custom kinds are the API server's business alone. It is made when somebody asks,
/// so that many definitions that come at once cost one. Safe from any task.
public final class DefinedKinds: KindSource {
    private struct State {
        /// By the definition's name.
        var custom: [String: [ResourceType]] = [:]
        /// Of those that other servers answer for. What one listed stays known while it is not well.
        var aggregated: [GroupVersion: [ResourceType]] = [:]
        /// Of those of the program and some of `custom`.
        var newest: Kinds
        var isStale = false
        var listeners: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var lastListener: UInt64 = 0
    }

    /// The `APIResourceList` of a group and version, from the server that answers for them.
    public typealias Listing = @Sendable (GroupVersion) async throws -> Value

    private let cache: Cache
    private let listing: Listing
    private let state: Mutex<State>
    private let observations = Mutex<[Observation]>([])
    /// Yields when an APIService changed.
    private let services: AsyncStream<Void>
    private let serviceChanged: AsyncStream<Void>.Continuation

    /// How often servers are asked again what they have.
    private static let interval = Duration.seconds(30)

    /// - Parameter builtin: those of the program that the API serves.
    public init(cache: Cache, builtin: Kinds, listing: @escaping Listing) {
        self.cache = cache
        self.listing = listing
        state = Mutex(State(newest: builtin))
        (services, serviceChanged) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    deinit { for observation in observations.withLock({ $0 }) { observation.cancel() } }

    /// Follows the definitions from now on. Returns when all there are have been seen.
    /// - Throws: `CancellationError`.
    public func start() async throws {
        let observation = cache.observe([.customResourceDefinitions]) { [weak self] _, before, after in
            guard let name = (after ?? before)?.name else { return }
            self?.define(name, after.map(Self.served) ?? [])
        }
        let services = cache.observe([.apiServices]) { [serviceChanged] _, _, _ in serviceChanged.yield() }
        observations.withLock { $0 = [observation, services] }
        try await cache.watch(.customResourceDefinitions)
    }

    /// Asks aggregated servers for their kinds, when APIServices change and each half minute, until the task is cancelled.
    public func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { try? await self.cache.watch(.apiServices) }
            group.addTask {
                while (try? await Task.sleep(for: Self.interval)) != nil { self.serviceChanged.yield() }
                self.serviceChanged.finish()
            }
            for await _ in services { await look() }
            group.cancelAll()
        }
    }

    private func look() async {
        let services = cache.list(.apiServices).map(\.value).filter { !$0["spec"]["service"].isNull }
        var aggregated: [GroupVersion: [ResourceType]] = [:]
        await withTaskGroup(of: (GroupVersion, [ResourceType]?).self) { [listing] group in
            for service in services {
                let version = GroupVersion(group: service["spec"]["group"].string ?? "", version: service["spec"]["version"].string ?? "")
                aggregated[version] = state.withLock { $0.aggregated[version] } ?? []
                guard Conditions.isTrue(service["status"], type: "Available") else { continue }
                group.addTask { (version, (try? await listing(version)).map { ResourceType.listed($0, of: version) }) }
            }
            for await (version, listed) in group { if let listed { aggregated[version] = listed } }
        }
        aggregate(aggregated)
    }

    public var kinds: Kinds {
        state.withLock { state in
            guard state.isStale else { return state.newest }
            let defined = state.custom.sorted { $0.key < $1.key }.flatMap(\.value)
            let custom = defined.filter { state.aggregated[$0.groupVersion] == nil } + state.aggregated.values.flatMap(\.self)
            state.newest = state.newest.next(custom: custom, groups: Kinds.Group.all(of: custom))
            state.isStale = false
            return state.newest
        }
    }

    public func changes() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.lastListener += 1
            state.listeners[state.lastListener] = continuation
            return state.lastListener
        }
        continuation.onTermination = { [weak self] _ in self?.state.withLock { state in _ = state.listeners.removeValue(forKey: id) } }
        continuation.yield()
        return stream
    }

    private func define(_ definition: String, _ resources: [ResourceType]) {
        change { state in
            guard (state.custom[definition] ?? []).map(Trait.init) != resources.map(Trait.init) else { return false }
            state.custom[definition] = resources.isEmpty ? nil : resources
            return true
        }
    }

    private func aggregate(_ aggregated: [GroupVersion: [ResourceType]]) {
        change { state in
            guard state.aggregated.mapValues({ $0.map(Trait.init) }) != aggregated.mapValues({ $0.map(Trait.init) }) else { return false }
            state.aggregated = aggregated
            return true
        }
    }

    /// - Parameter change: returns whether it changed anything.
    private func change(_ change: (inout State) -> Bool) {
        let listeners: [AsyncStream<Void>.Continuation]? = state.withLock { state in
            guard change(&state) else { return nil }
            state.isStale = true
            return Array(state.listeners.values)
        }
        guard let listeners else { return }
        cache.retryUnknownKinds()
        for listener in listeners { listener.yield() }
    }

    /// What plugins can tell of a kind.
    private struct Trait: Equatable {
        var resource: GroupVersionResource
        var kind: String
        var isNamespaced: Bool
        var isScalable: Bool
        var verbs: [String]
        var storage: String?

        init(_ type: ResourceType) {
            resource = type.groupVersionResource
            kind = type.kind
            isNamespaced = type.isNamespaced
            isScalable = type.subresource("scale") != nil
            verbs = type.verbs
            storage = type.custom?.storageVersion
        }
    }

    /// The resources of a definition that requests can name.
    private static func served(_ definition: Object) -> [ResourceType] {
        let isEstablished = definition.value[path: "status", "conditions"].elements.contains {
            $0["type"].string == "Established" && $0["status"].string == "True"
        }
        guard isEstablished else { return [] }
        var names = definition.value
        names["spec"]["versions"] = .array(
            names[path: "spec", "versions"].elements.map {
                ["name": $0["name"], "served": $0["served"], "storage": $0["storage"], "subresources": $0["subresources"]]
            })
        // Without schemas there are no patterns to compile, so nothing to throw.
        return ((try? ResourceType.custom(names) { _ in { _ in true } }) ?? []).filter { !$0.verbs.isEmpty }
    }
}
