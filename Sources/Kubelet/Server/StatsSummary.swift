import APIModel

/// `/stats/summary`, as far as the machine and the pods' volumes tell without asking each container.
struct StatsSummary: Sendable {
    let context: Context
    let pods: Pods

    func make() async -> Value {
        let now = Value.string(Timestamp.now())
        let root = context.configuration.rootDirectory
        let machine = try? await context.disk.run { (memory: Machine.availableMemory(), storage: Machine.storage(root)) }
        let (available, storage) = (machine?.memory ?? 0, machine?.storage)
        let pods: [Value] = await pods.list.map { pod in
            [
                "podRef": ["name": .string(pod.name), "namespace": .string(pod.namespace), "uid": .string(pod.uid)],
                "startTime": context.statuses.status(pod.uid)?["startTime"] ?? .null, "containers": [],
            ]
        }
        return [
            "node": [
                "nodeName": .string(context.configuration.nodeName),
                "memory": ["time": now, "availableBytes": .int(available), "usageBytes": .int(context.machine.memory - available)],
                "fs": storage.map { storage in
                    [
                        "time": now, "availableBytes": .int(storage.free), "capacityBytes": .int(storage.total),
                        "usedBytes": .int(storage.total - storage.free),
                        "inodes": .int(storage.inodes), "inodesFree": .int(storage.freeInodes),
                    ]
                } ?? .null,
            ], "pods": .array(pods),
        ]
    }
}
