internal import APIModel
internal import APIServer
internal import Client
internal import PluginHost
internal import Synchronization

/// Which plugins there are, for an API server whose plugins run in other processes: what each may do, and who may act as it. Safe from any
/// thread.
///
/// A plugin has its rules for as long as its object is there, enabled or not: a process may be told by a flag to run what its object turns
/// off.
final class PluginUsers: Sendable {
    /// Of which kind each is; a controller of the node counts as a proxy, whose process runs it.
    private let kinds = Mutex<[String: ExtensionKind]>([:])

    /// The users `system:plugin:<name>` of what is run where plugins of one kind are.
    func users(_ kind: ExtensionKind) -> Set<String> { kinds.withLock { Set($0.lazy.filter { $0.value == kind }.map(\.key)) } }

    /// Takes an object up, at its newest. One that cannot be read stays as it was.
    func add(_ object: Object, _ grants: Grants) {
        guard let manifest = try? PluginManifest(object: object.value) else { return }
        kinds.withLock { $0[manifest.user] = manifest.isOfNode ? .proxy : manifest.kind }
        grants.set(manifest.user, rules: manifest.rules.map(PolicyRule.init))
    }

    /// Follows the objects for as long as the cache runs.
    func follow(_ cache: Cache, _ grants: Grants) {
        _ = cache.observe([.plugins]) { _, before, after in
            if let after { return self.add(after, grants) }
            guard let before else { return }
            let user = "system:plugin:\(before.name)"
            _ = self.kinds.withLock { $0.removeValue(forKey: user) }
            grants.set(user, rules: [])
        }
    }
}
