import APIModel

/// The names under which fields are owned.
enum FieldManagerName {
    private static let known = [
        "system:kube-scheduler": "kube-scheduler", "system:kube-controller-manager": "kube-controller-manager",
        "system:kube-proxy": "kube-proxy", "system:apiserver": "kube-apiserver",
    ]

    /// What those are called who say no name, as the loops of the cluster do.
    static func of(_ user: UserInfo) -> String {
        if let name = known[user.name] { return name }
        if user.name.hasPrefix("system:node:") { return "kubelet" }
        if user.name.hasPrefix("system:serviceaccount:kube-system:"), user.name.hasSuffix("-controller") {
            return "kube-controller-manager"
        }
        return user.name.split(separator: ":").last.map(String.init) ?? ""
    }

    /// The program that a client says it is.
    static func of(userAgent: String) -> String { ManagedFieldsRules.name(from: userAgent.prefix { $0 != "/" }) }
}
