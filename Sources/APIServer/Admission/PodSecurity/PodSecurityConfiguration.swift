import APIModel

/// What a cluster asks of pods whose namespace says nothing, and whom it asks nothing of.
struct PodSecurityConfiguration: Sendable {
    var defaults = PodSecurityPolicy()
    var users: Set<String> = []
    var runtimeClasses: Set<String> = []
    var namespaces: Set<String> = []

    private static let versions = ["v1", "v1beta1", "v1alpha1"].map { "pod-security.admission.config.k8s.io/\($0)" }

    /// Nothing is asked, and nobody exempt.
    init() {}

    /// - Throws: `ConfigurationProblem`.
    init(_ configuration: Value) throws {
        let read = try ConfigurationFile.read(configuration, kind: "PodSecurityConfiguration", versions: Self.versions) { file in
            let defaults = try file.object("defaults") { fields in
                // As labels of a namespace say it.
                var labels: Value = .emptyObject
                for mode in ["enforce", "audit", "warn"] {
                    for name in [mode, "\(mode)-version"] {
                        if let text = try fields.string(name), !text.isEmpty { labels[PodSecurityPolicy.prefix + name] = .string(text) }
                    }
                }
                var errors: [FieldError] = []
                let policy = PodSecurityPolicy(exactly: labels, &errors)
                if let problem = Aggregate.text(errors.map(\.message)) { throw ConfigurationProblem("\(fields.path): \(problem)") }
                return policy
            }
            let exemptions = try file.object("exemptions") { fields in
                (try fields.strings("usernames"), try fields.strings("runtimeClasses"), try fields.strings("namespaces"))
            }
            return (defaults, exemptions)
        }
        defaults = read.0 ?? PodSecurityPolicy()
        if let exemptions = read.1 {
            (users, runtimeClasses, namespaces) = (Set(exemptions.0), Set(exemptions.1), Set(exemptions.2))
        }
    }

    /// Why a pod is judged by nothing, as the audit log tells it; `nil` when it is judged.
    func exemption(namespace: String, user: String, runtimeClass: String?) -> String? {
        if namespaces.contains(namespace) { return "namespace" }
        if users.contains(user) { return "user" }
        return runtimeClass.map(runtimeClasses.contains) == true ? "runtimeClass" : nil
    }
}
