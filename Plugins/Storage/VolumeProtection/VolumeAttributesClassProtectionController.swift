public import APIModel
public import PluginKit

/// Keeps a VolumeAttributesClass that is being deleted while a claim or a volume has it, or is on the way to it. Rules: upstream
/// `pkg/controller/volume/vacprotection`.
public struct VolumeAttributesClassProtectionController: Controller {
    static let finalizer = "kubernetes.io/vac-protection"
    private static let classes = GroupVersionResource(group: "storage.k8s.io", version: "v1", resource: "volumeattributesclasses")

    private let objects: Objects

    public init(_ host: Host, config: Value) { objects = host.objects }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard let found = try objects.get(Self.classes, name: key.name) else { return .done }
        let settled = try Protection.settled(found, Self.finalizer) { try isUsed(key.name) }
        if let settled { try objects.update(Self.classes, settled) }
        return .done
    }

    /// Where a claim or a volume says which class it has: what the manifest indexes.
    static let fields = [
        (StorageObjects.volumes, "spec.volumeAttributesClassName"), (StorageObjects.claims, "spec.volumeAttributesClassName"),
        (StorageObjects.claims, "status.currentVolumeAttributesClassName"),
        (StorageObjects.claims, "status.modifyVolumeStatus.targetVolumeAttributesClassName"),
    ]

    private func isUsed(_ name: String) throws -> Bool {
        try Self.fields.contains { resource, field in try !objects.list(resource, fields: "\(field)=\(name)").isEmpty }
    }

    /// The classes that a claim or a volume had before and has no more.
    public func map(resource: String, before: Value, after: Value) -> [Key] {
        let paths = Self.fields.filter { $0.0.description == resource }.compactMap { ObjectPath($0.1) }
        func names(_ object: Value) -> Set<String> { Set(paths.flatMap { $0.texts(in: object) }) }
        return names(before).subtracting(names(after)).sorted().map { Key(resource: Self.classes.description, name: $0) }
    }
}
