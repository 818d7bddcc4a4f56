import APIModel

/// Who owns the number of replicas, told between an object and its Scale: the one has it where its kind says, the other in
/// `spec.replicas`.
struct ScaleFields: FieldVersions {
    private static let version = Scale.kind.groupVersion.description
    private static let replicas: [PathElement] = [.field("spec"), .field("replicas")]

    private let target: Target
    private let served: Served
    private let shape: MergeShape

    init(_ target: Target, _ served: Served, _ schema: TypeSchema) {
        (self.target, self.served) = (target, served)
        shape = MergeShape(TypeReference(name: schema.name) { _ in schema })
    }

    func version(_ apiVersion: String) -> (shape: MergeShape, filter: FieldFilter)? { apiVersion == Self.version ? (shape, .none) : nil }

    /// There is one version.
    func convert(_ object: Value, to apiVersion: String) async throws -> Value { object }

    /// Where objects of a version have their number of replicas.
    private func path(_ apiVersion: String) -> [PathElement]? {
        guard let version = GroupVersion(apiVersion),
            let storage = served.storage(
                GroupVersionResource(group: version.group, version: version.version, resource: target.type.name))
        else { return nil }
        guard let custom = storage.type.custom else { return Self.replicas }
        return custom.scale?.specReplicas.map(PathElement.field)
    }

    /// Of the object's entries those that own the replicas, as the Scale has them.
    func shown(_ list: Value) -> Value {
        guard let managed = try? ManagedFields(list) else { return .null }
        var shown = ManagedFields()
        for entry in managed.entries {
            guard let path = path(entry.apiVersion), entry.fields.contains(path) else { continue }
            let manager = Self.shown(entry.manager)
            shown[manager] = ManagedFields.Entry(
                manager: manager, apiVersion: Self.version, time: entry.time, fields: FieldSet([Self.replicas]))
        }
        return shown.value
    }

    /// The object's entries after the Scale's have become `scale`.
    func merged(_ list: Value, _ scale: Value) -> Value {
        guard let managed = try? ManagedFields(list), var owners = try? ManagedFields(scale) else { return list }
        var merged = ManagedFields()
        for entry in managed.entries {
            guard let path = path(entry.apiVersion), entry.fields.contains(path) else {
                merged[entry.manager] = entry
                continue
            }
            var entry = entry
            if owners[Self.shown(entry.manager)] != nil {
                owners[Self.shown(entry.manager)] = nil
            } else {
                entry.fields = entry.fields.subtracting(FieldSet([path]))
            }
            if !entry.fields.isEmpty { merged[entry.manager] = entry }
        }
        let version = target.type.groupVersion.description
        guard let path = path(version) else { return merged.value }
        for owner in owners.entries where owner.fields.contains(Self.replicas) {
            var manager = owner.manager
            if manager.operation == .update { manager.apiVersion = version }
            merged[manager] = ManagedFields.Entry(manager: manager, apiVersion: version, time: nil, fields: FieldSet([path]))
        }
        return merged.value
    }

    private static func shown(_ manager: ManagedFields.Manager) -> ManagedFields.Manager {
        var manager = manager
        if manager.operation == .update { manager.apiVersion = version }
        return manager
    }
}
