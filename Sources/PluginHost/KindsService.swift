internal import APIModel
internal import PluginAPI
internal import Synchronization

/// `apus.host.kinds/1` for one component.
final class KindsService: Sendable {
    private let source = Mutex<(any KindSource)?>(nil)
    private let violations: Tally

    init(violations: Tally) { self.violations = violations }

    /// Calls work from now on. Before this they answer UNAVAILABLE.
    func open(_ kinds: any KindSource) { source.withLock { $0 = kinds } }

    func makeTable() -> UnsafeRawPointer {
        hostTable(Signatures.hostKinds, [list], onMisuse: { [violations] in violations.add("kinds.\($0)") })
    }

    private func list(_ frame: CallFrame) -> CallResult {
        guard let source = source.withLock({ $0 }) else {
            violations.add("kinds.list was called before start")
            return .status(APUS_UNAVAILABLE)
        }
        let kinds = source.kinds
        let generation = frame.mutablePointer(1, to: Int64.self)
        let isKnown = generation.pointee == kinds.generation
        generation.pointee = kinds.generation
        guard !isKnown else { return .status(APUS_OK) }
        let sink = frame.pointer(2, to: apus_kind_sink.self).pointee
        for type in kinds.resources { type.lend(isStored: kinds.stores(type)) { sink.next(sink.context, $0) } }
        return .status(APUS_OK)
    }
}

extension Kinds {
    /// As plugins count: from 1 on, so that zero stands for none.
    var generation: Int64 { Int64(clamping: version) &+ 1 }

    /// Whether objects are kept in this version.
    func stores(_ type: ResourceType) -> Bool { stored(type).groupVersionResource == type.groupVersionResource }
}

extension ResourceType {
    fileprivate func lend(isStored: Bool, _ body: (UnsafePointer<apus_kind>) -> Void) {
        groupVersionResource.description.withBorrowed { resource in
            group.withBorrowed { group in
                version.withBorrowed { version in
                    kind.withBorrowed { kind in
                        var lent = apus_kind(
                            size: UInt32(MemoryLayout<apus_kind>.size),
                            flags: (isNamespaced ? APUS_KIND_NAMESPACED : 0) | (isStored ? APUS_KIND_STORED : 0)
                                | (subresource("scale") == nil ? 0 : APUS_KIND_SCALABLE),
                            verbs: verbs.reduce(0) { $0 | (verbBits[$1] ?? 0) }, reserved: 0, resource: resource, group: group,
                            version: version, kind: kind)
                        body(&lent)
                    }
                }
            }
        }
    }
}

private let verbBits: [String: UInt32] = [
    "get": APUS_VERB_GET, "list": APUS_VERB_LIST, "watch": APUS_VERB_WATCH, "create": APUS_VERB_CREATE, "update": APUS_VERB_UPDATE,
    "patch": APUS_VERB_PATCH, "delete": APUS_VERB_DELETE, "deletecollection": APUS_VERB_DELETE_COLLECTION,
]
