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
    public static func == (left: Self, right: Self) -> Bool { left.name == right.name && left.namespace == right.namespace && left.resource == right.resource }

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

    /// Never for one key twice at once: that is the queue's promise.
    public func reconcile(_ key: ControllerKey) async -> ReconcileOutcome {
        await threads.run { [component] in
            let sentence = Collector()
            var again: Int64 = 0
            let status = key.withC { key in
                sentence.collect { sink in component.call(0, apus_controller.self) { $0.reconcile($1, key, &again, sink) } }
            }
            let message = sentence.text
            switch status {
            case APUS_OK: return .done(after: again > 0 ? .milliseconds(again) : nil)
            case APUS_RETRY, APUS_CONFLICT, APUS_CANCELLED: return .retry(message: message.isEmpty ? nil : message)
            default: return .failed(message: message.isEmpty ? "reconcile answered \(statusName(status))" : message)
            }
        }
    }

    /// Returns when the shared cache has all that this controller wrote: who takes its place sees it from the first call on.
    public func waitUntilCaughtUp() async { await component.waitUntilCaughtUp() }

    /// The keys to work on because an object changed that the manifest watches with `map: Plugin`.
    public func map(resource: GroupVersionResource, before: Object?, after: Object?) async -> [ControllerKey] {
        guard component.table(apus_controller.self).map != nil else { return [] }
        return await threads.run { [component] in
            final class Keys { var found: [ControllerKey] = [] }
            let keys = Keys()
            var sink = apus_key_sink(context: Unmanaged.passUnretained(keys).toOpaque()) { context, key in
                let keys = Unmanaged<Keys>.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue()
                guard let resource = GroupVersionResource(key.pointee.resource.string) else { return }
                keys.found.append(
                    ControllerKey(resource: resource, namespace: key.pointee.namespace_.string, name: key.pointee.name.string, uid: key.pointee.uid.string))
            }
            return withExtendedLifetime(keys) {
                resource.description.withBorrowed { resource in
                    (before?.bytes ?? []).withBorrowed { before in
                        (after?.bytes ?? []).withBorrowed { after in
                            _ = component.call(1, apus_controller.self) { table, instance in
                                table.map?(instance, resource, before, after, &sink)
                                return APUS_OK
                            }
                        }
                    }
                }
                return keys.found
            }
        }
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
