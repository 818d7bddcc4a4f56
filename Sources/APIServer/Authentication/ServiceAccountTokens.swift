import APIModel
import Store

/// The tokens of service accounts: good while their signature, time, account and whatever they are bound to are.
struct ServiceAccountTokens: TokenAuthenticator {
    let issuer: any TokenIssuer
    let store: Store
    /// What this server calls itself.
    let audiences: [String]

    func authenticate(token: String, audiences: [String]) -> TokenResult {
        guard token.split(separator: ".", omittingEmptySubsequences: false).count == 3, let claims = issuer.verify(token) else { return .unknown }
        guard let subject = claims["sub"].string, let account = UserInfo.serviceAccount(of: subject) else { return .refused("the token is of no service account") }
        let now = Clock.seconds
        if let expiry = claims["exp"].int, expiry <= now { return .refused("token has expired") }
        if let begin = claims["nbf"].int, begin > now + 60 { return .refused("token is not valid yet") }
        return claims["kubernetes.io"].isNull ? legacy(claims, account) : bound(claims, account, audiences.isEmpty ? self.audiences : audiences)
    }

    private func object(_ collection: String, _ namespace: String, _ name: String) -> Object? {
        store.get(Key(collection: collection, name: namespace.isEmpty ? name : "\(namespace)/\(name)"))?.object
    }

    private func bound(_ claims: Value, _ account: (namespace: String, name: String), _ audiences: [String]) -> TokenResult {
        let meant = claims["aud"].string.map { [$0] } ?? claims["aud"].elements.compactMap(\.string)
        guard claims["iss"].string == issuer.issuer else { return .refused("the token is of another issuer") }
        guard meant.contains(where: audiences.contains) else { return .refused("token audiences \(meant) is invalid for the target audiences \(audiences)") }
        let binding = claims["kubernetes.io"]
        guard let found = object("/serviceaccounts", account.namespace, account.name), found.uid == binding[path: "serviceaccount", "uid"].string else {
            return .refused("service account \(account.namespace)/\(account.name) has been deleted")
        }
        var user = UserInfo.serviceAccount(namespace: account.namespace, name: account.name, uid: found.uid)
        if let id = claims["jti"].string { user.extra["authentication.kubernetes.io/credential-id"] = ["JTI=\(id)"] }
        for (kind, collection, namespace) in [("pod", "/pods", account.namespace), ("secret", "/secrets", account.namespace), ("node", "/nodes", "")] {
            let reference = binding[kind]
            guard let name = reference["name"].string else { continue }
            user.extra["authentication.kubernetes.io/\(kind)-name"] = [name]
            if let uid = reference["uid"].string { user.extra["authentication.kubernetes.io/\(kind)-uid"] = [uid] }
            // A pod's token tells its node, but is bound to the pod.
            if kind == "node", !binding["pod"].isNull { continue }
            guard let found = object(collection, namespace, name), found.uid == reference["uid"].string else {
                return .refused("the \(kind) \(name) that the token is bound to is gone")
            }
        }
        return .user(user)
    }

    /// A token without expiry, good while the secret that holds it exists.
    private func legacy(_ claims: Value, _ account: (namespace: String, name: String)) -> TokenResult {
        let prefix = "kubernetes.io/serviceaccount/"
        guard let name = claims["\(prefix)secret.name"].string, object("/secrets", account.namespace, name)?.isBeingDeleted == false else {
            return .refused("the secret of the token is gone")
        }
        guard let found = object("/serviceaccounts", account.namespace, account.name), found.uid == claims["\(prefix)service-account.uid"].string else {
            return .refused("service account \(account.namespace)/\(account.name) has been deleted")
        }
        return .user(.serviceAccount(namespace: account.namespace, name: account.name, uid: found.uid))
    }
}
