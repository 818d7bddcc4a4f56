internal import OrderedCollections

/// The versions of one kind, between which fields are compared.
public protocol FieldVersions: Sendable {
    /// The shape of the kind's objects in a version (`apps/v1`), and what can be owned in it; `nil` for a version that there is not.
    func version(_ apiVersion: String) -> (shape: MergeShape, filter: FieldFilter)?
    /// An object in another version; its own says from which.
    func convert(_ object: Value, to apiVersion: String) async throws -> Value
}

/// Fields that somebody wants and others have.
public struct FieldConflicts: Error, Sendable, Equatable {
    public struct Conflict: Sendable, Equatable {
        public var manager: ManagedFields.Manager
        public var path: [PathElement]
        public var field: String { path.map(\.description).joined() }
    }

    public var conflicts: [Conflict]

    /// The refusal: 409 with a cause for each field.
    public var error: APIError {
        APIError(
            code: 409, reason: .conflict, message: message,
            details: [
                "causes": .array(
                    conflicts.map {
                        [
                            "reason": "FieldManagerConflict", "message": .string("conflict with \($0.manager.description)"),
                            "field": .string($0.field),
                        ]
                    })
            ])
    }

    private var message: String {
        if conflicts.count == 1 {
            return "Apply failed with 1 conflict: conflict with \(conflicts[0].manager.description): \(conflicts[0].field)"
        }
        var lines: [String] = []
        var last: ManagedFields.Manager?
        for conflict in conflicts {
            if conflict.manager != last { lines.append("conflicts with \(conflict.manager.description):") }
            last = conflict.manager
            lines.append("- \(conflict.field)")
        }
        return "Apply failed with \(conflicts.count) conflicts: \(lines.joined(separator: "\n"))"
    }
}

/// Works out who owns which fields after a write. Pure, but for the conversions it asks for.
///
/// Objects are in the version of the write, without `metadata.managedFields`.
public struct FieldOwnership: Sendable {
    let versions: any FieldVersions
    /// The version of the write, and what is known of it.
    let apiVersion: String
    let shape: MergeShape
    let filter: FieldFilter
    let now: String

    /// - Returns: `nil` when there is no such version.
    public init?(_ versions: any FieldVersions, apiVersion: String, now: String) {
        guard let (shape, filter) = versions.version(apiVersion) else { return nil }
        (self.versions, self.apiVersion, self.shape, self.filter, self.now) = (versions, apiVersion, shape, filter, now)
    }

    /// Fields that are never owned: they name the object, or are the server's.
    private static let unowned: FieldSet = {
        let metadata = [
            "name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields", "resourceVersion",
        ]
        return FieldSet(
            [["apiVersion"], ["kind"], ["metadata"]].map { $0.map(PathElement.field) } + metadata.map { [.field("metadata"), .field($0)] })
    }()

    /// What an object has that nobody has written to.
    public var zero: Value { shape.zero }

    // MARK: Update

    /// What a write changes of what can be owned.
    public func changes(from live: Value, to new: Value) -> Comparison { filter.comparison(live, new, shape) }

    /// `manager` has made `new` of `live`, which comes to `changes`.
    public func update(
        _ live: Value, _ new: Value, _ changes: Comparison, _ managed: ManagedFields, by manager: ManagedFields.Manager
    ) async throws -> ManagedFields {
        // The program's own kinds keep their shape.
        var managed = if case .custom = shape { reconciled(managed, mentioning: changes.names) } else { managed }
        managed = try await taken(live, new, changes, managed, except: nil, isForced: true)
        let own = changes.modified.union(changes.added).subtracting(Self.unowned)
        guard !own.isEmpty else { return managed }
        let before = managed[manager]?.fields ?? FieldSet()
        managed[manager] = ManagedFields.Entry(manager: manager, apiVersion: apiVersion, time: now, fields: own.union(before))
        managed.cap()
        return managed
    }

    /// The entries without those of versions that are gone, and as the kind's shape is now.
    /// - Parameter names: the outermost fields that matter; nil for all.
    private func reconciled(_ managed: ManagedFields, mentioning names: Set<String>? = nil) -> ManagedFields {
        var managed = managed
        managed.remove { versions.version($0.apiVersion) == nil }
        managed.change { entry in
            if let names, !entry.mentions(names) { return }
            if let shape = versions.version(entry.apiVersion)?.shape { entry.fields = entry.fields.reconciled(with: shape) }
        }
        return managed
    }

    // MARK: Apply

    public struct Applied: Sendable {
        public var object: Value
        public var managed: ManagedFields
    }

    private static let beforeFirstApply = "before-first-apply"

    /// `manager` applies `configuration` to `live`; to the shape's zero object where there is none.
    /// - Throws: `ApplyProblem` for a configuration that is not of the kind, `FieldConflicts` where others own what it changes.
    public func apply(
        _ configuration: Value, to live: Value, _ managed: ManagedFields, by manager: ManagedFields.Manager, isForced: Bool
    ) async throws -> Applied {
        try ApplyProblem.check(configuration, shape)
        var managed = managed
        if managed.isEmpty {
            // Whoever wrote what is there shall not lose it unasked.
            let unknown = ManagedFields.Manager(
                Self.beforeFirstApply, .update, apiVersion: apiVersion, subresource: manager.subresource)
            let zero = shape.zero
            managed = try await update(zero, live, changes(from: zero, to: live), managed, by: unknown)
        }
        guard manager.name == LastApplied.manager else {
            return try await applyOnce(configuration, to: live, managed, by: manager, isForced: isForced)
        }
        var applied: Applied
        do {
            applied = try await applyOnce(configuration, to: live, managed, by: manager, isForced: isForced)
        } catch let conflicts as FieldConflicts {
            // What the client had applied itself it may go on applying here.
            guard let allowed = LastApplied.allowed(in: live, shape, apiVersion: apiVersion) else { throw conflicts }
            let rest = conflicts.conflicts.filter { !allowed.contains($0.path) }
            guard rest.isEmpty else { throw FieldConflicts(conflicts: rest) }
            applied = try await applyOnce(configuration, to: live, managed, by: manager, isForced: true)
        }
        LastApplied.update(&applied.object, with: configuration)
        return applied
    }

