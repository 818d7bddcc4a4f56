extension ResourceType {
    /// The resources of a group and version as another server lists them in an `APIResourceList`. Of their fields nothing is known.
    public static func listed(_ list: Value, of version: GroupVersion) -> [ResourceType] {
        let all = list["resources"].elements
        return all.filter { !isSubresource($0) }.map { listed in
            let name = listed["name"].string ?? ""
            let kind = kind(of: listed, in: version)
            return ResourceType(
                group: version.group, version: version.version, name: name, singularName: listed["singularName"].string ?? "",
                kind: kind.kind, isNamespaced: listed["namespaced"].bool ?? false, verbs: words(listed["verbs"]),
                shortNames: words(listed["shortNames"]), categories: words(listed["categories"]),
                storageVersionHash: listed["storageVersionHash"].string,
                subresources: all.compactMap { other in
                    guard let full = other["name"].string, full.hasPrefix("\(name)/") else { return nil }
                    return Subresource(
                        name: String(full.dropFirst(name.utf8.count + 1)), kind: Self.kind(of: other, in: version),
                        verbs: words(other["verbs"]))
                }, columns: [], schema: unknown(kind))
        }
    }

    private static func isSubresource(_ listed: Value) -> Bool { listed["name"].string?.utf8.contains(UInt8(ascii: "/")) ?? true }

    private static func words(_ list: Value) -> [String] { list.elements.compactMap(\.string) }

    private static func kind(of listed: Value, in version: GroupVersion) -> GroupVersionKind {
        GroupVersionKind(
            group: listed["group"].string ?? version.group, version: listed["version"].string ?? version.version,
            kind: listed["kind"].string ?? "")
    }

    private static func unknown(_ kind: GroupVersionKind) -> TypeReference {
        TypeReference(name: kind.description) { TypeSchema(name: $0, fields: []) }
    }
}
