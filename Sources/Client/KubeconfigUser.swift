import APIModel

/// What a user of a kubeconfig file shows, whatever server it is shown to.
public struct KubeconfigUser: Sendable, Equatable {
    /// PEM, with the intermediates; empty for none.
    public var certificate: [UInt8]
    public var key: [UInt8]
    /// The header `Authorization`, `nil` for none.
    public var authorization: String?

    public init(certificate: [UInt8], key: [UInt8], authorization: String?) {
        self.certificate = certificate
        self.key = key
        self.authorization = authorization
    }

    /// All users of the file at `path` by name, and that of its current context, if it has one. Files that it names are read now.
    public static func all(
        in path: String
    ) throws(ClientConfiguration.Problem) -> (byName: [String: KubeconfigUser], current: KubeconfigUser?) {
        try ClientConfiguration.read(kubeconfig: path) { (file, directory) throws(ClientConfiguration.Problem) in
            var users: [String: KubeconfigUser] = [:]
            for entry in file["users"].elements {
                let name = entry["name"].string ?? ""
                users[name] = try KubeconfigUser(KubeconfigEntry(kind: "user", name: name, value: entry["user"], directory: directory))
            }
            let context = file["contexts"].elements.first { $0["name"] == file["current-context"] }?["context"]
            return (users, context?["user"].string.flatMap { users[$0] })
        }
    }

    private init(_ entry: KubeconfigEntry) throws(ClientConfiguration.Problem) {
        try entry.refuse(["exec", "auth-provider", "as", "as-uid", "as-groups", "as-user-extra"])
        (certificate, key) = try entry.pair()
        if let token = entry.value["token"].string, !token.isEmpty {
            authorization = "Bearer \(token)"
        } else if let file = entry.value["tokenFile"].string, !file.isEmpty {
            let token = String(decoding: try ClientConfiguration.content(of: entry.path(file)), as: UTF8.self)
            authorization = "Bearer \(token.filter { !$0.isWhitespace })"
        } else if let name = entry.value["username"].string, !name.isEmpty {
            let pair = "\(name):\(entry.value["password"].string ?? "")"
            authorization = "Basic \(Base64.encode(Array(pair.utf8)))"
        }
    }
}
