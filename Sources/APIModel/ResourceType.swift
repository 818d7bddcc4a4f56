internal import OrderedCollections

/// A resource the API serves: one row of the catalogue, or one version of a CustomResourceDefinition.
public struct ResourceType: Sendable {
    public var group: String
    public var version: String
    /// The plural, as in the path: `deployments`.
    public var name: String
    public var singularName: String
    public var kind: String
    public var isNamespaced: Bool
    public var verbs: [String]
    public var shortNames: [String]
    public var categories: [String]
    public var storageVersionHash: String?
    public var subresources: [Subresource]
    public var columns: [PrintColumn]
    /// The type of the object.
    public var schema: TypeReference
    /// By what objects are selected beside their labels; `nil` is `metadata.name` and `metadata.namespace` alone.
    public var selectableFields: [SelectableField]?
    /// Only for custom kinds.
    public var custom: CustomKind?

    public struct Subresource: Sendable {
        /// `status`, `scale`, `log` …
        public var name: String
        /// The kind it takes and gives, which can be of another group: `autoscaling/v1, Kind=Scale`.
        public var kind: GroupVersionKind
        public var verbs: [String]
    }

    public struct PrintColumn: Sendable {
        public var name: String
        /// `string`, `integer`, `boolean`, `date` …
        public var type: String
        public var format: String
        public var description: String
        /// Above 0: shown with `-o wide` only.
        public var priority: Int
        /// For custom resources: where the cell comes from.
        public var jsonPath: String?
    }

    public var groupVersion: GroupVersion { GroupVersion(group: group, version: version) }
    public var groupVersionKind: GroupVersionKind { GroupVersionKind(group: group, version: version, kind: kind) }
    public var groupVersionResource: GroupVersionResource { GroupVersionResource(group: group, version: version, resource: name) }
    /// `deployments.apps`, or `pods`: the resource in messages.
    public var qualifiedName: String { group.isEmpty ? name : "\(name).\(group)" }
    func selectableField(_ name: String) -> SelectableField? {
        (selectableFields ?? Self.identity).first { $0.name == name }
    }

    private static let identity = ["metadata.name", "metadata.namespace"].map { SelectableField(name: $0, path: ValuePath($0)) }

    /// The status of an object that nobody has told anything about: the numbers that Go always writes.
    public var newStatus: Value {
        guard case .object(let reference)? = schema.schema.field("status")?.type else { return .emptyObject }
        return .object(reference.schema.merging.zero.fields.filter { !$0.value.isNull })
    }

    /// Whether a delete answers with the object, not with a Status.
    public var returnsDeleted: Bool { custom == nil && Self.returningDeleted.contains("\(group)/\(name)") }

    private static let returningDeleted: Set = [
        "/pods", "/services", "/persistentvolumes", "/persistentvolumeclaims", "/podtemplates", "/resourcequotas", "/serviceaccounts",
        "storage.k8s.io/csidrivers", "storage.k8s.io/csinodes", "storage.k8s.io/storageclasses", "storage.k8s.io/volumeattachments",
    ]

    public func subresource(_ name: String) -> Subresource? { subresources.first { $0.name == name } }
}

/// A field that a field selector can name.
public struct SelectableField: Sendable {
    public var name: String
    /// Where the value is in the stored object.
    public var path: ValuePath
    /// Whether objects are found by it without looking at others.
    public var isIndexed = false

    public init(name: String, path: ValuePath, isIndexed: Bool = false) {
        self.name = name
        self.path = path
        self.isIndexed = isIndexed
    }
}
