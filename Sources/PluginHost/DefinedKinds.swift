public import APIModel
public import Client
internal import Synchronization

/// The kinds of the program and those that CustomResourceDefinitions define, as the shared cache has them.
///
/// A snapshot has names, verbs and scopes; the fields of custom kinds are the API server's business alone. It is made when somebody asks,
/// so that many definitions that come at once cost one. Safe from any task.
public final class DefinedKinds: KindSource {
    private struct State {
        /// By the definition's name.
        var custom: [String: [ResourceType]] = [:]
        /// Of those of the program and some of `custom`.
        var newest: Kinds
        var isStale = false
        var listeners: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var lastListener: UInt64 = 0
    }

    private let cache: Cache
    private let state: Mutex<State>
    private let observation = Mutex<Observation?>(nil)

    /// - Parameter builtin: those of the program that the API serves.
    public init(cache: Cache, builtin: Kinds) {
        self.cache = cache
        state = Mutex(State(newest: builtin))
    }

    deinit { observation.withLock { $0?.cancel() } }

    /// Follows the definitions from now on. Returns when all there are have been seen.
    /// - Throws: `CancellationError`.
    public func start() async throws {
        let observation = cache.observe([.customResourceDefinitions]) { [weak self] _, before, after in
            guard let name = (after ?? before)?.name else { return }
            self?.define(name, after.map(Self.served) ?? [])
        }
        self.observation.withLock { $0 = observation }
        try await cache.watch(.customResourceDefinitions)
    }

    public var kinds: Kinds {
        state.withLock { state in
            guard state.isStale else { return state.newest }
            let custom = state.custom.sorted { $0.key < $1.key }.flatMap(\.value)
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
        let listeners: [AsyncStream<Void>.Continuation]? = state.withLock { state in
            guard (state.custom[definition] ?? []).map(Trait.init) != resources.map(Trait.init) else { return nil }
            state.custom[definition] = resources.isEmpty ? nil : resources
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
