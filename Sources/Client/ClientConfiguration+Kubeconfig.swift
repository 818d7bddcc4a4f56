import APIModel
import FileSystem
import FoundationEssentials

extension ClientConfiguration {
    /// Reads the file at `path` and takes `context`, or the current one. Files it names are read now, relative to it.
    public static func load(kubeconfig path: String, context: String? = nil) throws(Problem) -> ClientConfiguration {
        try read(kubeconfig: path) { (file, directory) throws(Problem) in
            try ClientConfiguration(file, context: context, directory: directory)
        }
    }

    /// - Parameter body: gets what the file says, and the directory that it is in.
    /// - Throws: what `body` throws, with the file's name.
    static func read<Result>(
        kubeconfig path: String, _ body: (_ file: Value, _ directory: String) throws(Problem) -> Result
    ) throws(Problem) -> Result {
        let text = String(decoding: try Self.content(of: path), as: UTF8.self)
        let documents: [Value]
        do { documents = try YAML.decode(text) } catch { throw Problem(message: "\(path): \(error)") }
        guard documents.count == 1, let document = documents.first, case .object = document else {
            throw Problem(message: "\(path): not a kubeconfig file")
        }
        let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        do throws(Problem) {
            return try body(document, directory)
        } catch {
            throw Problem(message: "\(path): \(error.message)")
        }
    }

    private init(_ file: Value, context: String?, directory: String) throws(Problem) {
        guard let name = context ?? file["current-context"].string, !name.isEmpty else {
            throw Problem(message: "no context is given and current-context is not set")
        }
        let context = try Self.entry(file, "contexts", "context", name)
        guard let clusterName = context["cluster"].string else { throw Problem(message: "context \"\(name)\" names no cluster") }
        let cluster = KubeconfigEntry(
            kind: "cluster", name: clusterName, value: try Self.entry(file, "clusters", "cluster", clusterName), directory: directory)
        let userName = context["user"].string ?? ""
        let userValue = userName.isEmpty ? .emptyObject : try Self.entry(file, "users", "user", userName)
        let user = KubeconfigEntry(kind: "user", name: userName, value: userValue, directory: directory)

        try cluster.refuse(["proxy-url", "tls-server-name", "certificate-authorities"])
        try user.refuse(["exec", "auth-provider", "username", "password", "as-uid", "as-user-extra"])
        guard let server = cluster.value["server"].string, server.hasPrefix("https://") || server.hasPrefix("http://") else {
            throw Problem(message: "cluster \"\(clusterName)\" has no server that begins with https://")
        }
        self.init(server: server)
        certificateAuthority = try cluster.content("certificate-authority")
        serverVerification = cluster.value["insecure-skip-tls-verify"].bool == true ? .none : .full
        (clientCertificate, clientKey) = try user.pair()
        // As in client-go, a file wins over a token that stands beside it.
        if let file = user.value["tokenFile"].string, !file.isEmpty {
            credential = .tokenFile(user.path(file))
        } else if let token = user.value["token"].string, !token.isEmpty {
            credential = .token(token)
        }
        impersonatedUser = user.value["as"].string ?? ""
        impersonatedGroups = user.value["as-groups"].elements.compactMap(\.string)
        namespace = context["namespace"].string ?? ""
    }

    private static func entry(_ file: Value, _ list: String, _ field: String, _ name: String) throws(Problem) -> Value {
        guard let entry = file[list].elements.first(where: { $0["name"].string == name }) else {
            throw Problem(message: "\(field) \"\(name)\" does not exist")
        }
        return entry[field]
    }
}

extension ClientConfiguration {
    /// A small file, whole.
    static func content(of path: String) throws(Problem) -> [UInt8] {
        do throws(Files.Failure) { return try Files.content(of: path) } catch {
            throw Problem(message: "cannot read \(path): \(error.reason)")
        }
    }
}

/// A cluster or a user of the file.
struct KubeconfigEntry {
    var kind: String
    var name: String
    var value: Value
    var directory: String

    func refuse(_ fields: [String]) throws(ClientConfiguration.Problem) {
        for field in fields where !value[field].isEmpty { throw problem("\(field) is not supported") }
    }

    /// What `<field>-data` holds, or the file that `field` names.
    func content(_ field: String) throws(ClientConfiguration.Problem) -> [UInt8] {
        if let text = value["\(field)-data"].string, !text.isEmpty {
            guard let data = Data(base64Encoded: text) else { throw problem("\(field)-data is not base64") }
            return Array(data)
        }
        guard let file = value[field].string, !file.isEmpty else { return [] }
        return try ClientConfiguration.content(of: path(file))
    }

    /// The certificate that a user shows and its key; both empty for none.
    func pair() throws(ClientConfiguration.Problem) -> (certificate: [UInt8], key: [UInt8]) {
        let (certificate, key) = (try content("client-certificate"), try content("client-key"))
        guard certificate.isEmpty == key.isEmpty else {
            throw .init(message: "user \"\(name)\" has a client certificate without a key, or a key without one")
        }
        return (certificate, key)
    }

    func path(_ file: String) -> String { file.hasPrefix("/") ? file : directory + file }

    private func problem(_ message: String) -> ClientConfiguration.Problem { .init(message: "\(kind) \"\(name)\": \(message)") }
}
