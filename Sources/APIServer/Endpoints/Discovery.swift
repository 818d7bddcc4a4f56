import APIModel
import HTTPServer

/// `/api`, `/apis` and what is below: which groups, versions and resources there are. Encoded once.
struct Discovery: Sendable {
    private let legacy: [UInt8]
    private let groups: [UInt8]
    private let byPath: [String: [UInt8]]
    private let aggregatedCore: [UInt8]
    private let aggregatedGroups: [UInt8]
    private let hash: String
    private let catalogue: Catalogue
    /// Where there is something of groups and versions, other servers' included.
    let paths: [String]

    init(_ kinds: Kinds, _ others: Aggregation.Snapshot, serverAddress: String) {
        catalogue = kinds.catalogue
        legacy = JSON.encode([
            "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [["clientCIDR": "0.0.0.0/0", "serverAddress": .string(serverAddress)]],
        ])
        let named = Self.groups(kinds, others)
        let list = named.map { Self.group($0.name, $0.versions) }
        groups = JSON.encode(["kind": "APIGroupList", "apiVersion": "v1", "groups": .array(list)])
        var byPath: [String: [UInt8]] = [:]
        for (group, versions) in named.map({ ($0.name, $0.versions) }) {
            var object = Self.group(group, versions)
            object["kind"] = "APIGroup"
            object["apiVersion"] = "v1"
            byPath["/apis/\(group)"] = JSON.encode(object)
        }
        for (group, versions) in kinds.groups.map({ ($0.name, $0.versions) }) {
            for version in versions where others.services[GroupVersion(group: group, version: version)] == nil {
                let path = group.isEmpty ? "/api/\(version)" : "/apis/\(group)/\(version)"
                byPath[path] = JSON.encode(Self.resourceList(GroupVersion(group: group, version: version), kinds))
            }
        }
        self.byPath = byPath
        paths = ["/api", "/apis"] + byPath.keys + others.services.values.map(\.path)
        let core = Self.aggregated(kinds.groups.filter { $0.name.isEmpty }, kinds)
        aggregatedCore = JSON.encode(core)
        aggregatedGroups = JSON.encode(Self.aggregated(named, kinds, others.documents.mapValues(\.discovery)))
        hash = ContentHash.hex(aggregatedGroups + aggregatedCore)
    }

    /// The answer to a discovery path, `nil` for any other.
    /// - Parameter check: called once it is known that there is something at the path.
    /// - Throws: 406.
    func answer(_ path: String, accept: Accept, etag: String?, _ check: () throws -> Void) throws -> Response? {
        let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        guard let document = path == "/api" ? legacy : path == "/apis" ? groups : byPath[path] else { return nil }
        try check()
        let aggregated = path == "/api" ? aggregatedCore : path == "/apis" ? aggregatedGroups : nil
        for type in accept.types {
            guard let codec = Codec.byMediaType[type.type] else { continue }
            if let aggregated, type.parameters["as"] == "APIGroupDiscoveryList", type.parameters["g"] == "apidiscovery.k8s.io",
                type.parameters["v"] == "v2", let bytes = encoded(aggregated, codec)
            {
                let contentType = "\(codec.contentType);\(Self.aggregatedParameters)"
                return ETag.answer(bytes, hash: hash, type: contentType, ifNoneMatch: etag)
            }
            if Presentation.isPlain(type, codec), let bytes = encoded(document, codec) {
                return Responses.bytes(bytes, type: codec.contentType)
            }
        }
        throw NotAcceptable.only(Codec.mediaTypes)
    }

    private static let aggregatedParameters = "g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

    /// A document of those that are kept in JSON. The oldest kind of them does not name its version.
    private func encoded(_ document: [UInt8], _ codec: Codec) -> [UInt8]? {
        guard codec != .json, let value = try? JSON.decode(document) else { return document }
        guard codec == .protobuf else { return YAML.bytes(value) }
        let kind = GroupVersionKind(of: value) ?? GroupVersionKind(group: "", version: "v1", kind: value["kind"].string ?? "")
        guard let type = catalogue.type(of: kind) ?? Catalogue.everything.type(of: kind) else { return nil }
        return try? Protobuf.encodeUnknown(value, as: type, catalogue: catalogue)
    }

    private static func group(_ name: String, _ versions: [String]) -> Value {
        let listed = versions.map { version -> Value in ["groupVersion": .string("\(name)/\(version)"), "version": .string(version)] }
        return ["name": .string(name), "versions": .array(listed), "preferredVersion": listed.first ?? .null]
    }

