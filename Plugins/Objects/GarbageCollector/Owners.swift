internal import APIModel
internal import PluginKit
internal import Synchronization

/// Finds the owners that references name.
final class Owners: Sendable {
    enum Finding {
        case there(Value)
        /// Gone for certain: absence is believed only of the API itself, never of a cache.
        case absent
        /// There is no such kind, or not yet.
        case unknownKind
        /// An object without a namespace names an owner that would be in one. The reference is a mistake, and no reason to delete.
        case outOfReach
    }

    /// An owner as a reference names it, and where it would have to be.
    private struct Coordinates: Hashable {
        var kind: GroupVersionKind
        var namespace: String
        var name: String
        var uid: String
    }

    /// The last ones that were not there, oldest first: they never come again, and many dependents name the same.
    private struct Absent {
        static let limit = 500
        var known: Set<Coordinates> = []
        var order: [Coordinates] = []
        var oldest = 0

        mutating func insert(_ owner: Coordinates) {
            guard known.insert(owner).inserted else { return }
            guard order.count == Self.limit else { return order.append(owner) }
            known.remove(order[oldest])
            order[oldest] = owner
            oldest = (oldest + 1) % Self.limit
        }
    }

    private let objects: Objects
    private let kinds: HostKinds
    private let absent = Mutex(Absent())

    init(objects: Objects, kinds: HostKinds) {
        self.objects = objects
        self.kinds = kinds
    }

    /// The owner that `reference` of `dependent` names.
    func find(_ reference: Value, of dependent: Value) throws -> Finding {
        guard let kind = GroupVersionKind(of: reference), let served = try kinds.current.stored(kind) else { return .unknownKind }
        let (name, uid) = (reference["name"].string ?? "", reference["uid"].string ?? "")
        guard !served.isNamespaced || !dependent.namespace.isEmpty else {
            try reportIfElsewhere(served, reference, of: dependent)
            return .outOfReach
        }
        let namespace = served.isNamespaced ? dependent.namespace : ""
        let owner = Coordinates(kind: kind, namespace: namespace, name: name, uid: uid)
        if absent.withLock({ $0.known.contains(owner) }) { return .absent }
        if let cached = try objects.get(served.resource, namespace: namespace, name: name), cached.uid == uid { return .there(cached) }
        if let live = try objects.fetch(served.resource, namespace: namespace, name: name), live.uid == uid { return .there(live) }
        absent.withLock { $0.insert(owner) }
        if served.isNamespaced { try reportIfElsewhere(served, reference, of: dependent) }
        return .absent
    }

    /// Says so where the owner is in another namespace, from which nothing can be owned.
    private func reportIfElsewhere(_ kind: ServedKind, _ reference: Value, of dependent: Value) throws {
        let (name, uid) = (reference["name"].string ?? "", reference["uid"].string ?? "")
        guard !name.isEmpty, try objects.list(kind.resource, fields: "metadata.name=\(name)").contains(where: { $0.uid == uid }) else {
            return
        }
        let owner =
            "[\(reference["apiVersion"].string ?? "")/\(reference["kind"].string ?? ""), namespace: \(dependent.namespace), name: \(name), uid: \(uid)]"
        objects.event(
            dependent, .warning, reason: "OwnerRefInvalidNamespace",
            message: "ownerRef \(owner) does not exist in namespace \"\(dependent.namespace)\"")
    }
}

extension ServedKinds {
    /// The kind of an object as the cache has it; `nil` where there is no such kind.
    func stored(of object: Value) -> ServedKind? { GroupVersionKind(of: object).flatMap { stored($0) } }
}

extension Value {
    var uid: String { self["metadata"]["uid"].string ?? "" }
    var name: String { self["metadata"]["name"].string ?? "" }
    var namespace: String { self["metadata"]["namespace"].string ?? "" }
}
