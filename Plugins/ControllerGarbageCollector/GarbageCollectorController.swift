internal import APIModel
internal import PluginKit
internal import Synchronization

/// Deletes what belongs to owners that are gone, and carries out foreground and orphaning deletions.
///
/// Rules: upstream `pkg/controller/garbagecollector`. The host's `Ownership` mapping queues an object when its owners or its own deletion
/// changed, the dependents of an object that goes, and the owners of a dependent that went; so each look is at one object and its
/// neighbours, and no graph is kept here.
final class GarbageCollectorController: Controller {
    private static let foreground = "foregroundDeletion"
    private static let orphan = "orphan"

    private let objects: Objects
    private let kinds: HostKinds
    /// Objects with an owner of a kind that there is not, or not yet.
    private let unjudged = Mutex<Set<Key>>([])

    init(_ host: Host, config: Value) {
        objects = host.objects
        kinds = host.kinds
    }

    /// With other kinds there may be owners that could not be looked up before.
    func mapKinds() -> [Key] {
        unjudged.withLock { unjudged in
            defer { unjudged = [] }
            return Array(unjudged)
        }
    }

    func reconcile(_ key: Key) throws -> Outcome {
        unjudged.withLock { _ = $0.remove(key.withoutUID) }
        guard let resource = GroupVersionResource(key.resource),
            let object = try objects.get(resource, namespace: key.namespace, name: key.name)
        else { return .done }
        let finalizers = object["metadata"]["finalizers"].elements.compactMap(\.string)
        if !object["metadata"]["deletionTimestamp"].isNull {
            if finalizers.contains(Self.orphan) { return try orphanDependents(of: object, resource) }
            if finalizers.contains(Self.foreground) { return try deleteDependents(of: object, resource) }
            return .done
        }
        return try checkOwners(of: object, resource, key)
    }

    private func orphanDependents(of owner: Value, _ resource: GroupVersionResource) throws -> Outcome {
        let uid = owner["metadata"]["uid"].string ?? ""
        for dependent in try objects.dependents(of: uid) { try removeOwners([uid], from: dependent) }
        try removeFinalizer(Self.orphan, from: owner, resource)
        return .done
    }

    /// The owner stays until the dependents that block it are gone.
    private func deleteDependents(of owner: Value, _ resource: GroupVersionResource) throws -> Outcome {
        let uid = owner["metadata"]["uid"]
        let blocking = try objects.dependents(of: uid.string ?? "").filter { dependent in
            dependent["metadata"]["ownerReferences"].elements.contains { $0["uid"] == uid && $0["blockOwnerDeletion"].bool == true }
        }
        for dependent in blocking where dependent["metadata"]["deletionTimestamp"].isNull {
            guard let kind = try served(dependent) else { continue }
            try delete(dependent, kind.resource, propagation: "Foreground")
        }
        if blocking.isEmpty { try removeFinalizer(Self.foreground, from: owner, resource) }
        return .done
    }

    private func checkOwners(of object: Value, _ resource: GroupVersionResource, _ key: Key) throws -> Outcome {
        let references = object["metadata"]["ownerReferences"].elements
        guard !references.isEmpty else { return .done }
        var solid: [String] = []
        var dangling: [String] = []
        var waiting: [String] = []
        for reference in references {
            let uid = reference["uid"].string ?? ""
            guard let kind = try served(reference) else {
                unjudged.withLock { _ = $0.insert(key.withoutUID) }
                solid.append(uid)
                continue
            }
            guard let owner = try owner(reference, kind, namespace: object["metadata"]["namespace"].string ?? "") else {
                dangling.append(uid)
                continue
            }
            let finalizers = owner["metadata"]["finalizers"].elements.compactMap(\.string)
            if !owner["metadata"]["deletionTimestamp"].isNull, finalizers.contains(Self.foreground) {
                waiting.append(uid)
            } else {
                solid.append(uid)
            }
        }
        if !solid.isEmpty {
            if !dangling.isEmpty || !waiting.isEmpty { try removeOwners(dangling + waiting, from: object) }
            return .done
        }
        let hasDependents = try !waiting.isEmpty && !objects.dependents(of: object["metadata"]["uid"].string ?? "").isEmpty
        let finalizers = object["metadata"]["finalizers"].elements.compactMap(\.string)
        let propagation =
            hasDependents || finalizers.contains(Self.foreground)
            ? "Foreground" : finalizers.contains(Self.orphan) ? "Orphan" : "Background"
        try delete(object, resource, propagation: propagation)
        return .done
    }

    /// The owner a reference names, `nil` when it is gone for certain: absence is believed only of the API itself, never of a cache.
    private func owner(_ reference: Value, _ kind: ServedKind, namespace: String) throws -> Value? {
        // A namespaced owner of a cluster-scoped object cannot be looked up: the reference is a mistake, and no reason to delete.
        guard let name = reference["name"].string, !kind.isNamespaced || !namespace.isEmpty else { return reference }
        let scope = kind.isNamespaced ? namespace : ""
        let resource = kind.resource
        if let cached = try objects.get(resource, namespace: scope, name: name), cached["metadata"]["uid"] == reference["uid"] {
            return cached
        }
        guard let live = try objects.fetch(resource, namespace: scope, name: name), live["metadata"]["uid"] == reference["uid"] else {
            return nil
        }
        return live
    }

    private func removeOwners(_ uids: [String], from object: Value) throws {
        guard let kind = try served(object) else { return }
        let metadata = object["metadata"]
        let rest = metadata["ownerReferences"].elements.filter { !uids.contains($0["uid"].string ?? "") }
        do {
            // A merge patch, because custom kinds take no strategic one; with the resourceVersion, so that a reference added meanwhile is
            // not lost.
            try objects.patch(
                kind.resource, namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? "", .merge,
                ["metadata": ["ownerReferences": .array(rest)]], with: Self.sameAs(object))
        } catch let error as APIError where error.reason == .notFound {}
    }

    private func removeFinalizer(_ finalizer: String, from object: Value, _ resource: GroupVersionResource) throws {
        let metadata = object["metadata"]
        let rest = metadata["finalizers"].elements.filter { $0.string != finalizer }
        do {
            // So that a finalizer added meanwhile is not lost.
            try objects.patch(
                resource, namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? "", .merge,
                ["metadata": ["finalizers": .array(rest)]], with: Self.sameAs(object))
        } catch let error as APIError where error.reason == .notFound {}
    }

    private func delete(_ object: Value, _ resource: GroupVersionResource, propagation: String) throws {
        let metadata = object["metadata"]
        do {
            try objects.delete(
                resource, namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? "",
                options: ["propagationPolicy": .string(propagation)], with: Self.sameAs(object))
        } catch let error as APIError where error.reason == .notFound {
        }
    }

    /// The write is refused when the object is another than this one by now.
    private static func sameAs(_ object: Value) -> WriteOptions {
        WriteOptions(
            uid: object["metadata"]["uid"].string ?? "", resourceVersion: object["metadata"]["resourceVersion"].string ?? "")
    }

    /// The kind of an object, or the one that an owner reference names, as the cache has it; `nil` where there is no such kind.
    private func served(_ object: Value) throws -> ServedKind? {
        guard let kind = GroupVersionKind(of: object) else { return nil }
        return try kinds.current.stored(kind)
    }
}

extension Key {
    fileprivate var withoutUID: Key { Key(resource: resource, namespace: namespace, name: name) }
}
