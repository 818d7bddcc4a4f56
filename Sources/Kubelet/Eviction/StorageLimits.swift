import APIModel

/// How much of the node's disk a pod may use: its `emptyDir` volumes, and the layers and logs of its containers. Upstream:
/// `eviction_manager.go`, `localStorageEviction`.
struct StorageLimits {
    /// What of it a pod uses, in bytes.
    struct Use: Equatable, Sendable {
        /// By volume.
        var volumes: [String: Whole] = [:]
        /// By container: what it wrote beside its volumes, and its logs.
        var containers: [String: Whole] = [:]
    }

    let pod: Pod

    /// Names of the volumes that are on the disk.
    var volumes: [String] { onDisk.map(\.name) }

    private var onDisk: [Value] {
        pod.volumes.filter { !$0["emptyDir"].isNull && ($0[path: "emptyDir", "medium"].string ?? "").isEmpty }
    }

    var isEmpty: Bool { total == nil && onDisk.allSatisfy { limit(of: $0) == nil } }

    private var total: Quantity? { PodTotals(spec: pod.spec).limits["ephemeral-storage"].quantity }

    private func limit(of volume: Value) -> Quantity? {
        volume[path: "emptyDir", "sizeLimit"].quantity.flatMap { $0 > .zero ? $0 : nil }
    }

    /// What the pod has to go for, in the event's words; `nil` when it keeps to its limits.
    func excess(_ use: Use) -> String? {
        for volume in onDisk {
            guard let limit = limit(of: volume), use.volumes[volume.name] ?? 0 > limit.value else { continue }
            return "Usage of EmptyDir volume \"\(volume.name)\" exceeds the limit \"\(limit)\". "
        }
        let sum = (Array(use.volumes.values) + Array(use.containers.values)).reduce(Whole(0)) { $0 + $1 }
        if let total, sum > total.value { return "Pod ephemeral local storage usage exceeds the total limit of containers \(total). " }
        for container in pod.containers {
            guard let limit = container[path: "resources", "limits", "ephemeral-storage"].quantity, !limit.isZero,
                use.containers[container.name] ?? 0 > limit.value
            else { continue }
            return "Container \(container.name) exceeded its local ephemeral storage limit \"\(limit)\". "
        }
        return nil
    }
}
