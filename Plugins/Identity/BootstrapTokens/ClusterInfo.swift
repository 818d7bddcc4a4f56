internal import APIModel
internal import Crypto
internal import OrderedCollections

/// The data of the ConfigMap `kube-public/cluster-info`, by which a new node learns whom to trust: a kubeconfig, and for each token a
/// signature of it, which only the cluster and whoever has the token can make.
enum ClusterInfo {
    static let namespace = "kube-public"
    static let name = "cluster-info"

    private static let kubeconfig = "kubeconfig"
    private static let signature = "jws-kubeconfig-"

    /// The data with one signature for each token and no other; `nil` where it is so already, or there is nothing to sign.
    static func signed(_ data: Value, _ tokens: [(id: String, secret: String)]) -> Value? {
        guard let content = data[kubeconfig].string else { return nil }
        var fields = data.fields.filter { !$0.key.hasPrefix(signature) }
        for token in tokens { fields[signature + token.id] = .string(detachedSignature(of: content, token.id, token.secret)) }
        let signed = Value.object(fields)
        return signed == data ? nil : signed
    }

    /// A JSON web signature with HMAC SHA-256, its middle part, the content, left out.
    static func detachedSignature(of content: String, _ id: String, _ secret: String) -> String {
        let header = Base64URL.encode(JSON.encode(["alg": "HS256", "kid": .string(id)]))
        let signed = "\(header).\(Base64URL.encode(content.utf8))"
        let code = HMAC<SHA256>.authenticationCode(for: Array(signed.utf8), using: SymmetricKey(data: Array(secret.utf8)))
        return "\(header)..\(Base64URL.encode(code))"
    }
}
