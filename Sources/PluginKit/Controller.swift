public import APIModel
internal import PluginAPI

/// Brings the world closer to what one object asks for. The host owns the queue, the cache, retries and leader election; the manifest says
/// what is watched.
public protocol Controller: Component {
    /// Compares the object with the world and acts. The object may be gone. Called from many threads, never twice at once for one key.
    ///
    /// A thrown error is logged and puts the key back after a back-off; a thrown `APIError` with reason `.conflict` puts it back silently.
    func reconcile(_ key: Key) throws -> Outcome

    /// For an object of a kind the manifest watches with `map: Plugin`: the keys to work on because it changed. `before` is `.null` for a
    /// new object, `after` for a deleted one. The default maps to nothing.
    func map(resource: String, before: Value, after: Value) -> [Key]

    /// The keys to work on because the kinds that the API serves have changed: `Host.kinds` has them. The default maps to nothing.
    func mapKinds() -> [Key]

    /// Of controllers whose manifest says `runsOn: Node`: removes what the component put in place on the node, this instance or another,
    /// with or without a `start` before. No `reconcile` begins after it; one that is under way must leave nothing behind. The default has
    /// nothing to remove.
    func cleanup() throws
}

extension Controller {
    public func map(resource: String, before: Value, after: Value) -> [Key] { [] }
    public func mapKinds() -> [Key] { [] }
    public func cleanup() throws {}
}

/// One entry of the work queue.
public struct Key: Hashable, Sendable {
    /// The kind of the object: `apps/v1/deployments`.
    public var resource: String
    /// Empty for cluster-scoped kinds.
    public var namespace: String
    public var name: String
    /// Of the object last seen under that name; may be empty.
    public var uid: String

    public init(resource: String, namespace: String = "", name: String, uid: String = "") {
        self.resource = resource
        self.namespace = namespace
        self.name = name
        self.uid = uid
    }

    /// The key of an object of that kind, whichever object has its name.
    public init(_ object: Value, of resource: String) {
        let metadata = object["metadata"]
        self.init(resource: resource, namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? "")
    }
}

/// What becomes of a key after `reconcile`.
public enum Outcome: Hashable, Sendable {
    /// Nothing until something changes.
    case done
    /// As `done`, and look again after that time.
    case doneCheckAgain(afterMilliseconds: Whole)
    /// Again, after a back-off that grows.
    case retry
}

final class ControllerInstance: Instance {
    let controller: any Controller

    init(_ controller: any Controller) {
        self.controller = controller
        super.init(controller)
    }

    static let table = constant(
        apus_controller(
            size: UInt32(MemoryLayout<apus_controller>.size),
            reconcile: { me, key, again, sink in
                var retry = false
                let status = boundary(sink) {
                    switch try instance(me, as: ControllerInstance.self).controller.reconcile(Key(key.pointee)) {
                    case .done: break
                    case .doneCheckAgain(let milliseconds): again.pointee = max(1, milliseconds).int64
                    case .retry: retry = true
                    }
                }
                return retry ? APUS_RETRY : status
            },
            map: { me, resource, before, after, sink in
                let keys = instance(me, as: ControllerInstance.self).controller.map(
                    resource: resource.string, before: decode(before), after: decode(after))
                for key in keys { key.withC { sink.pointee.add(sink.pointee.context, $0) } }
            },
            map_kinds: { me, _, sink in
                for key in instance(me, as: ControllerInstance.self).controller.mapKinds() {
                    key.withC { sink.pointee.add(sink.pointee.context, $0) }
                }
            },
            cleanup: { me, sink in boundary(sink) { try instance(me, as: ControllerInstance.self).controller.cleanup() } }))
}

extension Key {
    init(_ key: apus_key) {
        self.init(resource: key.resource.string, namespace: key.namespace_.string, name: key.name.string, uid: key.uid.string)
    }

    func withC(_ body: (UnsafePointer<apus_key>) -> Void) {
        resource.withBorrowed { resource in
            namespace.withBorrowed { namespace in
                name.withBorrowed { name in
                    uid.withBorrowed { uid in
                        var key = apus_key(
                            size: UInt32(MemoryLayout<apus_key>.size), resource: resource, namespace_: namespace, name: name, uid: uid)
                        body(&key)
                    }
                }
            }
        }
    }
}
