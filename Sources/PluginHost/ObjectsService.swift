internal import APIModel
internal import Client
internal import Logging
internal import PluginAPI
internal import Synchronization

/// `apus.host.objects/1` for one component: the API as the user `system:plugin:<name>`. Slots run on the plugin's threads and block them.
final class ObjectsService: Sendable {
    private let watched: Set<GroupVersionResource>
    private let watchesEverything: Bool
    private let phase = Mutex<Phase>(.closed(begun: nil))
    /// What the manifest's objects can be found by.
    let indexes: Set<ControllerManifest.Index>
    let calls = BlockingCalls()
    let writes = OwnWrites()
    private let violations: Tally
    private let forbidden: Tally
    private let log: Logger

    struct Services: Sendable {
        var client: any Client
        /// The same API as the host itself.
        var own: any Client
        var cache: Cache
        var recorder: EventRecorder
        /// Sends what the recorder has, until `close`.
        var sending: Task<Void, Never>
    }

    private enum Phase: Sendable {
        /// Calls are a breach of the contract: before `start` began, or after `stop` returned, which leaves the services of before.
        case closed(begun: Services?)
        case open(Services)
        /// While `stop` is under way: calls are cancelled, which is nobody's fault.
        case closing(Services)

        var services: Services? {
            switch self {
            case .closed(let services): services
            case .open(let services), .closing(let services): services
            }
        }
    }

    /// Whose slots must not block.
    private let who: String

    init(_ manifest: PluginManifest, violations: Tally, forbidden: Tally, log: Logger) {
        watched = Set(manifest.controller?.watched ?? [])
        watchesEverything = manifest.controller?.watchesEverything ?? false
        indexes = Set(manifest.controller?.indexes ?? [])
        who = manifest.kind == .admission ? "an admission plugin" : "a scheduler policy"
        self.violations = violations
        self.forbidden = forbidden
        self.log = log
    }

    /// Calls work from now on. Before this every slot answers UNAVAILABLE.
    func open(_ manifest: PluginManifest, _ host: HostServices) {
        let client = host.client.impersonating(manifest.user, groups: PluginManifest.groups)
        // Events are written by the host for the plugin: writing them needs no rule in the manifest.
        let recorder = EventRecorder(client: host.client, component: manifest.eventSource, log: log)
        phase.withLock {
            $0 = .open(
                Services(client: client, own: host.client, cache: host.cache, recorder: recorder, sending: Task { await recorder.run() }))
        }
    }

    /// Calls under way are cancelled, and new ones answer CANCELLED.
    func close() {
        phase.withLock { phase in
            guard case .open(let services) = phase else { return }
            services.sending.cancel()
            phase = .closing(services)
        }
        calls.close()
    }

    /// After `close`: calls are counted as breaches from now on.
    func forbid() { phase.withLock { $0 = .closed(begun: $0.services) } }

    /// Returns when the cache has all that this component wrote: who takes its place sees it from the first call on. Works after `close`,
    /// too.
    func waitUntilCaughtUp() async {
        guard let cache = phase.withLock({ $0.services?.cache }) else { return }
        // Only the cache's end cuts this short, and then nobody reads it any more.
        for resource in writes.resources where watches(resource) && cache.isSynced(resource) {
            try? await writes.wait(for: resource, cache)
        }
    }

    /// Whether the manifest lets the plugin see this kind in the shared cache.
    func watches(_ resource: GroupVersionResource) -> Bool { watchesEverything || watched.contains(resource) }

    func makeTable() -> UnsafeRawPointer {
        let functions: [@Sendable (Call) -> CallResult] = [
            get, list, dependents, create, update, patch, apply, remove, event, fetch, removeCollection, fetchList,
        ]
        return hostTable(
            Signatures.hostObjects,
            zip(Signatures.hostObjects.slots, functions).map { slot, function in
                let name = "objects.\(slot.name)"
                return { frame in function(Call(frame: frame, name: name)) }
            }, onMisuse: { [violations] in violations.add("objects.\($0)") })
    }

    /// One call of a slot.
    struct Call {
        let frame: CallFrame
        /// objects.get
        let name: String
    }

    /// The services while the plugin may use them on this thread.
    func running(_ name: String) throws -> Services {
        if PolicyThread.isMarked {
            violations.add("\(name) was called from inside \(who)'s slot")
            throw APIError.badRequest("\(name) must not be called from \(who)'s slot, which may not block")
        }
        switch phase.withLock({ $0 }) {
        case .open(let services): return services
        case .closing: throw CancellationError()
        case .closed(begun: nil):
            violations.add("\(name) was called before start")
            throw APIError(
                code: 503, reason: .serviceUnavailable, message: "the plugin is not started yet: the API can be used from start on")
        case .closed:
            violations.add("\(name) was called after stop")
            throw CancellationError()
        }
    }

    func noteForbidden(_ text: String) { forbidden.add(text) }
}
