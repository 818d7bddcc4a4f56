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
        other.pieces.allSatisfy { piece in piece.verbs.allSatisfy { verb in rules.contains { $0.covers(piece, verb) } } }
    }

    /// What of `other` no one of `rules` grants: a rule for each path and verb, and one for each resource, or object, that lacks verbs.
    static func lacking(_ rules: [PolicyRule], of other: PolicyRule) -> [PolicyRule] {
        other.pieces.flatMap { piece -> [PolicyRule] in
            let verbs = piece.verbs.filter { verb in !rules.contains { $0.covers(piece, verb) } }
            if !piece.urls.isEmpty { return verbs.map { PolicyRule(verbs: [$0], urls: piece.urls) } }
            guard !verbs.isEmpty else { return [] }
            var lacking = piece
            lacking.verbs = verbs
            return [lacking]
        }
    }

    /// The same rights, each for one path, or for one resource, or object, of one group.
    private var pieces: [PolicyRule] {
        let names: [Set<String>] = names.isEmpty ? [[]] : names.map { [$0] }
        let resources = groups.flatMap { group in
            self.resources.flatMap { resource in
                names.map { PolicyRule(verbs: verbs, groups: [group], resources: [resource], names: $0) }
            }
        }
        return resources + urls.map { PolicyRule(verbs: verbs, urls: [$0]) }
    }

    /// - Parameter piece: one of the smallest.
    private func covers(_ piece: PolicyRule, _ verb: String) -> Bool {
        guard grants(verb: verb) else { return false }
        if let url = piece.urls.first { return urls.contains { $0 == url || Self.matches($0, path: url) } }
        return grants(group: piece.groups.first ?? "", resource: piece.resources.first ?? "", name: piece.names.first ?? "")
    }

    /// On one line, as refusals list what is lacking.
    var compactText: String {
        func list(_ name: String, _ set: Set<String>) -> String? {
            set.isEmpty ? nil : "\(name):[\(set.sorted().map { FieldError.quoted($0) }.joined(separator: " "))]"
        }
        let parts = [
            list("APIGroups", groups), list("Resources", resources), list("ResourceNames", names), list("NonResourceURLs", urls),
            list("Verbs", verbs),
        ]
        return "{\(parts.compactMap(\.self).joined(separator: ", "))}"
    }

    private func grants(verb: String) -> Bool { verbs.contains("*") || verbs.contains(verb) }
    private func grants(group: String, resource: String, name: String) -> Bool {
        guard groups.contains("*") || groups.contains(group) else { return false }
        guard names.isEmpty || (!name.isEmpty && names.contains(name)) else { return false }
        if resources.contains("*") || resources.contains(resource) { return true }
        return resource.split(separator: "/").dropFirst().first.map { resources.contains("*/\($0)") } ?? false
    }
}
