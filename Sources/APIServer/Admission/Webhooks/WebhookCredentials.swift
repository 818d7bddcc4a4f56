import APIModel
import Client

/// As whom this server comes to admission webhooks: the users of a kubeconfig file, which are named after where the webhooks are.
struct WebhookCredentials: Sendable {
    private var users: [String: KubeconfigUser] = [:]
    private var current: KubeconfigUser?

    private static let kinds = [
        ("WebhookAdmissionConfiguration", "apiserver.config.k8s.io/v1"), ("WebhookAdmission", "apiserver.config.k8s.io/v1alpha1"),
    ]

    /// As nobody.
    init() {}

    init(_ users: [String: KubeconfigUser], current: KubeconfigUser? = nil) {
        self.users = users
        self.current = current
    }

    /// - Throws: `ConfigurationProblem`.
    init(_ configuration: Value?) throws {
        guard let configuration else { return }
        let (kind, version) = Self.kinds.first { $0.0 == configuration["kind"].string } ?? Self.kinds[0]
        let path = try ConfigurationFile.read(configuration, kind: kind, versions: [version]) { file in
            guard (try file.string("staticManifestsDir") ?? "").isEmpty else {
                throw file.problem(
                    "staticManifestsDir", "belongs to the feature ManifestBasedAdmissionControlConfig, which is not supported")
            }
            let path = try file.string("kubeConfigFile") ?? ""
            guard path.isEmpty || path.hasPrefix("/") else { throw file.problem("kubeConfigFile", "must be an absolute file path") }
            return path
        }
        guard !path.isEmpty else { return }
        do throws(ClientConfiguration.Problem) {
            (users, current) = try KubeconfigUser.all(in: path)
        } catch {
            throw ConfigurationProblem("kubeConfigFile: \(error)")
        }
    }

    /// Who is named after the host and its port, after the end of that behind `*.`, after the host alone where the port is that of HTTPS,
    /// after all, `*`; or else the file's current one.
    func user(host: String, port: Int) -> KubeconfigUser? {
        let places = ["\(host):\(port)"] + (port == 443 ? [host] : [])
        let names = places.flatMap { place in
            let parts = place.split(separator: ".", omittingEmptySubsequences: false)
            return [place] + parts.indices.dropFirst().map { "*." + parts[$0...].joined(separator: ".") }
        }
        return (names + ["*"]).lazy.compactMap { users[$0] }.first ?? current
    }
}
