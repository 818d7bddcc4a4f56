internal import CatalogueData

/// The table of kinds: every type of the API and every resource that serves one. Never changes once made; safe from any thread.
public final class Catalogue: Sendable {
    /// The kinds of Kubernetes itself and that of plugins, read from the table in the program when first used.
    public static let builtin: Catalogue = Catalogue(apus_catalogue()) { builtin.type(named: $0) }

    /// Every kind that Kubernetes can encode: those of `builtin`, and those that nothing serves, such as the options of requests and versions
    /// of the past. Only `type(named:)` and `type(of:)` know the former.
    public static let everything: Catalogue = Catalogue(apus_catalogue_unserved(), beside: builtin) { everything.type(named: $0) }

    /// The messages of the Container Runtime Interface `runtime.v1`, named as in its protocol: `RunPodSandboxRequest`. Fields have the
    /// protocol's own names (`pod_sandbox_id`).
    public static let cri: Catalogue = Catalogue(apus_catalogue_cri()) { cri.type(named: $0) }

    /// The messages between the node and drivers of the Container Storage Interface: `csi.v1.Node`, and `pluginregistration`, by which
    /// drivers make themselves known. Named as in the protocol, as are their fields.
    public static let csi: Catalogue = Catalogue(apus_catalogue_csi()) { csi.type(named: $0) }

    /// The messages between the node and plugins of devices, `v1beta1`, and those of `podresources` by which the node tells what containers
    /// have. Named as in the protocols, as are their fields.
    public static let devices: Catalogue = Catalogue(apus_catalogue_devices()) { devices.type(named: $0) }

    /// The messages between the API server and plugins that keep keys, v2, and what is stored of an object whose key comes from there. Named
    /// as in the protocol, as are their fields.
    public static let kms: Catalogue = Catalogue(apus_catalogue_kms()) { kms.type(named: $0) }

    /// In the order of discovery.
    public let resources: [ResourceType]
    /// In the order of discovery, the preferred version first; `""` is the core group.
    public let groups: [(name: String, versions: [String])]
    /// All types that are JSON objects, by package and name.
    public let types: [TypeSchema]
    /// The types that are something else in JSON, which `FieldType` has cases for.
    public let scalars: [ScalarType]

    /// A type that JSON does not write as an object, as the OpenAPI document describes it; `type` and `format` are empty where it says
    /// nothing.
    public struct ScalarType: Sendable {
        public var name: String
        public var type: String
        public var format: String
    }

    /// Asked for types that this one does not have.
    private let other: Catalogue?
    private let typesByName: [String: Int]
    private let typesByKind: [GroupVersionKind: Int]
    private let resourcesByName: [GroupVersionResource: Int]
    private let resourcesByKind: [GroupVersionKind: Int]

    /// - Parameter find: finds a type of this same catalogue, once it is made.
    private init(_ table: apus_table, beside other: Catalogue? = nil, find: @escaping @Sendable (String) -> TypeSchema?) {
        self.other = other
        var reader = CatalogueReader(bytes: UnsafeBufferPointer(start: table.bytes, count: Int(table.count)), find: find)
        reader.read()
        resources = reader.resources
        groups = reader.groups
        types = reader.types
        scalars = reader.scalars
        typesByName = Dictionary(uniqueKeysWithValues: reader.types.enumerated().map { ($1.name, $0) })
        typesByKind = reader.kinds
        resourcesByName = Dictionary(uniqueKeysWithValues: reader.resources.enumerated().map { ($1.groupVersionResource, $0) })
        resourcesByKind = Dictionary(
            reader.resources.enumerated().map { ($1.groupVersionKind, $0) }, uniquingKeysWith: { first, _ in first })
    }

    public func resource(_ resource: GroupVersionResource) -> ResourceType? { resourcesByName[resource].map { resources[$0] } }
    public func resource(_ kind: GroupVersionKind) -> ResourceType? { resourcesByKind[kind].map { resources[$0] } }
    /// `io.k8s.api.core.v1.Pod`.
    public func type(named name: String) -> TypeSchema? { typesByName[name].map { types[$0] } ?? other?.type(named: name) }
    /// Also kinds that no resource is made of: `DeleteOptions`, `Scale`, `Status`, `PodList`.
    public func type(of kind: GroupVersionKind) -> TypeSchema? { typesByKind[kind].map { types[$0] } ?? other?.type(of: kind) }
    /// All kinds with their types, in no order.
    public var kinds: [(kind: GroupVersionKind, type: TypeSchema)] { typesByKind.map { ($0.key, types[$0.value]) } }
}
