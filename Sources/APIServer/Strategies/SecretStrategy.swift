import APIModel
import OrderedCollections
import PKI

/// Secrets: one for a service account gets its token.
struct SecretStrategy: Strategy {
    static let tokenType = "kubernetes.io/service-account-token"
    private static let account = "kubernetes.io/service-account.name"
    private static let accountUID = "kubernetes.io/service-account.uid"

    /// Ten years: such a token ends with its secret.
    private static let tokenLifetime: Whole = 10 * 365 * 86_400

    let rootCA: String

    func prepareForCreate(_ secret: inout Value, _ target: Target, _ write: WriteContext) async throws {
        guard secret["type"].string == Self.tokenType, let name = Self.accountName(of: secret) else { return }
        guard let account = write.registry.latest("/serviceaccounts", namespace: target.namespace, name: name) else {
            throw target.invalid([
                .invalid("metadata.annotations[kubernetes.io/service-account.name]", .string(name), "serviceaccount \"\(name)\" not found")
            ])
        }
        try fillToken(&secret, account, target, write)
    }

    func prepareForUpdate(_ secret: inout Value, old: Value, _ target: Target, _ write: WriteContext) async throws {
        guard secret["type"].string == Self.tokenType, secret["immutable"].bool != true, let name = Self.accountName(of: secret),
            let account = write.registry.latest("/serviceaccounts", namespace: target.namespace, name: name),
            secret[path: "metadata", "annotations"][Self.accountUID].string == account.uid
        else { return }
        // What was taken out comes back.
        try fillToken(&secret, account, target, write)
    }

    private static func accountName(of secret: Value) -> String? {
        let name = secret[path: "metadata", "annotations"][account].string
        return name?.isEmpty == true ? nil : name
    }

    /// The token and the namespace where they are missing, and in any case the cluster's CA.
    private func fillToken(_ secret: inout Value, _ account: Object, _ target: Target, _ write: WriteContext) throws {
        secret["metadata"]["annotations"][Self.accountUID] = .string(account.uid)
        func fill(_ field: String, _ text: String) { secret["data"][field] = .string(Base64.encode(Array(text.utf8))) }
        fill("ca.crt", rootCA)
        if secret["data"]["namespace"].isNull { fill("namespace", target.namespace) }
        guard secret["data"]["token"].isNull else { return }
        let binding = TokenSigner.Binding(secret: .init(name: target.name, uid: secret[path: "metadata", "uid"].string ?? ""))
        let tokens = write.registry.tokens
        fill("token", try tokens.token(account, audiences: tokens.audiences, lifetime: Self.tokenLifetime, binding: binding).text)
    }
}
