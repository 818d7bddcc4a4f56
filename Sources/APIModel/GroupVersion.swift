/// An API group and version, `apps/v1`, or `v1` for the core group.
public struct GroupVersion: Hashable, Sendable, CustomStringConvertible {
    public var group: String
    public var version: String

    public init(group: String, version: String) {
        self.group = group
        self.version = version
    }

    /// Reads an `apiVersion`. Returns `nil` when it has more than one slash or an empty part.
    public init?(_ apiVersion: some StringProtocol) {
        let parts = apiVersion.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        self.init(group: parts.count == 2 ? String(parts[0]) : "", version: String(parts[parts.count - 1]))
    }

    public var description: String { group.isEmpty ? version : "\(group)/\(version)" }
}

/// A kind of object in one version: `apps/v1, Kind=Deployment`.
public struct GroupVersionKind: Hashable, Sendable, CustomStringConvertible {
    public var group: String
    public var version: String
    public var kind: String

    public init(group: String, version: String, kind: String) {
        self.group = group
        self.version = version
        self.kind = kind
    }

    /// The kind an object names itself to be, `nil` when it does not.
    public init?(of object: Value) {
        guard let apiVersion = object["apiVersion"].string.flatMap({ GroupVersion($0) }), let kind = object["kind"].string, !kind.isEmpty
        else { return nil }
        self.init(group: apiVersion.group, version: apiVersion.version, kind: kind)
    }

    public var groupVersion: GroupVersion { GroupVersion(group: group, version: version) }
    public var description: String { "\(groupVersion), Kind=\(kind)" }
}

/// A resource in one version, written `apps/v1/deployments` or `v1/pods`: how the ABI, manifests and the `Client` name kinds.
public struct GroupVersionResource: Hashable, Sendable, CustomStringConvertible {
    public var group: String
    public var version: String
    public var resource: String

    public init(group: String, version: String, resource: String) {
        self.group = group
        self.version = version
        self.resource = resource
    }

    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        self.init(
            group: parts.count == 3 ? String(parts[0]) : "", version: String(parts[parts.count - 2]),
            resource: String(parts[parts.count - 1]))
    }

    public var groupVersion: GroupVersion { GroupVersion(group: group, version: version) }
    public var description: String { "\(groupVersion)/\(resource)" }

    public static let pods = GroupVersionResource(group: "", version: "v1", resource: "pods")
    public static let nodes = GroupVersionResource(group: "", version: "v1", resource: "nodes")
    public static let services = GroupVersionResource(group: "", version: "v1", resource: "services")
    public static let customResourceDefinitions = GroupVersionResource(
        group: "apiextensions.k8s.io", version: "v1", resource: "customresourcedefinitions")
    public static let apiServices = GroupVersionResource(group: "apiregistration.k8s.io", version: "v1", resource: "apiservices")
    public static let namespaces = GroupVersionResource(group: "", version: "v1", resource: "namespaces")
    public static let configMaps = GroupVersionResource(group: "", version: "v1", resource: "configmaps")
    public static let secrets = GroupVersionResource(group: "", version: "v1", resource: "secrets")
    public static let serviceAccounts = GroupVersionResource(group: "", version: "v1", resource: "serviceaccounts")
    public static let events = GroupVersionResource(group: "", version: "v1", resource: "events")
    public static let leases = GroupVersionResource(group: "coordination.k8s.io", version: "v1", resource: "leases")
    public static let endpointSlices = GroupVersionResource(group: "discovery.k8s.io", version: "v1", resource: "endpointslices")
}