    private func applyOnce(
        _ configuration: Value, to live: Value, _ managed: ManagedFields, by manager: ManagedFields.Manager, isForced: Bool
    ) async throws -> Applied {
        var managed = reconciled(managed)
        let merged = try ApplyMerge.merge(live, configuration, shape)
        let last = managed[manager]
        let set = filter.apply(to: FieldSet(of: configuration, shape))
        managed[manager] = ManagedFields.Entry(manager: manager, apiVersion: apiVersion, time: last?.time, fields: set)
        let object = try await pruned(merged, managed, last)
        managed = try await taken(
            live, object, changes(from: live, to: object), managed, except: manager, isForced: isForced)
        if let entry = managed[manager] {
            let fields = entry.fields.subtracting(Self.unowned)
            let time = object == live ? entry.time : now
            managed[manager] =
                fields.isEmpty ? nil : ManagedFields.Entry(manager: manager, apiVersion: apiVersion, time: time, fields: fields)
        }
        return Applied(object: object, managed: managed)
    }

    /// What was applied before and is not now goes, unless somebody else owns it.
    private func pruned(_ merged: Value, _ managed: ManagedFields, _ last: ManagedFields.Entry?) async throws -> Value {
        guard let last, !last.fields.isEmpty, let lastShape = versions.version(last.apiVersion)?.shape else { return merged }
        // The common case: nothing was left out.
        if last.apiVersion == apiVersion, let now = managed[last.manager], last.fields.subtracting(now.fields).isEmpty { return merged }
        let whole = try await converted(merged, to: last.apiVersion)
        var pruned = FieldRemoval.remove(last.fields.withNamedFields(lastShape), from: whole, lastShape)
        // Others' first in the version at hand, because what is missing can make a conversion fail.
        var owned: [(version: String, fields: FieldSet)] = []
        for entry in managed.entries {
            if let index = owned.firstIndex(where: { $0.version == entry.apiVersion }) {
                owned[index].fields = owned[index].fields.union(entry.fields)
            } else {
                owned.append((entry.apiVersion, entry.fields))
            }
        }
        var base = whole
        for (version, fields) in owned.filter({ $0.version == last.apiVersion }) + owned.filter({ $0.version != last.apiVersion }) {
            guard let shape = versions.version(version)?.shape else { continue }
            base = try await converted(base, to: version)
            pruned = try await converted(pruned, to: version)
            let present = FieldSet(of: base, shape).withNamedFields(shape)
            let kept = FieldSet(of: pruned, shape).withNamedFields(shape).union(fields.withNamedFields(shape))
            pruned = FieldRemoval.remove(present.subtracting(kept), from: base, shape)
        }
        // Only what this manager had applied goes with it.
        pruned = try await converted(pruned, to: last.apiVersion)
        let kept = FieldSet(of: pruned, lastShape).withNamedFields(lastShape)
        let present = FieldSet(of: whole, lastShape).withNamedFields(lastShape)
        let gone = present.subtracting(kept).intersection(last.fields.withNamedFields(lastShape))
        return try await converted(FieldRemoval.remove(gone, from: whole, lastShape), to: apiVersion)
    }

    private func converted(_ object: Value, to version: String) async throws -> Value {
        object["apiVersion"].string == version ? object : try await versions.convert(object, to: version)
    }

    // MARK: Others

    /// The entries after a write took its fields from the others.
    private func taken(
        _ live: Value, _ new: Value, _ comparison: Comparison, _ managed: ManagedFields, except own: ManagedFields.Manager?, isForced: Bool
    ) async throws -> ManagedFields {
        var managed = managed
        var comparisons: [String: Comparison?] = [apiVersion: comparison]
        for entry in managed.entries where entry.manager != own && comparisons[entry.apiVersion] == nil {
            guard let (shape, filter) = versions.version(entry.apiVersion) else {
                comparisons.updateValue(Comparison?.none, forKey: entry.apiVersion)
                continue
            }
            let (before, after) = (try await converted(live, to: entry.apiVersion), try await converted(new, to: entry.apiVersion))
            comparisons[entry.apiVersion] = filter.comparison(before, after, shape)
        }
        managed.remove { $0.manager != own && comparisons[$0.apiVersion] == .some(nil) }
        if !isForced {
            var conflicts: [FieldConflicts.Conflict] = []
            for entry in managed.entries.sorted(by: { $0.manager.description < $1.manager.description }) where entry.manager != own {
                guard let comparison = comparisons[entry.apiVersion] ?? nil else { continue }
                let wanted = entry.fields.intersection(comparison.modified.union(comparison.added))
                conflicts += wanted.paths.map { FieldConflicts.Conflict(manager: entry.manager, path: $0) }
            }
            guard conflicts.isEmpty else { throw FieldConflicts(conflicts: conflicts) }
        }
        managed.change { entry in
            guard entry.manager != own, let comparison = comparisons[entry.apiVersion] ?? nil, entry.mentions(comparison.names) else {
                return
            }
            entry.fields = entry.fields.subtracting(comparison.modified).subtracting(comparison.added).subtracting(comparison.removed)
        }
        return managed
    }
}
