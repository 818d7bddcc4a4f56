import APIModel

/// `--admission-control-config-file`: what single members of the chain are told.
public struct AdmissionConfiguration: Sendable {
    /// By member.
    private var configurations: [String: Value] = [:]

    private static let versions = ["apiserver.config.k8s.io/v1", "apiserver.k8s.io/v1alpha1"]

    /// Tells nobody anything.
    public init() {}

    /// - Parameter read: the text of a file that the configuration names, relative to it.
    /// - Throws: `ConfigurationProblem` for what is wrong with the file itself, and for a member that takes no configuration.
    public init(_ text: String, read: (_ path: String) throws -> String) throws {
        let known = Admission.configurable
        let plugins = try ConfigurationFile.read(text, kind: "AdmissionConfiguration", versions: Self.versions) { file in
            try file.objects("plugins") { plugin -> (String, Value) in
                let name = try plugin.required("name")
                guard known.contains(name) else {
                    throw plugin.problem(
                        "name",
                        "\(FieldError.quoted(name)) takes no configuration; those that do are \(known.sorted().joined(separator: ", "))")
                }
                let (path, inline) = (try plugin.string("path") ?? "", plugin.value("configuration"))
                guard inline.isNull else { return (name, inline) }
                guard !path.isEmpty else { return (name, .null) }
                let documents: [Value]
                do {
                    documents = try YAML.decode(try read(path))
                } catch {
                    throw plugin.problem("path", "\(path): \(error)")
                }
                guard documents.count == 1 else { throw plugin.problem("path", "\(path): expected one object, found \(documents.count)") }
                return (name, documents[0])
            }
        }
        for (name, value) in plugins {
            guard configurations[name] == nil else { throw ConfigurationProblem("plugin \(FieldError.quoted(name)) is configured twice") }
            configurations[name] = value
        }
    }

    /// What a member is told, `nil` when that is nothing.
    subscript(member: String) -> Value? { configurations[member].flatMap { $0.isNull ? nil : $0 } }
}
