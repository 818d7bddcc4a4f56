import APIModel
import Synchronization

/// Who names whom as an owner, over all kinds of a cache.
final class OwnerIndex: Sendable {
    private struct Dependent: Sendable {
        var resource: GroupVersionResource
        var object: Object
    }

    /// By the owner's uid, then the dependent's.
    private let dependents = Mutex<[String: [String: Dependent]]>([:])

    func dependents(of uid: String) -> [(resource: GroupVersionResource, object: Object)] {
        dependents.withLock { $0[uid]?.values.map { ($0.resource, $0.object) } ?? [] }
    }

    func update(_ resource: GroupVersionResource, before: Object?, after: Object?) {
        let old = before.map(Self.owners) ?? []
        let new = after.map(Self.owners) ?? []
        guard !old.isEmpty || !new.isEmpty else { return }
        dependents.withLock { dependents in
            if let before {
                for owner in old where after?.uid != before.uid || !new.contains(owner) {
                    dependents[owner]?.removeValue(forKey: before.uid)
                    if dependents[owner]?.isEmpty == true { dependents.removeValue(forKey: owner) }
                }
            }
            if let after { for owner in new { dependents[owner, default: [:]][after.uid] = Dependent(resource: resource, object: after) } }
        }
    }

    private static func owners(_ object: Object) -> [String] { object.metadata["ownerReferences"].elements.compactMap { $0["uid"].string } }
}
