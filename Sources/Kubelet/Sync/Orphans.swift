import APIModel
import FileSystem
import Logging

/// What is left of pods that nobody wants any more: force-deleted while the kubelet was away, say.
///
/// Whether somebody wants a pod is asked again each time before something of it is taken away, never remembered over a wait: a pod may come
/// at any moment.
struct Orphans: Sendable {
    let context: Context
    /// Whether the API or a worker has a pod of that uid, at this moment.
    let isWanted: @Sendable (_ uid: String) -> Bool

    func clear() async {
        if await clearRuntime() {
            context.volumes.csi.errands.abandon(context.volumes.csi.ledger.pods.filter { !self.isWanted($0) })
            context.claims.abandon(context.claims.pods.filter { !self.isWanted($0) })
        }
        let (context, isWanted) = (context, isWanted)
        // Nothing of it needs to be waited for.
        try? await context.disk.run {
            // What drivers have there is theirs to take away first.
            for uid in Files.names(in: context.configuration.rootDirectory + "/pods")
            where !isWanted(uid) && context.volumes.csi.ledger.uses(of: uid).isEmpty {
                context.volumes.tearDown(uid)
            }
            // A process that was on its way out, or a runtime that ended in the middle of its work, leaves a pod's group where it was.
            let parent = context.configuration.cgroupRoot
            for uid in PodCgroup.uids(below: parent) where !isWanted(uid) { PodCgroup.remove(uid: uid, below: parent) }
            // `namespace_name_uid`
            for entry in Files.names(in: context.configuration.podLogsDirectory) {
                guard let uid = entry.split(separator: "_").last, !isWanted(String(uid)) else { continue }
                context.configuration.removeLogDirectory(entry)
            }
        }
    }

    /// Takes away what drivers have mounted for a pod that nothing runs of, and then the rest of its volumes.
    func removeVolumes(of uid: String) async throws {
        if isWanted(uid) { return }
        try await context.volumes.csi.tearDown(uid)
        let (context, isWanted) = (context, isWanted)
        try await context.disk.run { if !isWanted(uid) { context.volumes.tearDown(uid) } }
    }

    /// Answers whether nothing is left.
    private func clearRuntime() async -> Bool {
        do {
            for sandbox in try await context.cri.sandboxes() {
                // A sandbox without the label is not a pod of a kubelet.
                guard let uid = sandbox["labels"][Label.podUID].string, let id = sandbox["id"].string, !isWanted(uid) else { continue }
                context.log.info(
                    "removing a pod that the API does not have",
                    metadata: ["pod": "\(sandbox["labels"][Label.podName].string ?? "")", "uid": "\(uid)"])
                try await remove(sandbox: id, of: uid)
            }
            return true
        } catch {
            if !Task.isCancelled {
                context.log.warning("pods that the API does not have could not be removed: \(error)")
                NodeEvents(name: context.configuration.nodeName, events: context.events).failedToClear("\(error)")
            }
            return false
        }
    }

    private func remove(sandbox id: String, of uid: String) async throws {
        do {
            try await take(sandbox: id, of: uid)
        } catch let failure as RuntimeFailure where failure.isNotFound {
            // It went by itself meanwhile.
        }
    }

    private func take(sandbox id: String, of uid: String) async throws {
        for container in try await context.cri.containers(pod: uid)
        where container["state"].int == PodRuntime.Container.State.running.rawValue {
            if isWanted(uid) { return }
            try await context.cri.stopContainer(container["id"].string ?? "", grace: 1)
        }
        if isWanted(uid) { return }
        try await context.cri.stopSandbox(id)
        if isWanted(uid) { return }
        try await context.cri.removeSandbox(id)
        if isWanted(uid) { return }
        try await context.disk.run { PodCgroup.remove(uid: uid, below: context.configuration.cgroupRoot) }
    }
}
