import APIModel

/// What is told of the Node itself when it is other than before. Upstream: `kubelet/nodestatus`, `recordNodeSchedulableEvent`.
struct NodeEvents {
    let name: String
    let events: any EventSink

    func start() {
        events.event(aboutNode: name, .normal, "Starting", "Starting kubelet.")
        memory(reachesDisk: MemoryBacking.current.reachesDisk)
        guard CgroupSetting.isFirstVersion() else { return }
        events.event(
            aboutNode: name, .warning, "CgroupV1",
            "cgroup v1 detected. cgroup v1 support is deprecated and will be removed in a future release. Please migrate to cgroup v2.")
    }

    /// What volumes keep in memory is safe there, or not.
    func memory(reachesDisk: Bool) {
        guard reachesDisk else { return }
        events.event(
            aboutNode: name, .warning, "PossibleMemoryBackedVolumesOnDisk",
            "The tmpfs noswap option is not supported. Memory-backed volumes (e.g. secrets, emptyDirs, etc.) might be swapped to disk and should no longer be considered secure."
        )
    }

    /// What is left of pods that nobody has any more could not be taken away.
    func failedToClear(_ problem: String) { events.event(aboutNode: name, .warning, "ContainerGCFailed", problem) }

    func became(ready isReady: Bool) { status(isReady ? "NodeReady" : "NodeNotReady") }

    /// What is told of a condition when it is true and when it is not.
    private static let pressures = [
        "MemoryPressure": ("NodeHasInsufficientMemory", "NodeHasSufficientMemory"),
        "DiskPressure": ("NodeHasDiskPressure", "NodeHasNoDiskPressure"), "PIDPressure": ("NodeHasInsufficientPID", "NodeHasSufficientPID"),
    ]

    /// The Node is short of something, or no longer; the first time all is told.
    /// - Parameters:
    ///   - before: the Node's status as it was told of last; `.null` before the first time.
    ///   - after: the one that is told of now.
    func pressed(_ before: Value, _ after: Value) {
        for condition in after["conditions"].elements {
            guard let type = condition["type"].string, let (isTrue, isFalse) = Self.pressures[type],
                before["conditions"].elements.first(where: { $0["type"].string == type })?["status"] != condition["status"]
            else { continue }
            status(condition["status"].string == "True" ? isTrue : isFalse)
        }
    }

    /// Pods are put on the Node again, or no longer.
    func changed(_ before: Value, _ after: Value) {
        let isClosed = after[path: "spec", "unschedulable"].bool ?? false
        if isClosed != before[path: "spec", "unschedulable"].bool ?? false { status(isClosed ? "NodeNotSchedulable" : "NodeSchedulable") }
    }

    /// - Parameters:
    ///   - before: the Node's status that an earlier kubelet wrote.
    ///   - after: the one that takes its place.
    func followed(_ before: Value, _ after: Value) {
        let (old, new) = (before[path: "nodeInfo", "bootID"].string ?? "", after[path: "nodeInfo", "bootID"].string ?? "")
        if old.isEmpty || old == new { return }
        events.event(aboutNode: name, .warning, "Rebooted", "Node \(name) has been rebooted, boot id: \(new)")
    }

    /// All pods together are kept to what is not set aside, or not.
    /// - Parameters:
    ///   - group: theirs: `/kubepods`.
    ///   - refused: files that did not take their value.
    func enforced(in group: String, refused: [String]) {
        if refused.isEmpty {
            return events.event(aboutNode: name, .normal, "NodeAllocatableEnforced", "Updated Node Allocatable limit across pods")
        }
        let parts = group.split(separator: "/").map { FieldError.quoted(String($0)) }.joined(separator: " ")
        events.event(
            aboutNode: name, .warning, "FailedNodeAllocatableEnforcement",
            "Failed to update Node Allocatable Limits [\(parts)]: the kernel refused \(refused.joined(separator: ", "))")
    }

    private func status(_ reason: String) { events.event(aboutNode: name, .normal, reason, "Node \(name) status is now: \(reason)") }
}
