import APIModel

/// Which requests a webhook or a policy is about: an entry of `rules`, `resourceRules` or `excludeResourceRules`.
struct ResourceRule: Sendable {
    private let operations: Set<String>
    private let groups: Set<String>
    private let versions: Set<String>
    private let resources: [(resource: Substring, subresource: Substring)]
    private let scope: String
    /// Empty for all.
    private let names: Set<String>

    init(_ rule: Value) {
        func texts(_ field: String) -> Set<String> { Set(rule[field].elements.compactMap(\.string)) }
        operations = texts("operations")
        groups = texts("apiGroups")
        versions = texts("apiVersions")
        names = texts("resourceNames")
        scope = rule["scope"].string ?? "*"
        resources = rule["resources"].elements.compactMap(\.string).map { text in
            let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            return (parts[0], parts.count > 1 ? parts[1] : "")
        }
    }

    /// Whether it is about the request, taken as one for `resource`.
    func matches(_ request: AdmissionRequest, as resource: GroupVersionResource) -> Bool {
        Self.has(operations, request.operation.rawValue) && Self.has(groups, resource.group) && Self.has(versions, resource.version)
            && isInScope(request, resource) && (names.isEmpty || names.contains(request.target.name))
            && resources.contains { entry in
                (entry.resource == "*" || entry.resource == resource.resource)
                    && (entry.subresource == "*" || entry.subresource == request.target.subresource)
            }
    }

    private static func has(_ entries: Set<String>, _ wanted: String) -> Bool { entries.contains("*") || entries.contains(wanted) }

    private func isInScope(_ request: AdmissionRequest, _ resource: GroupVersionResource) -> Bool {
        let isNamespaced = !request.target.namespace.isEmpty && resource != .namespaces
        return switch scope {
        case "Namespaced": isNamespaced
        case "Cluster": !isNamespaced
        default: true
        }
    }
}
