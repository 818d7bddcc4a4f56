public import APIModel

/// Who uses a kubelet's server.
public struct KubeletUser: Sendable, Hashable {
    public var name: String
    public var uid: String
    public var groups: [String]
    /// As a `TokenReview` tells it.
    public var extra: Value

    public init(name: String, uid: String = "", groups: [String] = [], extra: Value = .null) {
        self.name = name
        self.uid = uid
        self.groups = groups
        self.extra = extra
    }

    /// With the group that a TokenReview adds by itself.
    var authenticated: KubeletUser {
        guard !groups.contains("system:authenticated") else { return self }
        var user = self
        user.groups.append("system:authenticated")
        return user
    }
}
