import APIServer
import Foundation
import PluginHost
import Synchronization

/// What all tests of controllers together use of the rules of manifests. Where `APUS_CHECK_RIGHTS` is set, which a whole run of the tests
/// does, the process fails at its end when a manifest grants what none of them used.
enum RightsUsed {
    private struct State {
        var uses: [String: Set<UsedRight>] = [:]
        var manifests: [String: PluginManifest] = [:]
    }

    private static let state = Mutex(State())

    /// Granted and, as yet, used by no test: each is to be tested or taken away. Owners' finalizers are asked for by the admission plugin
    /// `OwnerReferencesPermissionEnforcement`, which is off.
    private static let untested: [String: Set<String>] = [
        "cronjob": ["update cronjobs/finalizers"],
        "daemonset": ["update daemonsets/finalizers", "delete controllerrevisions", "patch pods"],
        "deployment": ["update deployments", "patch deployments/finalizers", "update deployments/finalizers", "patch deployments/status"],
        "disruption": ["patch pods/status"],
        "endpoints": ["create endpoints/restricted"],
        "endpointslice": ["update services/finalizers", "create endpointslices/restricted"],
        "endpointslicemirroring": ["update endpoints/finalizers", "create endpointslices/restricted"],
        "ephemeral-volume": ["update pods/finalizers"],
        "horizontalpodautoscaler": ["[\"get\"] of [\"*\"]", "[\"list\"] of [\"*\"]"],
        "job": ["update jobs/finalizers"],
        "podgc": ["update pods/status"],
        "replicaset": [
            "patch replicasets", "update replicasets", "patch replicasets/finalizers", "update replicasets/finalizers",
            "patch replicasets/status", "update pods",
        ],
        "replicationcontroller": ["update replicationcontrollers/finalizers"],
        "statefulset": ["update statefulsets/finalizers", "delete controllerrevisions", "patch pods", "update pods/finalizers"],
    ]

    /// Watches what the plugins of one cluster use.
    static func record(_ manifests: [PluginManifest], _ grants: Grants) {
        _ = check
        for manifest in manifests {
            state.withLock { $0.manifests[manifest.name] = manifest }
            grants.observe(manifest.user) { use in state.withLock { _ = $0.uses[manifest.name, default: []].insert(use) } }
        }
    }

    /// Once for the process.
    private static let check: Void = {
        guard ProcessInfo.processInfo.environment["APUS_CHECK_RIGHTS"] != nil else { return }
        atexit {
            let unused = RightsUsed.unused
            for line in unused { FileHandle.standardError.write(Data("error: \(line), which no test of its controller does\n".utf8)) }
            if !unused.isEmpty { _exit(1) }
        }
    }()

    private static var unused: [String] {
        state.withLock { state in
            state.manifests.sorted { $0.key < $1.key }.flatMap { name, manifest in
                UsedRights(state.uses[name] ?? [], watched: manifest.controller?.watched ?? [])
                    .unused(of: manifest.rules.map(PolicyRule.init)).filter { untested[name]?.contains($0) != true }.map {
                        "the manifest of \(name) grants \($0)"
                    }
            }
        }
    }
}
