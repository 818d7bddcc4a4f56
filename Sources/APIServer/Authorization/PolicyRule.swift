public import APIModel

/// One rule of a role: these verbs on these resources, or on these paths.
public struct PolicyRule: Sendable, Hashable {
    public var verbs: Set<String>
    public var groups: Set<String>
    public var resources: Set<String>
    /// Empty means every name.
    public var names: Set<String>
    public var urls: Set<String>

    public init(verbs: Set<String>, groups: Set<String> = [], resources: Set<String> = [], names: Set<String> = [], urls: Set<String> = [])
    {
        self.verbs = verbs
        self.groups = groups
        self.resources = resources
        self.names = names
        self.urls = urls
    }

    /// Reads a `PolicyRule` of `rbac.authorization.k8s.io/v1`.
    public init(_ value: Value) {
        func set(_ name: String) -> Set<String> { Set(value[name].elements.compactMap(\.string)) }
        self.init(
            verbs: set("verbs"), groups: set("apiGroups"), resources: set("resources"), names: set("resourceNames"),
            urls: set("nonResourceURLs"))
    }

    /// As `rbac.authorization.k8s.io/v1` writes it.
    public var value: Value {
        func list(_ set: Set<String>) -> Value { set.isEmpty ? .null : Value(set.sorted()) }
        return [
            "verbs": list(verbs), "apiGroups": list(groups), "resources": list(resources), "resourceNames": list(names),
            "nonResourceURLs": list(urls),
        ]
    }

    public func allows(_ attributes: Attributes) -> Bool {
        guard verbs.contains("*") || verbs.contains(attributes.verb) else { return false }
        guard attributes.isResource else { return urls.contains { Self.matches($0, path: attributes.path) } }
        guard groups.contains("*") || groups.contains(attributes.group) else { return false }
        guard names.isEmpty || names.contains(attributes.name) else { return false }
        if resources.contains("*") || resources.contains(attributes.qualifiedResource) { return true }
        return !attributes.subresource.isEmpty && resources.contains("*/\(attributes.subresource)")
    }

    static func matches(_ url: String, path: String) -> Bool {
        url == "*" || url == path || (url.hasSuffix("*") && path.hasPrefix(url.dropLast()))
    }

    /// Whether everything that `other` grants is granted by one of `rules`.
    static func cover(_ rules: [PolicyRule], _ other: PolicyRule) -> Bool {
        for verb in other.verbs {
            for url in other.urls
            where !rules.contains(where: { $0.grants(verb: verb) && $0.urls.contains { $0 == url || matches($0, path: url) } }) {
                return false
            }
            for group in other.groups {
                for resource in other.resources {
                    let names = other.names.isEmpty ? [""] : other.names
                    for name in names
                    where !rules.contains(where: { $0.grants(verb: verb) && $0.grants(group: group, resource: resource, name: name) }) {
                        return false
                    }
                }
            }
        }
        return true
    }

    private func grants(verb: String) -> Bool { verbs.contains("*") || verbs.contains(verb) }
    private func grants(group: String, resource: String, name: String) -> Bool {
        guard groups.contains("*") || groups.contains(group) else { return false }
        guard names.isEmpty || (!name.isEmpty && names.contains(name)) else { return false }
        if resources.contains("*") || resources.contains(resource) { return true }
        return resource.split(separator: "/").dropFirst().first.map { resources.contains("*/\($0)") } ?? false
    }
}
