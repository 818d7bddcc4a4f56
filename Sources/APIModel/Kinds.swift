/// Every kind that is served at one moment, built-in and custom.
///
/// A snapshot never changes; when a kind comes, changes or goes there is a new one, with a higher version. A request, a watch, a codec and
/// a document use one snapshot from beginning to end, so that none of them sees a kind change under its hands. Safe from any thread.
public final class Kinds: Sendable {
    /// Those of the program alone.
    public static let builtin = Kinds(version: 0, .builtin)

    /// Grows with every change. 0 when there is nothing but what the program brings.
    public let version: UInt64
    /// The program's own kinds and the types of every body that is no object: options, lists, statuses.
    public let catalogue: Catalogue
    /// Every resource, in the order of discovery: the program's, then custom ones by group, version (the preferred one first) and name.
    public let resources: [ResourceType]
    /// In the order of discovery, the preferred version first; `""` is the core group.
    public let groups: [Group]

    public struct Group: Sendable {
        public var name: String
        public var versions: [String]

        public init(name: String, versions: [String]) {
            self.name = name
            self.versions = versions
        }
    }

    /// Those of the catalogue that are served.
    private let own: (resources: [ResourceType], groups: [Group])
    private let byResource: [GroupVersionResource: Int]
    private let byKind: [GroupVersionKind: Int]

    /// - Parameters:
    ///   - config: which of the catalogue's resources are served.
    public convenience init(version: UInt64, _ catalogue: Catalogue, serving config: RuntimeConfig = .everything) {
        let resources = catalogue.resources.filter(config.serves)
        let versions = Set(resources.map(\.groupVersion))
        let groups = catalogue.groups.map { group in
            Group(name: group.name, versions: group.versions.filter { versions.contains(GroupVersion(group: group.name, version: $0)) })
        }
        self.init(version, catalogue, own: (resources, groups.filter { !$0.versions.isEmpty }), custom: [], groups: [])
    }

    /// The next snapshot, with these custom resources in place of those that were.
    ///
    /// - Parameters:
    ///   - custom: where the catalogue has one of that name, the catalogue's stays.
    ///   - groups: the groups of `custom` with their versions in order of preference. A version of a group that the catalogue has is added
    ///     behind the catalogue's own.
    public func next(custom: [ResourceType], groups: [Group]) -> Kinds {
        let places = groups.flatMap { group in group.versions.map { GroupVersion(group: group.name, version: $0) } }.enumerated()
        let order = Dictionary(places.map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        let sorted = custom.sorted { (order[$0.groupVersion] ?? .max, $0.name) < (order[$1.groupVersion] ?? .max, $1.name) }
        return Kinds(version + 1, catalogue, own: own, custom: sorted, groups: groups)
    }

    private init(
        _ version: UInt64, _ catalogue: Catalogue, own: (resources: [ResourceType], groups: [Group]), custom: [ResourceType],
        groups: [Group]
    ) {
        self.version = version
        self.catalogue = catalogue
        self.own = own
        resources = own.resources + custom.filter { catalogue.resource($0.groupVersionResource) == nil }
        var merged = own.groups
        for group in groups {
            if let index = merged.firstIndex(where: { $0.name == group.name }) {
                merged[index].versions += group.versions.filter { !merged[index].versions.contains($0) }
            } else {
                merged.append(group)
            }
        }
        self.groups = merged
        byResource = Dictionary(resources.enumerated().map { ($1.groupVersionResource, $0) }, uniquingKeysWith: { first, _ in first })
        byKind = Dictionary(resources.enumerated().map { ($1.groupVersionKind, $0) }, uniquingKeysWith: { first, _ in first })
    }

    public func resource(_ resource: GroupVersionResource) -> ResourceType? { byResource[resource].map { resources[$0] } }
    public func resource(_ kind: GroupVersionKind) -> ResourceType? { byKind[kind].map { resources[$0] } }

    /// The type of a kind, custom ones included, and kinds that no resource is made of: `DeleteOptions`, `Scale`, `Status`, `PodList`.
    public func type(of kind: GroupVersionKind) -> TypeSchema? { catalogue.type(of: kind) ?? resource(kind)?.schema.schema }

    /// The resource as it is stored: in the version that a definition says, otherwise in the preferred one of its group; the two groups of
    /// events share the core one.
    public func stored(_ type: ResourceType) -> ResourceType {
        if type.group == "events.k8s.io", type.name == "events" { return resource(GroupVersionResource.events) ?? type }
        if let version = type.custom?.storageVersion,
            let stored = resource(GroupVersionResource(group: type.group, version: version, resource: type.name))
        {
            return stored
        }
        return preferred(group: type.group, resource: type.name) ?? type
    }

    /// The preferred version of the group that has the resource.
    public func preferred(group: String, resource name: String) -> ResourceType? {
        for version in groups.first(where: { $0.name == group })?.versions ?? [] {
            if let found = resource(GroupVersionResource(group: group, version: version, resource: name)) { return found }
        }
        return nil
    }
}
