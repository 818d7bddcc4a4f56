internal import APIModel
internal import Client
internal import PluginHost

/// From a changed object to the keys of the controllers that care: the mappings that need no plugin.
struct KeyMapping {
    /// The kinds a controller is for, by group and kind: an owner reference names those.
    private let primaries: [String: GroupVersionResource]
    private let first: GroupVersionResource?
    private let cache: Cache

    init(_ manifest: ControllerManifest, cache: Cache) {
        self.cache = cache
        first = manifest.for.first
        primaries = Dictionary(
            manifest.for.compactMap { resource in Catalogue.builtin.resource(resource).map { ("\($0.group)/\($0.kind)", resource) } },
            uniquingKeysWith: { first, _ in first })
    }

    static func key(_ resource: GroupVersionResource, _ object: Object) -> ControllerKey {
        ControllerKey(resource: resource, namespace: object.namespace, name: object.name, uid: object.uid)
    }

    /// The object itself, by the name of the first kind the controller is for.
    func sameName(_ object: Object) -> [ControllerKey] {
        guard let first else { return [] }
        // A cluster-scoped kind has no namespace, whatever the watched object's is.
        let isNamespaced = Catalogue.builtin.resource(first)?.isNamespaced ?? true
        return [ControllerKey(resource: first, namespace: isNamespaced ? object.namespace : "", name: object.name, uid: "")]
    }

    /// The controllers of the object before and after, for one that lost it wants to know, too; where nobody controls it, all that could
    /// adopt it.
    func owners(_ before: Object?, _ after: Object?) -> [ControllerKey] {
        var keys: [ControllerKey] = []
        for object in [before, after].compactMap({ $0 }) {
            let reference = object.controllerReference
            guard let version = GroupVersion(reference["apiVersion"].string ?? ""),
                let resource = primaries["\(version.group)/\(reference["kind"].string ?? "")"]
            else { continue }
            let key = ControllerKey(
                resource: resource, namespace: object.namespace, name: reference["name"].string ?? "", uid: reference["uid"].string ?? "")
            if !keys.contains(key) { keys.append(key) }
        }
        if let after, after.controllerReference.isNull, !after.isBeingDeleted { keys += adopters(before, after) }
        return keys
    }

    /// The objects whose selector matches an orphan that is new, was relabelled or has just lost its controller.
    private func adopters(_ before: Object?, _ orphan: Object) -> [ControllerKey] {
        if let before, before.controllerReference.isNull, before.metadata["labels"] == orphan.metadata["labels"] { return [] }
        let labels = orphan.labels
        return primaries.values.flatMap { resource in
            cache.list(resource, namespace: orphan.namespace).filter { candidate in
                let selector = candidate.value["spec"]["selector"]
                // A LabelSelector, which a Service for example does not have.
                guard !selector["matchLabels"].isNull || !selector["matchExpressions"].isNull else { return false }
                return (try? LabelSelector(selector))?.matches(labels) == true
            }.map { Self.key(resource, $0) }
        }
    }

    /// Everything whose place in the tree of owners changed: the object, when its owners or its own deletion changed; the dependents of an
    /// object that goes; the owners of a dependent that went or was let go, which may have waited for that.
    func ownership(_ resource: GroupVersionResource, _ before: Object?, _ after: Object?) -> [ControllerKey] {
        var keys: [ControllerKey] = []
        if let after {
            let metadata = after.metadata
            let old = before?.metadata ?? .null
            let hasOwners = !metadata["ownerReferences"].isEmpty && metadata["ownerReferences"] != old["ownerReferences"]
            let isGoing =
                !metadata["deletionTimestamp"].isNull && (old["deletionTimestamp"].isNull || metadata["finalizers"] != old["finalizers"])
            if hasOwners || isGoing { keys.append(Self.key(resource, after)) }
            let now = metadata["ownerReferences"].elements
            keys += owners(of: after, old["ownerReferences"].elements.filter { !now.contains($0) })
            guard isGoing else { return keys }
        }
        guard let object = after ?? before else { return keys }
        keys += cache.dependents(of: object.uid).map { Self.key($0.resource, $0.object) }
        if after == nil { keys += owners(of: object, object.metadata["ownerReferences"].elements) }
        return keys
    }

    private func owners(of object: Object, _ references: [Value]) -> [ControllerKey] {
        references.compactMap { reference in
            guard let version = GroupVersion(reference["apiVersion"].string ?? ""),
                let type = Catalogue.builtin.resource(
                    GroupVersionKind(group: version.group, version: version.version, kind: reference["kind"].string ?? ""))
            else { return nil }
            return ControllerKey(
                resource: type.groupVersionResource, namespace: type.isNamespaced ? object.namespace : "",
                name: reference["name"].string ?? "",
                uid: reference["uid"].string ?? "")
        }
    }
}
