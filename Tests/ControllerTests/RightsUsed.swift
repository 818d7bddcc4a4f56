import APIServer
import Foundation
import PluginHost
import Synchronization

/// What all tests of controllers together use of the rules of manifests. Where `APUS_CHECK_RIGHTS` is 1, which a whole run of the tests
/// does, the process fails at its end when a manifest grants what none of them used.
enum RightsUsed {
    private struct State {
        var uses: [String: Set<UsedRight>] = [:]
        var manifests: [String: PluginManifest] = [:]
        /// Plugins of clusters whose test ended early: what it would have used nobody knows.
        var spoilt: Set<String> = []
    }

    private static let state = Mutex(State())

    /// Watches what the plugins of one cluster use.
    static func record(_ manifests: [PluginManifest], _ grants: Grants) {
        _ = check
        for manifest in manifests {
            state.withLock { $0.manifests[manifest.name] = manifest }
            grants.observe(manifest.user) { use in state.withLock { _ = $0.uses[manifest.name, default: []].insert(use) } }
        }
    }

    /// A test with these plugins ended early: nothing is said of them.
    static func spoil(_ manifests: [PluginManifest]) { state.withLock { $0.spoilt.formUnion(manifests.map(\.name)) } }

    /// Once for the process.
    private static let check: Void = {
        guard ProcessInfo.processInfo.environment["APUS_CHECK_RIGHTS"] == "1" else { return }
        atexit {
            let unused = RightsUsed.unused
            for line in unused { FileHandle.standardError.write(Data("error: \(line), which no test of its controller does\n".utf8)) }
            if !unused.isEmpty { _exit(1) }
        }
    }()

    private static var unused: [String] {
        state.withLock { state in
            state.manifests.filter { !state.spoilt.contains($0.key) }.sorted { $0.key < $1.key }.flatMap { name, manifest in
                UsedRights(state.uses[name] ?? [], watched: manifest.controller?.watched ?? [])
                    .unused(of: manifest.rules.map(PolicyRule.init)).map { "the manifest of \(name) grants \($0)" }
            }
        }
    }
}
