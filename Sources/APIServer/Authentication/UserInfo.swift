public import APIModel
import OrderedCollections

/// Who asks: what an authenticator found out.
public struct UserInfo: Sendable, Hashable {
    public var name: String
    public var uid: String
    public var groups: [String]
    public var extra: [String: [String]]

    public init(name: String, uid: String = "", groups: [String] = [], extra: [String: [String]] = [:]) {
        self.name = name
        self.uid = uid
        self.groups = groups
        self.extra = extra
    }

    public static let anonymous = UserInfo(name: "system:anonymous", groups: ["system:unauthenticated"])
    /// The server itself.
    public static let apiserver = UserInfo(name: "system:apiserver", groups: ["system:masters", "system:authenticated"])

    /// The user with the group that every authenticated user has.
    var authenticated: UserInfo {
        guard name != "system:anonymous", !groups.contains("system:authenticated") else { return self }
        var user = self
        user.groups.append("system:authenticated")
        return user
    }

    /// A service account's user.
    static func serviceAccount(namespace: String, name: String, uid: String = "") -> UserInfo {
        UserInfo(
            name: "system:serviceaccount:\(namespace):\(name)", uid: uid,
            groups: ["system:serviceaccounts", "system:serviceaccounts:\(namespace)"])
    }

    /// Namespace and name, when the user is a service account.
    static func serviceAccount(of user: String) -> (namespace: String, name: String)? {
        // Asked about everybody, many times.
        guard user.hasPrefix("system:serviceaccount:") else { return nil }
        let parts = user.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 4, parts[0] == "system", parts[1] == "serviceaccount", !parts[2].isEmpty, !parts[3].isEmpty else { return nil }
        return (parts[2], parts[3])
    }

    /// Its name, when the user is a node.
    static func node(of user: String) -> String? {
        let prefix = "system:node:"
        guard user.hasPrefix(prefix) else { return nil }
        let name = String(user.dropFirst(prefix.count))
        return Names.dnsSubdomain(name).isEmpty ? name : nil
    }

    /// As `authentication.k8s.io/v1` writes a user.
    public var value: Value {
        [
            "username": .string(name), "uid": uid.isEmpty ? .null : .string(uid), "groups": groups.isEmpty ? .null : Value(groups),
            "extra": extra.isEmpty ? .null : extraValue,
        ]
    }

    /// In the order of its keys.
    var extraValue: Value {
        .object(Value.Fields(uniqueKeysWithValues: extra.sorted { $0.key < $1.key }.map { ($0.key, Value($0.value)) }))
    }
}
