internal import APIModel
internal import PluginKit

/// A token by which a new node introduces itself: a Secret of kube-system.
struct BootstrapToken {
    static let namespace = "kube-system"
    static let type = "bootstrap.kubernetes.io/token"

    let secret: Value

    /// Those there are, in the order of their names. The manifest must watch Secrets and index them by their type.
    static func all(_ objects: Objects) throws -> [BootstrapToken] {
        try objects.list(.secrets, namespace: namespace, fields: "type=\(type)").map { BootstrapToken(secret: $0) }
    }

    /// The text under a key, empty where there is none.
    private func text(_ key: String) -> String {
        String(decoding: secret["data"][key].string.flatMap(Base64.decode) ?? [], as: UTF8.self)
    }

    /// For how many seconds it is still good: 0 when it has expired or nobody can read until when it should be, `nil` when it is for ever.
    func secondsLeft(now: Whole) -> Whole? {
        let end = text("expiration")
        guard !end.isEmpty else { return nil }
        return max(0, (Timestamp.parse(end)?.seconds ?? now) - now)
    }

    /// Its id and secret where it may sign.
    func signingKey(now: Whole) -> (id: String, secret: String)? {
        let (id, word) = (text("token-id"), text("token-secret"))
        guard secret["metadata"]["name"].string == "bootstrap-token-\(id)", Self.isID(id), !word.isEmpty, secondsLeft(now: now) != 0,
            text("usage-bootstrap-signing") == "true"
        else { return nil }
        return (id, word)
    }

    private static func isID(_ text: String) -> Bool {
        text.utf8.count == 6
            && text.utf8.allSatisfy { UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    }
}
