import APIModel
import OrderedCollections
import PKI

/// Secrets: `stringData` becomes `data`, and a secret for a service account gets its token.
struct SecretStrategy: Strategy {
    static let tokenType = "kubernetes.io/service-account-token"
    private static let account = "kubernetes.io/service-account.name"
    private static let accountUID = "kubernetes.io/service-account.uid"

    /// Ten years: such a token ends with its secret.
    private static let tokenLifetime: Whole = 10 * 365 * 86_400

    let rootCA: String

    func prepareForCreate(_ secret: inout Value, _ target: Target, _ write: WriteContext) async throws {
        Self.foldStrings(&secret)
        if secret["type"].string == Self.tokenType { try fillToken(&secret, target, write) }
    }

    func prepareForUpdate(_ secret: inout Value, old: Value, _ target: Target, _ write: WriteContext) async throws {
        Self.foldStrings(&secret)
    }

    private static func foldStrings(_ secret: inout Value) {
        for (name, text) in secret["stringData"].fields { secret["data"][name] = .string(Base64.encode(Array((text.string ?? "").utf8))) }
        secret["stringData"] = .null
    }

    private func fillToken(_ secret: inout Value, _ target: Target, _ write: WriteContext) throws {
        guard let name = secret[path: "metadata", "annotations"][Self.account].string, !name.isEmpty else { return }
        guard let account = write.registry.latest("/serviceaccounts", namespace: target.namespace, name: name) else {
            throw target.invalid([
                .invalid("metadata.annotations[kubernetes.io/service-account.name]", .string(name), "serviceaccount \"\(name)\" not found")
            ])
        }
        let binding = TokenSigner.Binding(secret: .init(name: target.name, uid: secret[path: "metadata", "uid"].string ?? ""))
        let tokens = write.registry.tokens
        let token = try tokens.token(account, audiences: tokens.audiences, lifetime: Self.tokenLifetime, binding: binding).text
        secret["metadata"]["annotations"][Self.accountUID] = .string(account.uid)
        let filled = ["token": token, "ca.crt": rootCA, "namespace": target.namespace]
        for (field, text) in filled.sorted(by: { $0.key < $1.key }) where secret["data"][field].isNull {
            secret["data"][field] = .string(Base64.encode(Array(text.utf8)))
        }
    }
}
