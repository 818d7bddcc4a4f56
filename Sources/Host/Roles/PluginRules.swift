internal import APIServer
internal import PluginHost

/// What the manifests say to a process that does not run the plugins: who there is, and what each may do.
struct PluginRules: Sendable {
    let plugins: [PluginManifest]

    /// Reads the manifests of `directory`.
    /// - Throws: `StartupFailure` naming the file and what is wrong in it.
    init(directory: String) throws {
        do { plugins = try PluginManifest.read(directory: directory) } catch { throw StartupFailure("\(error)") }
    }

    func names(_ kind: ExtensionKind) -> [String] { plugins.filter { $0.kind == kind }.map(\.name) }
}
