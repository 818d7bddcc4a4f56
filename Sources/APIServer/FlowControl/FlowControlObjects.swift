import APIModel
import Store

/// Keeps the flows and priority levels that every cluster has, as upstream does: what is mandatory is as it must be, what is suggested as long
/// as its annotation says that it is this server's to keep, and what an older server left behind goes.
struct FlowControlObjects: Sendable {
    private static let shares = ["nominalConcurrencyShares", "lendablePercent"]

    let registry: Registry

    /// - Throws: what the writes do.
    func keep() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for object in FlowControlBootstrap.suggested { group.addTask { try await keep(object, isMandatory: false) } }
            for object in FlowControlBootstrap.mandatory { group.addTask { try await keep(object, isMandatory: true) } }
            try await group.waitForAll()
        }
        for kind in ["FlowSchema", "PriorityLevelConfiguration"] { try await removeFormer(kind) }
    }

    private func storage(_ kind: String) throws -> Storage {
        let kind = GroupVersionKind(group: "flowcontrol.apiserver.k8s.io", version: "v1", kind: kind)
        guard let type = registry.served.kinds.resource(kind), let storage = registry.served.storage(type.groupVersionResource) else {
            throw APIError.internalError("the catalogue lacks \(kind.kind)")
        }
        return storage
    }

    private func keep(_ object: Value, isMandatory: Bool) async throws {
        let storage = try storage(object["kind"].string ?? "")
        let target = Target(storage: storage, namespace: "", name: object[path: "metadata", "name"].string ?? "")
        let write = WriteContext(registry, user: .apiserver)
        guard let existing = registry.store.get(target.key)?.object.value else {
            _ = try await registry.create(target, object, write)
            return
        }
        let wanted = try await registry.complete(object, storage)["spec"]
        guard Self.revised(existing, wanted: wanted, isMandatory: isMandatory) != existing else { return }
        do {
            _ = try await registry.modify(target, write) { Self.revised($0, wanted: wanted, isMandatory: isMandatory) }
        } catch let error as APIError where error.reason == .notFound {
            return  // gone in between: the next time makes it again
        }
    }

    /// What an object should be, given what it is.
    static func revised(_ existing: Value, wanted: Value, isMandatory: Bool) -> Value {
        let told = isKept(existing)
        // Without a word about it, what nobody has changed.
        let isOurs = isMandatory || told ?? (existing[path: "metadata", "generation"] == 1)
        var revised = existing
        if isOurs {
            revised["spec"] = wanted
            // Of what is exempt, an administrator says how much is lent.
            if existing["spec"]["type"] == "Exempt", !existing["spec"]["exempt"].isNull {
                for field in shares { revised["spec"]["exempt"][field] = existing["spec"]["exempt"][field] }
            }
        }
        if told != isOurs { revised["metadata"]["annotations"][FlowControlBootstrap.autoupdate] = isOurs ? "true" : "false" }
        return revised
    }

    /// What the annotation says; `nil` for nothing that can be understood.
    private static func isKept(_ object: Value) -> Bool? {
        switch object[path: "metadata", "annotations"][FlowControlBootstrap.autoupdate].string {
        case "1", "t", "T", "true", "True", "TRUE": true
        case "0", "f", "F", "false", "False", "FALSE": false
        default: nil
        }
    }

    private func removeFormer(_ kind: String) async throws {
        let storage = try storage(kind)
        let wanted = Set(
            (FlowControlBootstrap.mandatory + FlowControlBootstrap.suggested).filter { $0["kind"].string == kind }
                .compactMap { $0[path: "metadata", "name"].string })
        for object in registry.all(storage.collection) where !wanted.contains(object.name) && Self.isKept(object.value) == true {
            let target = Target(storage: storage, namespace: "", name: object.name)
            var options = DeleteOptions()
            // Whoever takes it over in between keeps it.
            options.resourceVersion = object.value[path: "metadata", "resourceVersion"].string
            do {
                _ = try await registry.delete(target, options, WriteContext(registry, user: .apiserver))
            } catch let error as APIError where error.reason == .notFound || error.reason == .conflict {
                continue
            }
        }
    }
}
