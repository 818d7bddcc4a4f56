import APIModel
import Client
import Logging

/// Keeps `metadata.managedFields` of objects that are written through one resource or sub-resource, and merges what is applied to them.
///
/// A write costs a comparison of the object with what it was; reads cost nothing.
struct FieldManager {
    private let ownership: FieldOwnership
    private let versions: any FieldVersions
    private let kind: GroupVersionKind
    private let target: Target
    private let write: WriteContext

    /// For the objects of a resource themselves, through the resource or one of its sub-resources.
    init(_ target: Target, _ write: WriteContext) throws(APIError) {
        try self.init(
            ResourceVersions(target: target, served: write.served, registry: write.registry), target.type.groupVersionKind, target, write)
    }

    /// For what a sub-resource shows of an object as a kind of its own.
    init(_ versions: any FieldVersions, _ kind: GroupVersionKind, _ target: Target, _ write: WriteContext) throws(APIError) {
        guard let ownership = FieldOwnership(versions, apiVersion: kind.groupVersion.description, now: Timestamp.now()) else {
            throw .internalError("no shape is known of \(kind)")
        }
        (self.ownership, self.versions, self.kind, self.target, self.write) = (ownership, versions, kind, target, write)
    }

    private func manager(_ operation: ManagedFields.Operation) -> ManagedFields.Manager {
        ManagedFields.Manager(
            write.manager, operation, apiVersion: kind.groupVersion.description, subresource: target.subresource)
    }

    // MARK: Update

    /// Brings an object's managed fields up to date.
    /// - Parameters:
    ///   - object: what is to be written; its own managed fields are a client's wish.
    ///   - old: what is there; nil for a create. Both are in the version of the write.
    func update(_ object: inout Value, old: Value?) async {
        let given = object[path: "metadata", "managedFields"]
        let present = old?[path: "metadata", "managedFields"] ?? .null
        var list = present
        // A sub-resource does not say who owns what.
        if target.subresource.isEmpty, given != present, !given.isNull {
            if ManagedFields.isReset(given) {
                list = .null
            } else if let managed = try? ManagedFields(given), !managed.isEmpty {
                list = given
            }
        }
        object["metadata"]["managedFields"] = .null
        // What nobody has applied to since its owners were forgotten stays without.
        if list.isNull, old != nil { return }
        let live = old.map(Self.withoutManagedFields) ?? ownership.zero
        let changes = ownership.changes(from: live, to: object)
        guard !changes.isEmpty else {
            object["metadata"]["managedFields"] = list
            return
        }
        do {
            let managed = (try? ManagedFields(list, isStored: true)) ?? ManagedFields()
            object["metadata"]["managedFields"] =
                try await ownership.update(live, object, changes, managed, by: manager(.update)).value
        } catch {
            write.registry.log.error(
                "managed fields could not be kept",
                metadata: ["object": "\(target.namespace)/\(target.name)", "kind": "\(kind)", "error": "\(error)"])
        }
    }

    // MARK: Apply

    /// What comes of applying a configuration to an object, both in the version of the write.
    /// - Parameter old: nil where there is no object.
    /// - Throws: 400 for a configuration of another kind, 409 where others own what it changes, 500, as upstream, for one that does not
    ///   have its kind's form.
    func apply(_ configuration: Value, to old: Value?) async throws -> Value {
        guard configuration["apiVersion"].string == kind.groupVersion.description, configuration["kind"].string == kind.kind else {
            let version = configuration["apiVersion"].string.flatMap(GroupVersion.init).map { "\($0.group)/\($0.version)" } ?? "/"
            throw APIError.badRequest("invalid object type: \(version), Kind=\(configuration["kind"].string ?? "")")
        }
        guard configuration[path: "metadata", "managedFields"].isNull else {
            throw APIError.badRequest("metadata.managedFields must be nil")
        }
        let managed: ManagedFields
        do {
            managed = try ManagedFields(old?[path: "metadata", "managedFields"] ?? .null, isStored: true)
        } catch {
            throw Self.failure("failed to decode managed fields: \(error)")
        }
        do {
            let applied = try await ownership.apply(
                configuration, to: old.map(Self.withoutManagedFields) ?? ownership.zero, managed, by: manager(.apply),
                isForced: write.options.force ?? false)
            var object = applied.object
            object["metadata"]["managedFields"] = applied.managed.value
            return object
        } catch let conflicts as FieldConflicts {
            throw conflicts.error
        } catch let problem as ApplyProblem {
            let metadata = configuration["metadata"]
            let place = "\(metadata["namespace"].string ?? "")/\(metadata["name"].string ?? "")"
            throw Self.failure("failed to create typed patch object (\(place); \(kind.goDescription)): \(problem)")
        }
    }

    /// As upstream answers what it does not expect.
    private static func failure(_ message: String) -> APIError { APIError(code: 500, reason: .unknown, message: message) }

    private static func withoutManagedFields(_ object: Value) -> Value {
        guard !object[path: "metadata", "managedFields"].isNull else { return object }
        var object = object
        object["metadata"]["managedFields"] = .null
        return object
    }

    /// Whether an object differs from what it was in the times of its managed fields alone. Such a write is none.
    static func differsInTimesAlone(_ object: Value, _ old: Value) -> Bool {
        let (now, before) = (object[path: "metadata", "managedFields"], old[path: "metadata", "managedFields"])
        guard now != before, ManagedFields.isSameButForTimes(now, before) else { return false }
        return withoutManagedFields(object) == withoutManagedFields(old)
    }
}

/// The versions of a resource that are served.
private struct ResourceVersions: FieldVersions {
    let target: Target
    let served: Served
    let registry: Registry

    private func storage(_ apiVersion: String) -> Storage? {
        if apiVersion == target.type.groupVersion.description { return target.storage }
        guard let version = GroupVersion(apiVersion) else { return nil }
        let resource = GroupVersionResource(group: version.group, version: version.version, resource: target.type.name)
        guard let storage = served.storage(resource), storage.collection == target.storage.collection else { return nil }
        return storage
    }

    func version(_ apiVersion: String) -> (shape: MergeShape, filter: FieldFilter)? {
        storage(apiVersion).map { (MergeShape($0.type), ResetFields.filter($0, subresource: target.subresource)) }
    }

    func convert(_ object: Value, to apiVersion: String) async throws -> Value {
        guard let from = storage(object["apiVersion"].string ?? ""), let to = storage(apiVersion) else {
            throw APIError.internalError("no version \(apiVersion) of \(target.resource) is served")
        }
        return try await to.fromStored(try await from.toStored(object, registry), registry)
    }
}

extension WriteContext {
    /// The name under which the writer owns fields: the one that it gave, or what it is called.
    var manager: String {
        if !options.fieldManager.isEmpty { return options.fieldManager }
        return FieldManagerName.of(user)
    }
}

extension GroupVersionKind {
    /// As Go prints it: with a slash for the core group, too.
    fileprivate var goDescription: String { "\(group)/\(version), Kind=\(kind)" }
}
