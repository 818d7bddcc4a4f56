import APIModel
import OrderedCollections

/// Secrets: `stringData` becomes `data`, and a secret for a service account gets its token.
struct SecretStrategy: Strategy {
    private static let tokenType = "kubernetes.io/service-account-token"
    private static let account = "kubernetes.io/service-account.name"
    private static let accountUID = "kubernetes.io/service-account.uid"

    let rootCA: String

    func prepareForCreate(_ secret: inout Value, _ target: Target, _ write: Write) async throws {
        Self.foldStrings(&secret)
        if secret["type"].string == Self.tokenType { try fillToken(&secret, target, write) }
    }

    func prepareForUpdate(_ secret: inout Value, old: Value, _ target: Target, _ write: Write) async throws { Self.foldStrings(&secret) }

    private static func foldStrings(_ secret: inout Value) {
        for (name, text) in secret["stringData"].fields { secret["data"][name] = .string(Base64.encode(Array((text.string ?? "").utf8))) }
        secret["stringData"] = .null
    }

    private func fillToken(_ secret: inout Value, _ target: Target, _ write: Write) throws {
        guard let name = secret[path: "metadata", "annotations"][Self.account].string, !name.isEmpty else { return }
        guard let account = write.registry.latest("/serviceaccounts", namespace: target.namespace, name: name) else {
            throw target.invalid([.invalid("metadata.annotations[kubernetes.io/service-account.name]", .string(name), "serviceaccount \"\(name)\" not found")])
        }
        let claims: Value = [
            "iss": "kubernetes/serviceaccount", "sub": .string("system:serviceaccount:\(target.namespace):\(name)"),
            "kubernetes.io/serviceaccount/namespace": .string(target.namespace), "kubernetes.io/serviceaccount/service-account.name": .string(name),
            "kubernetes.io/serviceaccount/service-account.uid": .string(account.uid), "kubernetes.io/serviceaccount/secret.name": .string(target.name),
        ]
        secret["metadata"]["annotations"][Self.accountUID] = .string(account.uid)
        let filled = ["token": try write.registry.tokens.sign(claims), "ca.crt": rootCA, "namespace": target.namespace]
        for (field, text) in filled.sorted(by: { $0.key < $1.key }) where secret["data"][field].isNull { secret["data"][field] = .string(Base64.encode(Array(text.utf8))) }
    }
}
