import APIModel
import FileSystem
import Glibc

/// One cluster, one user and the context that joins them.
public struct Kubeconfig: Sendable, Equatable {
    public var clusterName: String
    public var userName: String
    public var contextName: String
    public var server: String
    public var caPEM: String
    public var client: KeyPair

    public init(clusterName: String, userName: String, contextName: String? = nil, server: String, caPEM: String, client: KeyPair) {
        self.clusterName = clusterName
        self.userName = userName
        self.contextName = contextName ?? "\(userName)@\(clusterName)"
        self.server = server
        self.caPEM = caPEM
        self.client = client
    }

    private var entries: [(list: String, entry: Value)] {
        func data(_ text: String) -> Value { .string(Base64.encode(Array(text.utf8))) }
        return [
            (
                "clusters",
                ["cluster": ["certificate-authority-data": data(caPEM), "server": .string(server)], "name": .string(clusterName)]
            ),
            ("contexts", ["context": ["cluster": .string(clusterName), "user": .string(userName)], "name": .string(contextName)]),
            (
                "users",
                [
                    "name": .string(userName),
                    "user": ["client-certificate-data": data(client.certificatePEM), "client-key-data": data(client.privateKeyPEM)],
                ]
            ),
        ]
    }

    /// The file's text.
    public var text: String { YAML.encode(merged(into: Self.empty, makeCurrent: true)) }

    private static let empty: Value = ["apiVersion": .string("v1"), "kind": .string("Config")]

    /// `config` with this cluster, user and context put in or replaced by name, and nothing else changed.
    func merged(into config: Value, makeCurrent: Bool) -> Value {
        var config = config
        for (list, entry) in entries {
            var all = config[list].elements
            if let index = all.firstIndex(where: { $0["name"] == entry["name"] }) { all[index] = entry } else { all.append(entry) }
            config[list] = .array(all)
        }
        if makeCurrent || config["current-context"].isEmpty { config["current-context"] = .string(contextName) }
        return config
    }

    /// Puts this into the user's own file, made when there is none. Other clusters, users and contexts stay as they are. `makeCurrent` also
    /// makes kubectl use it. Throws, and leaves the file alone, when it is no kubeconfig or another program is changing it.
    public func merge(intoFile path: String, makeCurrent: Bool = true) throws {
        let path = Self.resolve(path)
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try Files.makeDirectory(String(path[..<slash]), mode: 0o750) }
        // The lock kubectl takes.
        let lock = path + ".lock"
        let descriptor = open(lock, O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw errno == EEXIST
                ? PKIError("\(path) is being changed by another program; remove \(lock) if none runs")
                : Files.Failure(operation: "open", path: lock, code: errno)
        }
        defer {
            close(descriptor)
            unlink(lock)
        }
        var config = Self.empty
        if let text = try Files.textIfThere(path), !text.utf8.allSatisfy({ $0 == 32 || $0 == 10 }) {
            let documents: [Value]
            do { documents = try YAML.decode(text) } catch { throw PKIError("\(path) is not YAML; it was left as it is", cause: error) }
            guard documents.count == 1, case .object = documents[0], documents[0]["kind"].string ?? "Config" == "Config" else {
                throw PKIError("\(path) is no kubeconfig; it was left as it is")
            }
            config = documents[0]
        }
        try Files.replace(path, Array(YAML.encode(merged(into: config, makeCurrent: makeCurrent)).utf8), mode: 0o600)
    }

    /// The only cluster and user of a file of ours; `nil` when there is none or it is another's.
    static func load(_ path: String) throws -> Kubeconfig? {
        guard let text = try Files.textIfThere(path), let config = try? YAML.decode(text).first else { return nil }
        func decoded(_ value: Value) -> String? { value.string.flatMap(Base64.decode).map { String(decoding: $0, as: UTF8.self) } }
        guard let cluster = config["clusters"].elements.first, let user = config["users"].elements.first,
            let context = config["contexts"].elements.first,
            let clusterName = cluster["name"].string, let userName = user["name"].string, let contextName = context["name"].string,
            let server = cluster["cluster"]["server"].string,
            let ca = decoded(cluster["cluster"]["certificate-authority-data"]),
            let certificate = decoded(user["user"]["client-certificate-data"]),
            let key = decoded(user["user"]["client-key-data"])
        else { return nil }
        return Kubeconfig(
            clusterName: clusterName, userName: userName, contextName: contextName, server: server, caPEM: ca,
            client: KeyPair(certificatePEM: certificate, privateKeyPEM: key))
    }

    /// A link stays a link: what it points to is changed.
    private static func resolve(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }
}