    private static func resourceList(_ version: GroupVersion, _ kinds: Kinds) -> Value {
        var resources: [Value] = []
        for type in kinds.resources where type.groupVersion == version {
            resources.append([
                "name": .string(type.name), "singularName": .string(type.singularName), "namespaced": .bool(type.isNamespaced),
                "kind": .string(type.kind),
                "verbs": Value(type.verbs), "shortNames": type.shortNames.isEmpty ? .null : Value(type.shortNames),
                "categories": type.categories.isEmpty ? .null : Value(type.categories),
                "storageVersionHash": type.storageVersionHash.map(Value.string) ?? .null,
            ])
            for subresource in type.subresources {
                let isForeign = subresource.kind.groupVersion != version
                resources.append([
                    "name": .string("\(type.name)/\(subresource.name)"), "singularName": "", "namespaced": .bool(type.isNamespaced),
                    "group": isForeign ? .string(subresource.kind.group) : .null,
                    "version": isForeign ? .string(subresource.kind.version) : .null,
                    "kind": .string(subresource.kind.kind), "verbs": Value(subresource.verbs),
                ])
            }
        }
        // The oldest list came before there were versions of lists.
        return [
            "kind": "APIResourceList", "apiVersion": version.group.isEmpty ? .null : "v1", "groupVersion": .string(version.description),
            "resources": .array(resources),
        ]
    }

    /// All groups but the core one: this server's in the order of its kinds, the others behind, the higher of both first.
    private static func groups(_ kinds: Kinds, _ others: Aggregation.Snapshot) -> [Kinds.Group] {
        var groups = kinds.groups.filter { !$0.name.isEmpty }
        let behind = others.services.values.sorted {
            ($1.groupPriority, $1.versionPriority, $0.name) < ($0.groupPriority, $0.versionPriority, $1.name)
        }
        for service in behind {
            let (group, version) = (service.version.group, service.version.version)
            guard let index = groups.firstIndex(where: { $0.name == group }) else {
                groups.append(Kinds.Group(name: group, versions: [version]))
                continue
            }
            if !groups[index].versions.contains(version) { groups[index].versions.append(version) }
        }
        return groups
    }

    /// A version of a group as another server lists it, an `APIResourceList`, in the form of aggregated discovery.
    static func aggregated(_ version: GroupVersion, resourceList list: Value) -> Value {
        func kind(_ resource: Value) -> Value {
            [
                "group": .string(resource["group"].string ?? version.group),
                "version": .string(resource["version"].string ?? version.version),
                "kind": resource["kind"],
            ]
        }
        let all = list["resources"].elements
        let resources = all.filter { !($0["name"].string ?? "").contains("/") }.map { resource -> Value in
            let name = resource["name"].string ?? ""
            let subresources = all.compactMap { subresource -> Value? in
                guard let full = subresource["name"].string, full.hasPrefix(name + "/") else { return nil }
                return [
                    "subresource": .string(String(full.dropFirst(name.count + 1))), "responseKind": kind(subresource),
                    "verbs": subresource["verbs"],
                ]
            }
            return [
                "resource": .string(name), "responseKind": kind(resource),
                "scope": resource["namespaced"].bool == true ? "Namespaced" : "Cluster", "singularResource": resource["singularName"],
                "verbs": resource["verbs"], "shortNames": resource["shortNames"], "categories": resource["categories"],
                "subresources": subresources.isEmpty ? .null : .array(subresources),
            ]
        }
        return ["version": .string(version.version), "resources": .array(resources), "freshness": "Current"]
    }

    private static func aggregated(_ groups: [Kinds.Group], _ kinds: Kinds, _ others: [GroupVersion: Value] = [:]) -> Value {
        let items = groups.map { entry -> Value in
            let (group, versions) = (entry.name, entry.versions)
            let listed = versions.map { version -> Value in
                if let other = others[GroupVersion(group: group, version: version)] { return other }
                let resources = kinds.resources.filter { $0.group == group && $0.version == version }.map(aggregated)
                return ["version": .string(version), "resources": .array(resources), "freshness": "Current"]
            }
            return ["metadata": ["name": group.isEmpty ? .null : .string(group), "creationTimestamp": .null], "versions": .array(listed)]
        }
        return ["kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": .emptyObject, "items": .array(items)]
    }

    private static func aggregated(_ type: ResourceType) -> Value {
        /// Upstream says of its own kinds only what differs from the version around, of custom ones all.
        func kind(_ kind: GroupVersionKind) -> Value {
            let isImplied = type.custom == nil && kind.groupVersion == type.groupVersion
            return [
                "group": .string(isImplied ? "" : kind.group), "version": .string(isImplied ? "" : kind.version),
                "kind": .string(kind.kind),
            ]
        }
        let subresources = type.subresources.map { subresource -> Value in
            ["subresource": .string(subresource.name), "responseKind": kind(subresource.kind), "verbs": Value(subresource.verbs)]
        }
        return [
            "resource": .string(type.name), "responseKind": kind(type.groupVersionKind),
            "scope": type.isNamespaced ? "Namespaced" : "Cluster",
            "singularResource": .string(type.singularName), "verbs": Value(type.verbs),
            "shortNames": type.shortNames.isEmpty ? .null : Value(type.shortNames),
            "categories": type.categories.isEmpty ? .null : Value(type.categories),
            "subresources": subresources.isEmpty ? .null : .array(subresources),
        ]
    }
}
