import APIModel
import Logging

/// What is left of pods that nobody wants any more: force-deleted while the kubelet was away, say.
struct Orphans: Sendable {
    let context: Context

    func clear(except known: Set<String>) async {
        await clearRuntime(except: known)
        for uid in Files.entries(context.configuration.rootDirectory + "/pods") where !known.contains(uid) {
            context.volumes.tearDown(uid)
            PodCgroup.remove(uid: uid)
        }
        // `namespace_name_uid`
        for entry in Files.entries(context.configuration.podLogsDirectory) {
            guard let uid = entry.split(separator: "_").last, !known.contains(String(uid)) else { continue }
            Files.removeTree("\(context.configuration.podLogsDirectory)/\(entry)")
        }
    }

    private func clearRuntime(except known: Set<String>) async {
        do {
            for sandbox in try await context.cri.sandboxes() {
                // A sandbox without the label is not a pod of a kubelet.
                guard let uid = sandbox["labels"][Label.podUID].string, !known.contains(uid), let id = sandbox["id"].string else {
                    continue
                }
                context.log.info(
                    "removing a pod that the API does not have",
                    metadata: ["pod": "\(sandbox["labels"][Label.podName].string ?? "")", "uid": "\(uid)"])
                for container in try await context.cri.containers(pod: uid)
                where container["state"].int == PodRuntime.Container.State.running.rawValue {
                    try await context.cri.stopContainer(container["id"].string ?? "", grace: 1)
                }
                try await context.cri.stopSandbox(id)
                try await context.cri.removeSandbox(id)
            }
        } catch {
            context.log.warning("pods that the API does not have could not be removed: \(error)")
        }
    }
}
