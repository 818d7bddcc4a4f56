import APIModel
import PKI
import Store

/// The tokens of service accounts: good while their signature, time, account and whatever they are bound to are.
struct ServiceAccountTokens: TokenAuthenticator {
    let signer: TokenSigner
    let store: Store
    let uses: SecretTokenUses

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
        guard claims.issuer == signer.issuer || signer.formerIssuers.contains(claims.issuer) else { return .unknown }
        let agreed = wanted.filter(claims.audiences.contains)
        guard !agreed.isEmpty else { return .refused(Authentication.otherAudience(claims.audiences, wanted)) }
        return user(claims, audiences: agreed)
    }

    private func user(_ claims: ServiceAccountClaims, audiences: [String]) -> TokenResult {
        guard lives("/serviceaccounts", claims.namespace, claims.serviceAccount) else {
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
            if kind != "secret" {
                user.extra["authentication.kubernetes.io/\(kind)-name"] = [reference.name]
                user.extra["authentication.kubernetes.io/\(kind)-uid"] = reference.uid.isEmpty ? nil : [reference.uid]
            }
            // A pod's token tells its node, but is bound to the pod.
            if kind == "node", claims.pod != nil { continue }
            guard lives(collection, namespace, reference) else { return .refused("service account token has been invalidated") }
            if kind == "secret", let refusal = use(namespace, reference, of: claims) { return .refused(refusal) }
        }
        return .user(user, audiences: audiences)
    }

    /// Notes that the token that lies in a secret was used; another, which is only bound to one, ends by itself.
    /// - Returns: why it is not good any more, where somebody has marked it.
    private func use(_ namespace: String, _ secret: ServiceAccountClaims.Reference, of claims: ServiceAccountClaims) -> String? {
        guard let object = store.get(RecordKey(collection: "/secrets", name: "\(namespace)/\(secret.name)"))?.object,
            object.value["type"].string == SecretStrategy.tokenType
        else { return nil }
        uses.note(object)
        guard object.labels[SecretTokenUses.invalidSince]?.isEmpty == false else { return nil }
        return
            "the token in secret \(namespace)/\(secret.name) for service account \(namespace)/\(claims.serviceAccount.name) has been marked "
            + "invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the "
            + "'\(SecretTokenUses.invalidSince)' label from the secret to temporarily allow use of this token"
    }

    /// An object that waits for its finalizers is gone for its tokens, once the clocks of a cluster cannot disagree on it any more.
    private func lives(_ collection: String, _ namespace: String, _ reference: ServiceAccountClaims.Reference) -> Bool {
        let key = RecordKey(collection: collection, name: namespace.isEmpty ? reference.name : "\(namespace)/\(reference.name)")
        guard let object = store.get(key)?.object, object.uid == reference.uid else { return false }
        guard let end = object.metadata["deletionTimestamp"].string.flatMap({ Timestamp.parse($0) }) else { return true }
        return end.seconds >= Clock.seconds - Whole(Self.leeway)
    }

    /// Seconds.
    private static let leeway: Int64 = 60
}
