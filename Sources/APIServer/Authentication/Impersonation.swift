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
    static func apply(_ headers: HTTPFields, real: UserInfo, _ authorizer: AuthorizerChain) async throws -> UserInfo {
        let name = user.flatMap { headers[$0] }
        let groups = group.map { headers[values: $0] } ?? []
        let uid = uid.flatMap { headers[$0] }
        var extra: [String: [String]] = [:]
        for field in headers where field.name.canonicalName.hasPrefix(Self.extra) {
            extra[RequestInfo.percentDecoded(field.name.canonicalName.dropFirst(Self.extra.count)), default: []].append(field.value)
        }
        guard name != nil || !groups.isEmpty || uid != nil || !extra.isEmpty else { return real }
        guard let name, !name.isEmpty else { throw APIError.badRequest("requested impersonation without impersonating a user") }
        let wanted = UserInfo(name: name, uid: uid ?? "", groups: groups, extra: extra)
        for question in questions(wanted, real: real) {
            guard await authorizer.allows(question) else { throw Refusal.forbidden(question, reason: "") }
        }
        return completed(wanted)
    }

    /// The same for a loop of this process, whose rights are known here.
    /// - Throws: 403 when `real` may not act as `wanted`, as far as can be said without asking anybody.
    static func become(_ wanted: UserInfo, real: UserInfo, _ authorizer: AuthorizerChain) throws -> UserInfo {
        for question in questions(wanted, real: real) {
            guard case .allow? = authorizer.decide(question) else { throw Refusal.forbidden(question, reason: "") }
        }
        return completed(wanted)
    }

    /// What `real` must be allowed in order to act as `wanted`.
    private static func questions(_ wanted: UserInfo, real: UserInfo) -> [Attributes] {
        func question(
            _ resource: String, group: String = "", subresource: String = "", namespace: String = "", name: String
        ) -> Attributes {
            Attributes(
                user: real, verb: "impersonate", group: group, resource: resource, subresource: subresource, namespace: namespace,
                name: name)
        }
        let user =
            UserInfo.serviceAccount(of: wanted.name).map { question("serviceaccounts", namespace: $0.namespace, name: $0.name) }
            ?? question("users", name: wanted.name)
        let group = "authentication.k8s.io"
        return [user] + wanted.groups.map { question("groups", name: $0) }
            + (wanted.uid.isEmpty ? [] : [question("uids", group: group, name: wanted.uid)])
            + wanted.extra.flatMap { key, values in values.map { question("userextras", group: group, subresource: key, name: $0) } }
    }

    /// With the groups that the user has by its kind.
    private static func completed(_ wanted: UserInfo) -> UserInfo {
        var user = wanted
        if user.groups.isEmpty, let account = UserInfo.serviceAccount(of: user.name) {
            user.groups = UserInfo.serviceAccount(namespace: account.namespace, name: account.name).groups
        }
        guard user.name == UserInfo.anonymous.name else { return user.authenticated }
        if !user.groups.contains("system:unauthenticated") { user.groups.append("system:unauthenticated") }
        return user
    }
}
