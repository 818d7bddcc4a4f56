internal import APIModel
internal import PluginAPI
internal import Synchronization

/// The kinds of a host in memory: the built-in ones, and those that a test adds.
struct TestKinds {
    private var generation: Int64 = 1
    private var custom: [ServedKind] = []

    mutating func serve(_ custom: [ServedKind]) {
        generation += 1
        self.custom = custom
    }

    static let table = constant(
        apus_host_kinds(
            size: UInt32(MemoryLayout<apus_host_kinds>.size),
            list: { me, generation, sink in
                let kinds = instance(me, as: TestHost.self).kinds.withLock { $0 }
                guard generation.pointee != kinds.generation else { return APUS_OK }
                generation.pointee = kinds.generation
                for kind in builtin + kinds.custom { kind.withC { sink.pointee.next(sink.pointee.context, $0) } }
                return APUS_OK
            }))

    private static let builtin = Kinds.builtin.resources.map { type in
        let stored = Kinds.builtin.stored(type)
        return ServedKind(
            resource: type.groupVersionResource, kind: type.kind, isNamespaced: type.isNamespaced,
            isStored: stored.groupVersionResource == type.groupVersionResource, isScalable: type.subresource("scale") != nil,
            verbs: ServedKind.Verbs(type.verbs.compactMap { verbs[$0] }))
    }

    private static let verbs: [String: ServedKind.Verbs] = [
        "get": .get, "list": .list, "watch": .watch, "create": .create, "update": .update, "patch": .patch, "delete": .delete,
        "deletecollection": .deleteCollection,
    ]
}

extension TestHost {
    /// Lets these kinds be served beside the built-in ones, and no others. A test then calls the component's `mapKinds`.
    public func serve(_ custom: [ServedKind]) { kinds.withLock { $0.serve(custom) } }
}

extension ServedKind {
    fileprivate func withC(_ body: (UnsafePointer<apus_kind>) -> Void) {
        resource.description.withBorrowed { name in
            resource.group.withBorrowed { group in
                resource.version.withBorrowed { version in
                    kind.withBorrowed { kind in
                        var lent = apus_kind(
                            size: UInt32(MemoryLayout<apus_kind>.size),
                            flags: (isNamespaced ? APUS_KIND_NAMESPACED : 0) | (isStored ? APUS_KIND_STORED : 0)
                                | (isScalable ? APUS_KIND_SCALABLE : 0),
                            verbs: verbs.rawValue, reserved: 0, resource: name, group: group, version: version, kind: kind)
                        body(&lent)
                    }
                }
            }
        }
    }
}
