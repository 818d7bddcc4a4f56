public import APIModel
public import PluginKit
internal import Synchronization

/// Deletes what belongs to owners that are gone, and carries out foreground and orphaning deletions.
///
/// Rules: upstream `pkg/controller/garbagecollector`. The host's `Ownership` mapping queues an object when its owners or its own deletion
/// changed, the dependents of an object that goes, and the owners of a dependent that went; so each look is at one object and its
/// neighbours, and no graph is kept here.
public final class GarbageCollectorController: Controller {
    private static let foreground = "foregroundDeletion"
    private static let orphan = "orphan"

    private let objects: Objects
    private let kinds: HostKinds
    private let owners: Owners
    /// Objects with an owner of a kind that there is not, or not yet.
    private let unjudged = Mutex<Set<Key>>([])

    public init(_ host: Host, config: Value) {
        objects = host.objects
        kinds = host.kinds
        owners = Owners(objects: host.objects, kinds: host.kinds)
    }

    /// With other kinds there may be owners that could not be looked up before.
    public func mapKinds() -> [Key] {
        unjudged.withLock { unjudged in
            defer { unjudged = [] }
            return Array(unjudged)
        }
    }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard let resource = GroupVersionResource(key.resource),
            let object = try objects.get(resource, namespace: key.namespace, name: key.name)
        else {
            unjudged.withLock { _ = $0.remove(key.withoutUID) }
            return .done
        }
        if object.isBeingDeleted {
            if object.hasFinalizer(Self.orphan) { return try orphanDependents(of: object, resource) }
            if object.hasFinalizer(Self.foreground) { return try deleteDependents(of: object, resource) }
            return .done
        }
        try judge(object, resource)
        return .done
    }

    private func orphanDependents(of owner: Value, _ resource: GroupVersionResource) throws -> Outcome {
        // One that refuses keeps the owner, but none of the others.
        let orphaned = Batches.all(try objects.dependents(of: owner.uid)) { try self.removeOwners([owner.uid], from: $0) }
        if let error = orphaned.error { throw error }
        try removeFinalizer(Self.orphan, from: owner, resource)
        return .done
    }

    /// The owner stays until the dependents that block it are gone. Each of them is judged as any other: one that has another owner, who
    /// stays, is only let go.
    private func deleteDependents(of owner: Value, _ resource: GroupVersionResource) throws -> Outcome {
        let blocking = try objects.dependents(of: owner.uid).filter { $0.blocks(owner.uid) }
        let judged = Batches.all(blocking.filter { !$0.isBeingDeleted }) { dependent in
            if let kind = try self.kinds.current.stored(of: dependent) { try self.judge(dependent, kind.resource) }
        }
        if let error = judged.error { throw error }
        if blocking.isEmpty { try removeFinalizer(Self.foreground, from: owner, resource) }
        return .done
    }

    /// Deletes an object that all owners have left, or makes it forget those that have. Where one owner cannot be judged, nothing is done.
    private func judge(_ object: Value, _ resource: GroupVersionResource) throws {
        let key = Key(resource: resource.description, namespace: object.namespace, name: object.name)
        unjudged.withLock { _ = $0.remove(key) }
        var solid: [String] = []
        var left: [String] = []
        var isAwaited = false
        for reference in object["metadata"]["ownerReferences"].elements {
            switch try owners.find(reference, of: object) {
            case .unknownKind:
                unjudged.withLock { _ = $0.insert(key) }
                return
            case .outOfReach: return
            case .absent: left.append(reference["uid"].string ?? "")
            case .there(let owner):
                if owner.isBeingDeleted, owner.hasFinalizer(Self.foreground) {
                    isAwaited = true
                    left.append(owner.uid)
                } else {
                    solid.append(owner.uid)
                }
            }
        }
        if left.isEmpty { return }
        guard solid.isEmpty else { return try removeOwners(left, from: object) }
        let dependents = isAwaited ? try objects.dependents(of: object.uid) : []
        guard !dependents.isEmpty else { return try delete(object, resource, object.propagation) }
        // In a circle each would wait for the next: one of them stops blocking its owners.
        let isCircle = dependents.contains { $0.isBeingDeleted && $0.hasFinalizer(Self.foreground) }
        try delete(isCircle ? unblockOwners(of: object, resource) : object, resource, "Foreground")
    }

    // MARK: Writing

    private func removeOwners(_ uids: [String], from object: Value) throws {
        guard let kind = try kinds.current.stored(of: object) else { return }
        try setOwners(
            object["metadata"]["ownerReferences"].elements.filter { !uids.contains($0["uid"].string ?? "") }, of: object, kind.resource)
    }

    private func unblockOwners(of object: Value, _ resource: GroupVersionResource) throws -> Value {
        let references = object["metadata"]["ownerReferences"].elements
        guard references.contains(where: { $0["blockOwnerDeletion"].bool == true }) else { return object }
        let unblocked = references.map { reference in
            var reference = reference
            if reference["blockOwnerDeletion"].bool == true { reference["blockOwnerDeletion"] = false }
            return reference
        }
        return try setOwners(unblocked, of: object, resource) ?? object
    }

    /// Returns the object as it is then, `nil` when it is gone.
    @discardableResult
    private func setOwners(_ references: [Value], of object: Value, _ resource: GroupVersionResource) throws -> Value? {
        do {
            // A merge patch, because custom kinds take no strategic one; with the resourceVersion, so that a reference added meanwhile is
            // not lost.
            return try objects.patch(
                resource, namespace: object.namespace, name: object.name, .merge, ["metadata": ["ownerReferences": .array(references)]],
                with: Self.sameAs(object))
        } catch let error as APIError where error.reason == .notFound {
            return nil
        }
    }

    private func removeFinalizer(_ finalizer: String, from object: Value, _ resource: GroupVersionResource) throws {
        let rest = object["metadata"]["finalizers"].elements.filter { $0.string != finalizer }
        do {
            // So that a finalizer added meanwhile is not lost.
            try objects.patch(
                resource, namespace: object.namespace, name: object.name, .merge, ["metadata": ["finalizers": .array(rest)]],
                with: Self.sameAs(object))
        } catch let error as APIError where error.reason == .notFound {}
    }

    private func delete(_ object: Value, _ resource: GroupVersionResource, _ propagation: String) throws {
        do {
            try objects.delete(
                resource, namespace: object.namespace, name: object.name, options: ["propagationPolicy": .string(propagation)],
                with: Self.sameAs(object))
        } catch let error as APIError where error.reason == .notFound {
        }
    }

    /// The write is refused when the object is another than this one by now.
    private static func sameAs(_ object: Value) -> WriteOptions {
        WriteOptions(preconditions: .init(uid: object.uid, resourceVersion: object["metadata"]["resourceVersion"].string))
    }
}

extension Key {
    fileprivate var withoutUID: Key { Key(resource: resource, namespace: namespace, name: name) }
}

extension Value {
    fileprivate var isBeingDeleted: Bool { !self["metadata"]["deletionTimestamp"].isNull }

    fileprivate func hasFinalizer(_ finalizer: String) -> Bool {
        self["metadata"]["finalizers"].elements.contains { $0.string == finalizer }
    }

    /// Whether its owner of this uid waits for it.
    fileprivate func blocks(_ uid: String) -> Bool {
        self["metadata"]["ownerReferences"].elements.contains { $0["uid"].string == uid && $0["blockOwnerDeletion"].bool == true }
    }

    /// As its own finalizers want it deleted.
    fileprivate var propagation: String {
        hasFinalizer("orphan") ? "Orphan" : hasFinalizer("foregroundDeletion") ? "Foreground" : "Background"
    }
}
