import APIModel

/// One rule of a FlowSchema: requests of these subjects for these things.
struct FlowRule: Sendable {
    /// A list of words, or all there are. Short, so that looking through it costs less than a hash.
    private struct Words: Sendable {
        private let words: [String]
        private let isAll: Bool

        init(_ list: Value) {
            words = list.elements.compactMap(\.string)
            isAll = words.contains("*")
        }

        func has(_ word: String) -> Bool { isAll || words.contains(word) }

        /// Whether `pods/log` is among them, without writing it down.
        func has(_ resource: String, _ subresource: String) -> Bool {
            guard !isAll, !subresource.isEmpty else { return has(resource) }
            return words.contains {
                $0.utf8.count == resource.utf8.count + subresource.utf8.count + 1 && $0.hasPrefix(resource) && $0.hasSuffix(subresource)
                    && $0.utf8.dropFirst(resource.utf8.count).first == UInt8(ascii: "/")
            }
        }
    }

    private struct Requests: Sendable {
        let verbs: Words
        let groups: Words
        let resources: Words
        let namespaces: Words
        let isOfCluster: Bool
        let urls: [URLPattern]

        init(_ rule: Value) {
            verbs = Words(rule["verbs"])
            groups = Words(rule["apiGroups"])
            resources = Words(rule["resources"])
            namespaces = Words(rule["namespaces"])
            isOfCluster = rule["clusterScope"].bool == true
            urls = rule["nonResourceURLs"].elements.compactMap { $0.string.map(URLPattern.init) }
        }

        func matches(_ info: RequestInfo) -> Bool {
            guard verbs.has(info.verb) else { return false }
            guard info.isResource else { return urls.contains { $0.matches(info.path) } }
            return resources.has(info.resource, info.subresource) && groups.has(info.group)
                && (info.namespace.isEmpty ? isOfCluster : namespaces.has(info.namespace))
        }
    }

    /// A path, and what lies below it.
    private struct URLPattern: Sendable {
        private let url: String
        private let prefix: String

        init(_ url: String) {
            self.url = url
            let start = url.hasSuffix("*") ? String(url.dropLast()) : url
            prefix = start.hasSuffix("/") ? start : start + "/"
        }

        func matches(_ path: String) -> Bool { url == "*" || url == path || path.hasPrefix(prefix) }
    }

    private let users: Words
    private let groups: Words
    /// Namespace and name; `*` is every one of the namespace.
    private let accounts: [(namespace: String, name: String)]
    private let resources: [Requests]
    private let others: [Requests]

    init(_ rule: Value) {
        let subjects = rule["subjects"].elements
        func names(_ kind: String, _ field: String) -> Words {
            Words(.array(subjects.filter { $0["kind"].string == kind }.map { $0[field]["name"] }))
        }
        users = names("User", "user")
        groups = names("Group", "group")
        accounts = subjects.filter { $0["kind"].string == "ServiceAccount" }.map {
            ($0[path: "serviceAccount", "namespace"].string ?? "", $0[path: "serviceAccount", "name"].string ?? "")
        }
        resources = rule["resourceRules"].elements.map(Requests.init)
        others = rule["nonResourceRules"].elements.map(Requests.init)
    }

    func matches(_ user: UserInfo, _ info: RequestInfo) -> Bool {
        isOf(user) && (info.isResource ? resources : others).contains { $0.matches(info) }
    }

    private func isOf(_ user: UserInfo) -> Bool {
        if users.has(user.name) || groups.has("*") || user.groups.contains(where: groups.has) { return true }
        guard !accounts.isEmpty, let own = UserInfo.serviceAccount(of: user.name) else { return false }
        return accounts.contains { $0.namespace == own.namespace && ($0.name == "*" || $0.name == own.name) }
    }
}
