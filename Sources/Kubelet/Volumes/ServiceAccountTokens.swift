import APIModel
import Client
import Synchronization

/// Tokens of service accounts for pods, renewed when 80 % of their time is over or after a day. Upstream: `kubelet/token`.
final class ServiceAccountTokens: Sendable {
    private let client: any Client
    private let tokens = Mutex<[Key: Token]>([:])

    private struct Key: Hashable {
        var pod: String
        var account: String
        var audience: String
        var seconds: Whole
    }

    private struct Token {
        var text: String
        var issued: Whole
        var expires: Whole

        /// Seconds since 1970 from when on a new one is due.
        var renewal: Whole { issued + min((expires - issued) * 8 / 10, 24 * 3600) }
    }

    init(client: any Client) { self.client = client }

    /// A token good for a while yet. When the API cannot be reached, one that is due for renewal but has not expired will do.
    func token(for pod: Pod, audience: String, seconds: Whole) async throws -> String {
        try await issued(for: pod, audience: audience, seconds: seconds).text
    }

    /// The same, and until when it is good, in seconds since 1970.
    func issued(for pod: Pod, audience: String, seconds: Whole) async throws -> (text: String, expires: Whole) {
        let account = pod.spec["serviceAccountName"].string.flatMap { $0.isEmpty ? nil : $0 } ?? "default"
        let key = Key(pod: pod.uid, account: account, audience: audience, seconds: seconds)
        let now = Clock.seconds()
        let known = tokens.withLock { $0[key] }
        if let known, now < known.renewal { return (known.text, known.expires) }
        let request: Value = [
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": .emptyObject,
            "spec": [
                "audiences": audience.isEmpty ? [] : [.string(audience)], "expirationSeconds": .int(seconds),
                "boundObjectRef": ["kind": "Pod", "apiVersion": "v1", "name": .string(pod.name), "uid": .string(pod.uid)],
            ],
        ]
        do {
            let answer = try await client.create(.serviceAccounts, namespace: pod.namespace, name: account, subresource: "token", request)
                .value
            guard let text = answer[path: "status", "token"].string else {
                throw ConfigurationError(message: "failed to fetch token: the API answered without one")
            }
            let expires = answer[path: "status", "expirationTimestamp"].string.flatMap { Timestamp.parse($0)?.seconds } ?? now + seconds
            tokens.withLock { $0[key] = Token(text: text, issued: now, expires: expires) }
            return (text, expires)
        } catch let error as APIError {
            if let known, now < known.expires { return (known.text, known.expires) }
            throw ConfigurationError(message: "failed to fetch token: \(error.message)")
        }
    }

    /// Forgets the tokens of a pod that is gone.
    func forget(pod uid: String) { tokens.withLock { tokens in tokens = tokens.filter { $0.key.pod != uid } } }
}
