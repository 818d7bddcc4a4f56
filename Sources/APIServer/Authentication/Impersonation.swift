import APIModel
import HTTPServer
import HTTPTypes

/// Acting as somebody else, by the `Impersonate-…` headers.
enum Impersonation {
    private static let user = HTTPField.Name("Impersonate-User")
    private static let uid = HTTPField.Name("Impersonate-Uid")
    private static let group = HTTPField.Name("Impersonate-Group")
    private static let extra = "impersonate-extra-"

    /// The user to act as, which is `real` without such headers.
    /// - Throws: 403 when the real user may not, 400 when there is no user to act as.
    static func apply(_ headers: HTTPFields, real: UserInfo, _ authorizer: any Authorizer) throws -> UserInfo {
        let name = user.flatMap { headers[$0] }
        let groups = group.map { headers[values: $0] } ?? []
        let uid = uid.flatMap { headers[$0] }
        var extra: [String: [String]] = [:]
        for field in headers where field.name.canonicalName.hasPrefix(Self.extra) {
            extra[RequestInfo.percentDecoded(field.name.canonicalName.dropFirst(Self.extra.count)), default: []].append(field.value)
        }
        guard name != nil || !groups.isEmpty || uid != nil || !extra.isEmpty else { return real }
        guard let name, !name.isEmpty else { throw APIError.badRequest("requested impersonation without impersonating a user") }
        return try become(UserInfo(name: name, uid: uid ?? "", groups: groups, extra: extra), real: real, authorizer)
    }

    /// - Throws: 403 when `real` may not act as `wanted`.
    static func become(_ wanted: UserInfo, real: UserInfo, _ authorizer: any Authorizer) throws -> UserInfo {
        var wanted = wanted
        let asked = wanted.groups
        func require(_ resource: String, group: String, subresource: String = "", namespace: String = "", name: String) throws {
            let attributes = Attributes(
                user: real, verb: "impersonate", group: group, resource: resource, subresource: subresource, namespace: namespace,
                name: name)
            guard case .allow = authorizer.authorize(attributes) else { throw Refusal.forbidden(attributes, reason: "") }
        }
        if let account = UserInfo.serviceAccount(of: wanted.name) {
            try require("serviceaccounts", group: "", namespace: account.namespace, name: account.name)
            if wanted.groups.isEmpty { wanted.groups = UserInfo.serviceAccount(namespace: account.namespace, name: account.name).groups }
        } else {
            try require("users", group: "", name: wanted.name)
        }
        for group in asked { try require("groups", group: "", name: group) }
        if !wanted.uid.isEmpty { try require("uids", group: "authentication.k8s.io", name: wanted.uid) }
        for (key, values) in wanted.extra {
            for value in values { try require("userextras", group: "authentication.k8s.io", subresource: key, name: value) }
        }
        if wanted.name == UserInfo.anonymous.name {
            if !wanted.groups.contains("system:unauthenticated") { wanted.groups.append("system:unauthenticated") }
            return wanted
        }
        return wanted.authenticated
    }
}
