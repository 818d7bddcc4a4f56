internal import APIModel
internal import APIServer
internal import FoundationEssentials
internal import Logging
internal import PluginHost

/// What the manifests say to a process that does not run the plugins: who there is, and what each may do.
struct PluginRules: Sendable {
    struct Plugin: Sendable {
        var name: String
        var kind: ExtensionKind
        var rules: [PolicyRule]
        var user: String { "system:plugin:\(name)" }
    }

    let plugins: [Plugin]

    /// Reads the manifests of `directory`.
    /// - Throws: `StartupFailure` naming the file and what is wrong in it.
    init(directory: String) throws {
        do {
            // Of no kind: checks every manifest and loads no library.
            try PluginHost(PluginHost.Configuration(manifestDirectory: directory, libraryDirectories: [], kinds: []), log: Logger(label: "plugins")).load()
            let files = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.sorted()
            plugins = try files.flatMap { try YAML.decode(String(contentsOfFile: "\(directory)/\($0)", encoding: .utf8)) }.compactMap { manifest in
                guard let name = manifest["metadata"]["name"].string, let kind = manifest["spec"]["kind"].string.flatMap(ExtensionKind.init) else { return nil }
                return Plugin(name: name, kind: kind, rules: manifest["spec"]["rules"].elements.map(PolicyRule.init))
            }
        } catch {
            throw StartupFailure("\(error)")
        }
    }

    func names(_ kind: ExtensionKind) -> [String] { plugins.filter { $0.kind == kind }.map(\.name) }
}
