internal import APIModel
internal import PluginKit

/// Empties a namespace that is being deleted, then lets it go.
///
/// Rules: upstream `pkg/controller/namespace/deletion`.
struct NamespaceController: Controller {
    private static let finalizer = "kubernetes"
    /// How soon to look again while objects are still ending.
    private static let patience: Whole = 500

    /// What upstream says beside, and what cannot go wrong here: the kinds are a table, and a deletion that is refused is tried again.
    private static let successes = [
        ("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
        ("NamespaceDeletionGroupVersionParsingFailure", "ParsedGroupVersions", "All legacy kube types successfully parsed"),
        ("NamespaceDeletionContentFailure", "ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
    ]

    private let objects: Objects
    private let kinds: HostKinds

    init(_ host: Host, config: Value) {
        objects = host.objects
        kinds = host.kinds
    }

    func reconcile(_ key: Key) throws -> Outcome {
        guard let namespace = try objects.get(.namespaces, name: key.name), !namespace["metadata"]["deletionTimestamp"].isNull,
            namespace["spec"]["finalizers"].elements.contains(where: { $0.string == Self.finalizer })
        else { return .done }
        let remaining = try empty(key.name)
        try report(remaining, of: namespace)
        guard remaining.isEmpty else { return .doneCheckAgain(afterMilliseconds: Self.patience) }
        var released = try objects.get(.namespaces, name: key.name) ?? namespace
        released["spec"]["finalizers"].elements.removeAll { $0.string == Self.finalizer }
        do {
            try objects.update(.namespaces, released, subresource: "finalize")
        } catch let error as APIError where error.reason == .notFound {
        } catch let error as APIError where error.reason == .conflict {
            return .retry
        }
        return .done
    }

    /// Deletes everything in the namespace. Returns how many objects of each kind were found: none when it is empty.
    private func empty(_ namespace: String) throws -> [(resource: GroupVersionResource, objects: [Value])] {
        var remaining: [(resource: GroupVersionResource, objects: [Value])] = []
        for kind in try kinds.current.all where kind.isNamespaced && kind.isStored && kind.verbs.isSuperset(of: [.list, .delete]) {
            let resource = kind.resource
            let found = try objects.list(resource, namespace: namespace)
            guard !found.isEmpty else { continue }
            remaining.append((resource, found))
            for object in found where object["metadata"]["deletionTimestamp"].isNull {
                do {
                    try objects.delete(
                        resource, namespace: namespace, name: object["metadata"]["name"].string ?? "",
                        options: ["propagationPolicy": "Background"])
                } catch let error as APIError where error.reason == .notFound {
                    continue
                }
            }
        }
        return remaining
    }

    /// Says in the status what the deletion waits for.
    private func report(_ remaining: [(resource: GroupVersionResource, objects: [Value])], of namespace: Value) throws {
        var status = namespace["status"]
        let counts = remaining.map {
            "\($0.resource.resource)\($0.resource.group.isEmpty ? "." : ".\($0.resource.group)") has \($0.objects.count) resource instances"
        }
        var holders: [String: Int] = [:]
        for finalizer in remaining.flatMap({ $0.objects.flatMap { $0["metadata"]["finalizers"].elements.compactMap(\.string) } }) {
            holders[finalizer, default: 0] += 1
        }
        let holding = holders.sorted { $0.key < $1.key }.map { "\($0.key) in \($0.value) resource instances" }
        for (type, reason, message) in Self.successes { Conditions.set(&status, type: type, false, reason: reason, message: message) }
        Conditions.set(
            &status, type: "NamespaceContentRemaining", .init(!counts.isEmpty),
            reason: counts.isEmpty ? "ContentRemoved" : "SomeResourcesRemain",
            message: counts.isEmpty ? "All content successfully removed" : "Some resources are remaining: \(counts.joined(separator: ", "))"
        )
        Conditions.set(
            &status, type: "NamespaceFinalizersRemaining", .init(!holding.isEmpty),
            reason: holding.isEmpty ? "ContentHasNoFinalizers" : "SomeFinalizersRemain",
            message: holding.isEmpty
                ? "All content-preserving finalizers finished"
                : "Some content in the namespace has finalizers remaining: \(holding.joined(separator: ", "))")
        guard status != namespace["status"] else { return }
        var changed = namespace
        changed["status"] = status
        do { try objects.updateStatus(.namespaces, changed) } catch let error as APIError where error.reason == .notFound {}
    }
}
