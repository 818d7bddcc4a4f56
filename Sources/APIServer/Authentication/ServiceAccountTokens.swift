import APIModel
import PKI
import Store

/// The tokens of service accounts: good while their signature, time, account and whatever they are bound to are.
struct ServiceAccountTokens: TokenAuthenticator {
    let signer: TokenSigner
    let store: Store

    func authenticate(token: String, audiences: [String]) -> TokenResult {
        let claims: ServiceAccountClaims
        do throws(ServiceAccountKey.TokenError) {
            claims = try signer.key.verify(token, now: Clock.seconds)
        } catch {
            switch error {
            case .malformed, .unknownKey: return .unknown
            case .badSignature, .expired, .notYetValid: return .refused(error.description)
            }
        }
        let wanted = audiences.isEmpty ? signer.audiences : audiences
        guard claims.issuer == signer.issuer else { return .refused("the token is of another issuer") }
        guard claims.audiences.contains(where: wanted.contains) else {
            return .refused("token audiences \(claims.audiences) is invalid for the target audiences \(wanted)")
        }
        return user(claims)
    }

    private func user(_ claims: ServiceAccountClaims) -> TokenResult {
        guard exists("/serviceaccounts", claims.namespace, claims.serviceAccount) else {
            return .refused("service account \(claims.namespace)/\(claims.serviceAccount.name) has been deleted")
        }
        var user = UserInfo(name: claims.user, uid: claims.serviceAccount.uid, groups: claims.groups)
        if !claims.id.isEmpty { user.extra["authentication.kubernetes.io/credential-id"] = ["JTI=\(claims.id)"] }
        let bindings = [
            ("pod", "/pods", claims.namespace, claims.pod), ("secret", "/secrets", claims.namespace, claims.secret),
            ("node", "/nodes", "", claims.node),
        ]
        for (kind, collection, namespace, reference) in bindings {
            guard let reference else { continue }
            user.extra["authentication.kubernetes.io/\(kind)-name"] = [reference.name]
            user.extra["authentication.kubernetes.io/\(kind)-uid"] = [reference.uid]
            // A pod's token tells its node, but is bound to the pod.
            if kind == "node", claims.pod != nil { continue }
            guard exists(collection, namespace, reference) else {
                return .refused("the \(kind) \(reference.name) that the token is bound to is gone")
            }
        }
        return .user(user)
    }

    private func exists(_ collection: String, _ namespace: String, _ reference: ServiceAccountClaims.Reference) -> Bool {
        let found = store.get(Key(collection: collection, name: namespace.isEmpty ? reference.name : "\(namespace)/\(reference.name)"))
        return found?.object.uid == reference.uid
    }
}
