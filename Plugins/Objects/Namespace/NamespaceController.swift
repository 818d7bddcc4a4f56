public import APIModel
public import PluginKit
internal import Synchronization

/// Empties a namespace that is being deleted, then lets it go.
///
/// Rules: upstream `pkg/controller/namespace/deletion`. Pods go first: what they mount, and the policies that guard them, stay as long as
/// they run. Unlike upstream's, the conditions say so while pods remain.
public final class NamespaceController: Controller {
    private static let finalizer = "kubernetes"

    private let objects: Objects
    private let kinds: HostKinds
    /// How often each namespace was looked at, and what was left then.
    private let waits = Mutex<[String: (left: Emptying, looks: Int)]>([:])

    public init(_ host: Host, config: Value) {
        objects = host.objects
        kinds = host.kinds
    }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard let namespace = try objects.get(.namespaces, name: key.name), !namespace["metadata"]["deletionTimestamp"].isNull,
            namespace["spec"]["finalizers"].elements.contains(where: { $0.string == Self.finalizer })
        else {
            waits.withLock { _ = $0.removeValue(forKey: key.name) }
            return .done
        }
        let left = try empty(namespace)
        try report(left, of: namespace)
        guard left.isEmpty else { return .doneCheckAgain(afterMilliseconds: patience(key.name, left)) }
        return try release(key.name, namespace)
    }

    /// How soon to look again while objects are still ending: soon while something happens, then less and less often. What ends tells
    /// nobody, for the namespace watches no kind but its own.
    private func patience(_ name: String, _ left: Emptying) -> Whole {
        waits.withLock { waits in
            let looks = waits[name].map { $0.left == left ? $0.looks + 1 : 0 } ?? 0
            waits[name] = (left, looks)
            return 250 << min(looks, 5)
        }
    }

    private func release(_ name: String, _ namespace: Value) throws -> Outcome {
        var released = try objects.get(.namespaces, name: name) ?? namespace
        released["spec"]["finalizers"].elements.removeAll { $0.string == Self.finalizer }
        do {
            try objects.update(.namespaces, released, subresource: "finalize")
        } catch let error as APIError where error.reason == .notFound {
        } catch let error as APIError where error.reason == .conflict {
            return .retry
        }
        return .done
    }

    /// Deletes what the namespace has: pods, and when there are none any more all the rest. What goes wrong with one kind holds up no other.
    private func empty(_ namespace: Value) throws -> Emptying {
        let name = namespace["metadata"]["name"].string ?? ""
        let kinds = try kinds.current.all.filter { kind in
            kind.isNamespaced && kind.isStored && kind.verbs.isSuperset(of: [.list, .deleteCollection])
        }
        var left = Emptying()
        left.undiscovered = try undiscovered()
        for kind in kinds where kind.resource == .pods { try empty(kind, name, &left) }
        guard left.remaining.isEmpty, left.failures.isEmpty else { return left }
        for kind in kinds where kind.resource != .pods { try empty(kind, name, &left) }
        return left
    }

    /// The groups and versions of aggregated servers that are not well: what the namespace has there is not known.
    private func undiscovered() throws -> [String] {
        try objects.list(.apiServices).filter { !$0["spec"]["service"].isNull && !Conditions.isTrue($0["status"], type: "Available") }.map {
            GroupVersion(group: $0["spec"]["group"].string ?? "", version: $0["spec"]["version"].string ?? "").description
        }
    }

    private func empty(_ kind: ServedKind, _ namespace: String, _ left: inout Emptying) throws {
        let resource = kind.resource
        do {
            // Most kinds have nothing there, and what is going already needs no second word.
            let all = try objects.list(resource, namespace: namespace)
            guard all.contains(where: { $0["metadata"]["deletionTimestamp"].isNull }) else { return left.add(resource, all) }
            try objects.deleteCollection(resource, namespace: namespace, options: ["propagationPolicy": "Background"])
            left.add(resource, try objects.list(resource, namespace: namespace))
        } catch let error as APIError where error.reason == .notFound {
            // The kind went away meanwhile, and its objects with it.
        } catch let error as APIError {
            left.failures.append(error.message)
        }
    }

    /// Says in the status what the deletion waits for.
    private func report(_ left: Emptying, of namespace: Value) throws {
        var status = namespace["status"]
        for state in left.conditions {
            Conditions.set(&status, type: state.type, .init(state.isTrue), reason: state.reason, message: state.message)
        }
        guard status != namespace["status"] else { return }
        var changed = namespace
        changed["status"] = status
        do { try objects.updateStatus(.namespaces, changed) } catch let error as APIError where error.reason == .notFound {}
    }
}
