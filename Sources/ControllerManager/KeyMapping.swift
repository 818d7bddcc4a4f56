internal import APIModel
internal import Client
internal import PluginHost

/// From a changed object to the keys of the controllers that care: the mappings that need no plugin. Each costs what it finds.
struct KeyMapping {
    private let primaries: [GroupVersionResource]
    private let kinds: Kinds
    private let cache: Cache

    /// - Parameter cache: has the indexes that the manifest needs.
    init(_ manifest: ControllerManifest, _ kinds: Kinds, _ cache: Cache) {
        primaries = manifest.for
        self.kinds = kinds
        self.cache = cache
    }

    static func key(_ resource: GroupVersionResource, _ object: Object) -> ControllerKey {
        ControllerKey(resource: resource, namespace: object.namespace, name: object.name, uid: object.uid)
    }

    /// None for `.plugin`, which the plugin itself maps.
    func keys(_ mapping: ControllerManifest.Mapping, _ resource: GroupVersionResource, _ before: Object?, _ after: Object?)
        -> [ControllerKey]
    {
        let objects = [before, after].compactMap { $0 }
        switch mapping {
        case .plugin: return []
        case .sameName: return objects.last.map { named($0.name, in: $0) } ?? []
        case .owner(through: nil): return owners(before, after)
        case .owner(through: let between?): return owners(objects, through: between)
        case .ownership: return ownership(resource, before, after)
        case .selector(let path): return Self.distinct(objects.flatMap { selecting($0, path) })
        case .index(let path): return objects.last.map { referring(to: $0, path) } ?? []
        case .field(let path):
            return Self.distinct(objects.flatMap { object in path.texts(in: object.value).flatMap { named($0, in: object) } })
        }
    }

    // MARK: The first kind

    private func named(_ name: String, in object: Object) -> [ControllerKey] {
        guard let first = primaries.first, !name.isEmpty else { return [] }
        // A cluster-scoped kind has no namespace, whatever the watched object's is.
        let isNamespaced = kinds.resource(first)?.isNamespaced ?? true
        return [ControllerKey(resource: first, namespace: isNamespaced ? object.namespace : "", name: name)]
    }

    private func selecting(_ object: Object, _ path: ObjectPath) -> [ControllerKey] {
        guard let first = primaries.first else { return [] }
        let found = cache.selecting(first, namespace: object.namespace, path, object.labels) ?? []
        return found.map { Self.key(first, $0) }
    }

    private func referring(to object: Object, _ path: ObjectPath) -> [ControllerKey] {
        guard let first = primaries.first else { return [] }
        let namespace = object.namespace.isEmpty ? nil : object.namespace
        return (cache.list(first, namespace: namespace, where: .field(path), is: object.name) ?? []).map { Self.key(first, $0) }
    }

    // MARK: Owners

    /// The controllers of the object before and after, for one that lost it wants to know, too; where nobody controls it, all that could
    /// adopt it.
    private func owners(_ before: Object?, _ after: Object?) -> [ControllerKey] {
        var keys = Self.distinct([before, after].compactMap { $0 }.compactMap { controller(of: $0) })
        if let after, after.controllerReference.isNull, !after.isBeingDeleted { keys += adopters(before, after) }
        return keys
    }

    /// As above, also where an object of the kind `between` stands between the two.
    private func owners(_ objects: [Object], through between: GroupVersionResource) -> [ControllerKey] {
        Self.distinct(
            objects.compactMap { object -> ControllerKey? in
                if let key = controller(of: object) { return key }
                let reference = object.controllerReference
                guard let type = kinds.resource(between), Self.isKind(type, reference),
                    let owner = cache.get(
                        between, namespace: type.isNamespaced ? object.namespace : nil, name: reference["name"].string ?? ""),
                    owner.uid == reference["uid"].string
                else { return nil }
                return controller(of: owner)
            })
    }

    /// The key of the object's controller, if that is of a kind the manifest is for. Its version may be another.
    private func controller(of object: Object) -> ControllerKey? {
        let reference = object.controllerReference
        guard !reference.isNull,
            let type = primaries.lazy.compactMap({ kinds.resource($0) }).first(where: { Self.isKind($0, reference) })
        else { return nil }
        return Self.key(type, reference, of: object)
    }

    private static func isKind(_ type: ResourceType, _ reference: Value) -> Bool {
        GroupVersion(reference["apiVersion"].string ?? "")?.group == type.group && reference["kind"].string == type.kind
    }

    private static func key(_ type: ResourceType, _ reference: Value, of object: Object) -> ControllerKey {
        ControllerKey(
            resource: type.groupVersionResource, namespace: type.isNamespaced ? object.namespace : "", name: reference["name"].string ?? "",
            uid: reference["uid"].string ?? "")
    }

    /// The objects whose selector matches an orphan that is new, was relabelled or has just lost its controller.
    private func adopters(_ before: Object?, _ orphan: Object) -> [ControllerKey] {
        if let before, before.controllerReference.isNull, before.metadata["labels"] == orphan.metadata["labels"] { return [] }
        return primaries.flatMap { resource in
            (cache.selecting(resource, namespace: orphan.namespace, ControllerManifest.selector, orphan.labels) ?? []).map {
                Self.key(resource, $0)
            }
        }
    }

    // MARK: Ownership

    /// Everything whose place in the tree of owners changed: the object, when its owners or its own deletion changed; the dependents of an
    /// object that goes; the owners of a dependent that went or was let go, which may have waited for that.
    private func ownership(_ resource: GroupVersionResource, _ before: Object?, _ after: Object?) -> [ControllerKey] {
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

    /// The owners that `references` of the object name, in the version that the cache has them in.
    private func owners(of object: Object, _ references: [Value]) -> [ControllerKey] {
        references.compactMap { reference -> ControllerKey? in
            guard let version = GroupVersion(reference["apiVersion"].string ?? ""),
                let type = kinds.resource(
                    GroupVersionKind(group: version.group, version: version.version, kind: reference["kind"].string ?? ""))
            else { return nil }
            return Self.key(kinds.stored(type), reference, of: object)
        }
    }

    /// Each key once, in the order of the first.
    private static func distinct(_ keys: [ControllerKey]) -> [ControllerKey] {
        var seen: Set<ControllerKey> = []
        return keys.count < 2 ? keys : keys.filter { seen.insert($0).inserted }
    }
}
