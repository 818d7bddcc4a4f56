public import APIModel
internal import PluginAPI

/// One entry of a controller's work queue.
public struct ControllerKey: Hashable, Sendable {
    public var resource: GroupVersionResource
    /// Empty for cluster-scoped kinds.
    public var namespace: String
    public var name: String
    /// Of the object last seen under that name; may be empty.
    public var uid: String

    public init(resource: GroupVersionResource, namespace: String, name: String, uid: String = "") {
        self.resource = resource
        self.namespace = namespace
        self.name = name
        self.uid = uid
    }

    /// Two keys are one when they name the same object; the uid goes along for information.
    public static func == (left: Self, right: Self) -> Bool {
        left.name == right.name && left.namespace == right.namespace && left.resource == right.resource
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(resource)
        hasher.combine(namespace)
        hasher.combine(name)
    }
}

/// What the loop does with a key next.
public enum ReconcileOutcome: Sendable {
    /// Nothing until something changes, or that time has passed.
    case done(after: Duration?)
    /// Again, after a back-off; nothing is wrong.
    case retry(message: String?)
    /// Again, after a back-off, and the operator should know why.
    case failed(message: String)
}

/// A running controller. Calls run on PluginHost's own threads.
public final class ControllerPlugin: Sendable {
    public let name: String
    public let manifest: ControllerManifest
    private let component: LoadedComponent
    private let threads: ThreadPool

    /// Grows when the plugin lost its state: its process was started again.
    public var incarnation: UInt64 { component.incarnation }

    init(_ component: LoadedComponent, _ manifest: ControllerManifest, _ threads: ThreadPool) {
        self.component = component
        self.manifest = manifest
        self.threads = threads
        name = component.manifest.name
    }

    /// As many of the threads on which plugins are called as there is work for; see `Crew`.
    package func crew(limit: Int, work: @escaping @Sendable () -> Bool) -> Crew { Crew(threads, limit: limit, work: work) }

    /// Never for one key twice at once: that is the queue's promise.
    public func reconcile(_ key: ControllerKey) async -> ReconcileOutcome { await threads.run { self.reconcileHere(key) } }

    /// The same on the caller's thread, which may block: one of a `crew`.
    package func reconcileHere(_ key: ControllerKey) -> ReconcileOutcome {
        var sentence = Collector()
        var again: Int64 = 0
        var answer = key.withC { key in component.call(0, apus_controller.self, into: &sentence) { $0.reconcile($1, key, &again, $2) } }
        if again < 0, answer.status == APUS_OK {
            answer = component.reject(0, "reconcile asked to be called again after \(again) ms, which is before now")
        }
        let message = answer.problem ?? sentence.text
        switch answer.status {
        case APUS_OK: return .done(after: again > 0 ? .milliseconds(again) : nil)
        case APUS_CANCELLED: return .retry(message: sentence.bytes.isEmpty ? nil : sentence.text)
        case APUS_RETRY, APUS_CONFLICT: return .retry(message: message.isEmpty ? nil : message)
        default: return .failed(message: message.isEmpty ? "reconcile answered \(statusName(answer.status))" : message)
        }
    }

    /// Returns when the shared cache has all that this controller wrote: who takes its place sees it from the first call on.
    public func waitUntilCaughtUp() async { await component.waitUntilCaughtUp() }

    /// The keys to work on because an object changed that the manifest watches with `map: Plugin`.
    public func map(resource: GroupVersionResource, before: Object?, after: Object?) async -> [ControllerKey] {
        await threads.run { self.mapHere(resource: resource, before: before, after: after) }
    }

    /// The same on the caller's thread, which may block: one of a `crew`.
    package func mapHere(resource: GroupVersionResource, before: Object?, after: Object?) -> [ControllerKey] {
        guard component.table(apus_controller.self).map != nil else { return [] }
        return resource.description.withBorrowed { resource in
            (before?.bytes ?? []).withBorrowed { before in
                (after?.bytes ?? []).withBorrowed { after in
                    Self.keys(component, 1) { table, instance, sink in table.map?(instance, resource, before, after, sink) }
                }
            }
        }
    }

    /// The keys to work on because the kinds that the API serves have changed.
    public func mapKinds(_ kinds: Kinds) async -> [ControllerKey] {
        guard component.table(apus_controller.self).map_kinds != nil else { return [] }
        return await threads.run { [component] in
            Self.keys(component, 2) { table, instance, sink in table.map_kinds?(instance, kinds.generation, sink) }
        }
    }

    /// Calls a slot that names keys.
    private static func keys(
        _ component: LoadedComponent, _ slot: Int,
        _ body: (apus_controller, UnsafeMutableRawPointer?, UnsafePointer<apus_key_sink>) -> Void
    ) -> [ControllerKey] {
        var keys = MappedKeys()
        _ = keys.collect { sink in
            component.call(slot, apus_controller.self) { table, instance in
                body(table, instance, sink)
                return APUS_OK
            }
        }
        if keys.isOverLimit {
            _ = component.reject(slot, "\(component.slots[slot].descriptor.name) named more than \(MappedKeys.limit) keys in one call")
        }
        return keys.found
    }
}

/// Collects the keys that one call of `map` names. What is no key is left out.
private struct MappedKeys {
    static let limit = 65_536
    private(set) var found: [ControllerKey] = []
    private(set) var isOverLimit = false

    mutating func collect<R>(_ body: (UnsafePointer<apus_key_sink>) -> R) -> R {
        withUnsafeMutablePointer(to: &self) { keys in
            var sink = apus_key_sink(context: UnsafeMutableRawPointer(keys)) { context, key in
                context.unsafelyUnwrapped.assumingMemoryBound(to: MappedKeys.self).pointee.add(key.pointee)
            }
            return body(&sink)
        }
    }

    private mutating func add(_ key: apus_key) {
        guard key.size >= UInt32(MemoryLayout<apus_key>.size) else { return }
        guard found.count < Self.limit else {
            isOverLimit = true
            return
        }
        guard let resource = GroupVersionResource(key.resource.string) else { return }
        found.append(ControllerKey(resource: resource, namespace: key.namespace_.string, name: key.name.string, uid: key.uid.string))
    }
}

extension ControllerKey {
    fileprivate func withC<R>(_ body: (UnsafePointer<apus_key>) -> R) -> R {
        resource.description.withBorrowed { resource in
            namespace.withBorrowed { namespace in
                name.withBorrowed { name in
                    uid.withBorrowed { uid in
                        var key = apus_key(resource: resource, namespace_: namespace, name: name, uid: uid)
                        return body(&key)
                    }
                }
            }
        }
    }
}
