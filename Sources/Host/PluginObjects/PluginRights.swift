internal import APIServer
internal import PluginHost
internal import Synchronization

/// Lets plugins do at the API server of this process what the manifests they run by say: from before they start until after they stopped.
///
/// One change can start and stop others, which replace each other. So all that might run have their rules while the host changes something,
/// and those that do run keep them.
final class PluginRights: Sendable {
    private struct Plugin {
        /// The newest; `nil` once the plugin is to go.
        var wanted: PluginManifest?
        /// What holds while nothing changes.
        var rules: [PolicyRule] = []
    }

    private let grants: Grants
    private let plugins = Mutex<[String: Plugin]>([:])

    init(_ grants: Grants) { self.grants = grants }

    /// The host is about to run a plugin by `manifest`, beside what runs of it already.
    func begin(_ manifest: PluginManifest) { open { $0[manifest.name, default: Plugin()].wanted = manifest } }

    /// The host is about to stop a plugin.
    func end(_ name: String) { open { $0[name]?.wanted = nil } }

    private func open(_ change: (inout [String: Plugin]) -> Void) {
        plugins.withLock { plugins in
            change(&plugins)
            for (name, plugin) in plugins {
                let new = plugin.wanted.flatMap { $0.enabled ? $0.rules.map(PolicyRule.init) : nil } ?? []
                grants.set(Self.user(name), rules: plugin.rules + new.filter { !plugin.rules.contains($0) })
            }
        }
    }

    /// The host has done what it could.
    func settle(_ host: PluginHost) {
        let running = Set(host.manifests.map(\.name))
        let failed = Set(host.plugins.lazy.filter { $0.state == .failed }.map(\.name))
        plugins.withLock { plugins in
            for (name, plugin) in plugins {
                var plugin = plugin
                if !running.contains(name) {
                    plugin.rules = []
                } else if !failed.contains(name), let wanted = plugin.wanted {
                    // Where the newest failed, what ran before goes on, by the rules it had.
                    plugin.rules = wanted.rules.map(PolicyRule.init)
                }
                grants.set(Self.user(name), rules: plugin.rules)
                plugins[name] = plugin.wanted == nil ? nil : plugin
            }
        }
    }

    private static func user(_ plugin: String) -> String { "system:plugin:\(plugin)" }
}
