import APIModel

/// One rule of a FlowSchema: requests of these subjects for these things.
struct FlowRule: Sendable {
    private struct Requests: Sendable {
        var verbs: Set<String>
        var groups: Set<String>
        var resources: Set<String>
        var namespaces: Set<String>
        var isOfCluster: Bool
        var urls: Set<String>

        init(_ rule: Value) {
            func set(_ name: String) -> Set<String> { Set(rule[name].elements.compactMap(\.string)) }
            verbs = set("verbs")
            groups = set("apiGroups")
            resources = set("resources")
            namespaces = set("namespaces")
            isOfCluster = rule["clusterScope"].bool == true
            urls = set("nonResourceURLs")
        }

        func matches(_ info: RequestInfo) -> Bool {
            guard Self.has(verbs, info.verb) else { return false }
            guard info.isResource else { return urls.contains { PolicyRule.matches($0, path: info.path) } }
            let resource = info.subresource.isEmpty ? info.resource : "\(info.resource)/\(info.subresource)"
            return Self.has(groups, info.group) && Self.has(resources, resource)
                && (info.namespace.isEmpty ? isOfCluster : Self.has(namespaces, info.namespace))
        }

        private static func has(_ set: Set<String>, _ text: String) -> Bool { set.contains("*") || set.contains(text) }
    }

    private var users: Set<String> = []
    private var groups: Set<String> = []
    /// Namespace and name; `*` is every one of the namespace.
    private var accounts: [(namespace: String, name: String)] = []
    private let resources: [Requests]
    private let others: [Requests]

    init(_ rule: Value) {
        for subject in rule["subjects"].elements {
            switch subject["kind"].string {
            case "User": users.insert(subject[path: "user", "name"].string ?? "")
            case "Group": groups.insert(subject[path: "group", "name"].string ?? "")
            default:
                let account = subject["serviceAccount"]
                accounts.append((account["namespace"].string ?? "", account["name"].string ?? ""))
            }
        }
        resources = rule["resourceRules"].elements.map(Requests.init)
        others = rule["nonResourceRules"].elements.map(Requests.init)
    }

    func matches(_ user: UserInfo, _ info: RequestInfo) -> Bool {
        isOf(user) && (info.isResource ? resources : others).contains { $0.matches(info) }
    }

    private func isOf(_ user: UserInfo) -> Bool {
        if users.contains(user.name) || users.contains("*") || groups.contains("*") { return true }
        if !groups.isEmpty, user.groups.contains(where: groups.contains) { return true }
        guard !accounts.isEmpty, let own = UserInfo.serviceAccount(of: user.name) else { return false }
        return accounts.contains { $0.namespace == own.namespace && ($0.name == "*" || $0.name == own.name) }
    }
}
