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
            manifest.for.compactMap { resource in Catalogue.builtin.resource(resource).map { ("\($0.group)/\($0.kind)", resource) } }, uniquingKeysWith: { first, _ in first })
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

    /// The controllers of the object before and after: one that lost it wants to know, too.
    func owners(_ before: Object?, _ after: Object?) -> [ControllerKey] {
        var keys: [ControllerKey] = []
        for object in [before, after].compactMap({ $0 }) {
            let reference = object.controllerReference
            guard let version = GroupVersion(reference["apiVersion"].string ?? ""), let resource = primaries["\(version.group)/\(reference["kind"].string ?? "")"] else { continue }
            let key = ControllerKey(resource: resource, namespace: object.namespace, name: reference["name"].string ?? "", uid: reference["uid"].string ?? "")
            if !keys.contains(key) { keys.append(key) }
        }
        return keys
    }

    /// Everything whose place in the tree of owners changed: the object, when its owners or its own deletion changed; the dependents of an object that goes; the owners of a
    /// dependent that went.
    func ownership(_ resource: GroupVersionResource, _ before: Object?, _ after: Object?) -> [ControllerKey] {
        var keys: [ControllerKey] = []
        if let after {
            let metadata = after.metadata
            let old = before?.metadata ?? .null
            let hasOwners = !metadata["ownerReferences"].isEmpty && metadata["ownerReferences"] != old["ownerReferences"]
            let isGoing = !metadata["deletionTimestamp"].isNull && (old["deletionTimestamp"].isNull || metadata["finalizers"] != old["finalizers"])
            if hasOwners || isGoing { keys.append(Self.key(resource, after)) }
            guard isGoing else { return keys }
        }
        guard let object = after ?? before else { return keys }
        keys += cache.dependents(of: object.uid).map { Self.key($0.resource, $0.object) }
        if after == nil {
            for reference in object.metadata["ownerReferences"].elements {
                guard let version = GroupVersion(reference["apiVersion"].string ?? ""),
                    let type = Catalogue.builtin.resource(GroupVersionKind(group: version.group, version: version.version, kind: reference["kind"].string ?? ""))
                else { continue }
                keys.append(
                    ControllerKey(
                        resource: type.groupVersionResource, namespace: type.isNamespaced ? object.namespace : "", name: reference["name"].string ?? "",
                        uid: reference["uid"].string ?? ""))
            }
        }
        return keys
    }
}
