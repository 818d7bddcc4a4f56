internal import APIModel
internal import PluginKit

/// Deletes what belongs to owners that are gone, and carries out foreground and orphaning deletions.
///
/// Rules: upstream `pkg/controller/garbagecollector`. The host's `Ownership` mapping queues an object when its owners or its own deletion
/// changed, the dependents of an object that goes, and the owners of a dependent that went; so each look is at one object and its
/// neighbours, and no graph is kept here.
struct GarbageCollectorController: Controller {
    private static let foreground = "foregroundDeletion"
    private static let orphan = "orphan"

    private let objects: Objects

    init(_ host: Host, config: Value) { objects = host.objects }

    func reconcile(_ key: Key) throws -> Outcome {
        guard let resource = GroupVersionResource(key.resource),
            let object = try objects.get(resource, namespace: key.namespace, name: key.name)
        else { return .done }
        let finalizers = object["metadata"]["finalizers"].elements.compactMap(\.string)
        if !object["metadata"]["deletionTimestamp"].isNull {
            if finalizers.contains(Self.orphan) { return try orphanDependents(of: object, resource) }
            if finalizers.contains(Self.foreground) { return try deleteDependents(of: object, resource) }
            return .done
        }
        return try checkOwners(of: object, resource)
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
            guard let kind = self.resource(of: dependent) else { continue }
            try delete(dependent, kind, propagation: "Foreground")
        }
        if blocking.isEmpty { try removeFinalizer(Self.foreground, from: owner, resource) }
        return .done
    }

    private func checkOwners(of object: Value, _ resource: GroupVersionResource) throws -> Outcome {
        let references = object["metadata"]["ownerReferences"].elements
        guard !references.isEmpty else { return .done }
        var solid: [String] = []
        var dangling: [String] = []
        var waiting: [String] = []
        for reference in references {
            let uid = reference["uid"].string ?? ""
            guard let owner = try owner(reference, namespace: object["metadata"]["namespace"].string ?? "") else {
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

    /// The owner a reference names, `nil` when it is gone for certain: absence is believed only of the API itself, never of a cache. A kind
    /// this cluster does not have cannot be judged, so its objects stay.
    private func owner(_ reference: Value, namespace: String) throws -> Value? {
        guard let version = GroupVersion(reference["apiVersion"].string ?? ""), let name = reference["name"].string,
            let kind = reference["kind"].string,
            let type = Catalogue.builtin.resource(GroupVersionKind(group: version.group, version: version.version, kind: kind))
        else { return reference }
        // A namespaced owner of a cluster-scoped object cannot be looked up: the reference is a mistake, and no reason to delete.
        guard !type.isNamespaced || !namespace.isEmpty else { return reference }
        let scope = type.isNamespaced ? namespace : ""
        let resource = type.groupVersionResource
        if let cached = try objects.get(resource, namespace: scope, name: name), cached["metadata"]["uid"] == reference["uid"] {
            return cached
        }
        guard let live = try objects.fetch(resource, namespace: scope, name: name), live["metadata"]["uid"] == reference["uid"] else {
            return nil
        }
        return live
    }

    private func removeOwners(_ uids: [String], from object: Value) throws {
        guard let resource = resource(of: object) else { return }
        let references = uids.map { uid -> Value in ["$patch": "delete", "uid": .string(uid)] }
        let metadata = object["metadata"]
        do {
            try objects.patch(
                resource, namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? "", .strategic,
                ["metadata": ["ownerReferences": .array(references), "uid": metadata["uid"]]])
        } catch let error as APIError where error.reason == .notFound {}
    }

    private func removeFinalizer(_ finalizer: String, from object: Value, _ resource: GroupVersionResource) throws {
        let metadata = object["metadata"]
        let rest = metadata["finalizers"].elements.filter { $0.string != finalizer }
        do {
            // With the resourceVersion, so that a finalizer added meanwhile is not lost.
            try objects.patch(
                resource, namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? "", .merge,
                ["metadata": ["finalizers": .array(rest), "resourceVersion": metadata["resourceVersion"]]])
        } catch let error as APIError where error.reason == .notFound {}
    }

    private func delete(_ object: Value, _ resource: GroupVersionResource, propagation: String) throws {
        let metadata = object["metadata"]
        do {
            try objects.delete(
                resource, namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? "",
                options: [
                    "propagationPolicy": .string(propagation),
                    "preconditions": ["uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]],
                ])
        } catch let error as APIError where error.reason == .notFound {
        }
    }

    private func resource(of object: Value) -> GroupVersionResource? {
        GroupVersionKind(of: object).flatMap { Catalogue.builtin.resource($0)?.groupVersionResource }
    }
}
