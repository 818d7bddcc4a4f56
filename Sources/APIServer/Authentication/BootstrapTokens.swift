import APIModel
import Store

/// Tokens by which new nodes introduce themselves: `id.secret`, each a Secret of kube-system of the type for it, good until it expires.
struct BootstrapTokens: TokenAuthenticator {
    let store: Store
    var now: @Sendable () -> Whole = { Clock.seconds }

    private static let type = "bootstrap.kubernetes.io/token"
    private static let group = "system:bootstrappers"

    /// What is none of these tokens, or not good, is unknown: others may know it, and nobody learns which tokens there are.
    func authenticate(token: String, audiences: [String]) -> TokenResult {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, Self.isWord(parts[0], 6), Self.isWord(parts[1], 16) else { return .unknown }
        let key = RecordKey(collection: "/secrets", name: "kube-system/bootstrap-token-\(parts[0])")
        guard let secret = store.get(key)?.object.value, secret["type"].string == Self.type,
            secret[path: "metadata", "deletionTimestamp"].isNull
        else { return .unknown }
        func data(_ name: String) -> String {
            secret["data"][name].string.flatMap(Base64.decode).map { String(decoding: $0, as: UTF8.self) } ?? ""
        }
        guard Self.isSame(data("token-secret"), parts[1]), data("token-id") == parts[0], !hasExpired(data("expiration")),
            data("usage-bootstrap-authentication") == "true", let groups = Self.groups(data("auth-extra-groups"))
        else { return .unknown }
        return .user(UserInfo(name: "system:bootstrap:\(parts[0])", groups: groups), audiences: nil)
    }

    private static func isWord(_ text: Substring, _ length: Int) -> Bool {
        text.utf8.count == length
            && text.utf8.allSatisfy { UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    }

    /// In the same time wherever they differ.
    private static func isSame(_ left: String, _ right: Substring) -> Bool {
        guard left.utf8.count == right.utf8.count else { return false }
        return zip(left.utf8, right.utf8).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// A time that is none has passed.
    private func hasExpired(_ text: String) -> Bool {
        guard !text.isEmpty else { return false }
        guard let end = Timestamp.parse(text) else { return true }
        return end.seconds <= now()
    }

    /// `nil` when one of them is not a group for new nodes.
    private static func groups(_ text: String) -> [String]? {
        var groups: Set = [group]
        for name in text.split(separator: ",").map({ String($0) }) {
            guard name.hasPrefix("\(group):"), isGroupPart(name.dropFirst(group.count + 1)) else { return nil }
            groups.insert(name)
        }
        return groups.sorted()
    }

    private static func isGroupPart(_ part: Substring) -> Bool {
        guard let first = part.utf8.first, let last = part.utf8.last else { return false }
        func isEnd(_ byte: UInt8) -> Bool {
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
        }
        return isEnd(first) && isEnd(last) && part.utf8.allSatisfy { isEnd($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "-") }
    }
}
