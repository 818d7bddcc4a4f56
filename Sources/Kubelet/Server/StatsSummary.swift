import APIModel

/// `/stats/summary`: the node, its pods and their containers at one moment. Upstream: `stats/v1alpha1`.
struct StatsSummary: Sendable {
    let context: Context
    let stats: NodeStats

    func make() async -> Value {
        let root = context.configuration.rootDirectory
        let machine = try? await context.disk.run { (storage: Machine.storage(root), processes: Machine.processes()) }
        let storage = machine?.storage.map(fileSystem) ?? .null
        var node = used(stats.usage, rate: stats.cpuRate, available: stats.availableMemory)
        node["nodeName"] = .string(context.configuration.nodeName)
        node["fs"] = storage
        node["runtime"] = ["imageFs": storage]
        if let processes = machine?.processes {
            node["rlimit"] = ["time": time, "maxpid": .int(processes.limit), "curproc": .int(processes.count)]
        }
        return ["node": node, "pods": .array(stats.pods.map(summary))]
    }

    private var time: Value { Clock.text(stats.time) }

    private func summary(_ pod: NodeStats.OfPod) -> Value {
        var summary = used(pod.usage, rate: pod.cpuRate)
        summary["podRef"] = ["name": .string(pod.pod.name), "namespace": .string(pod.pod.namespace), "uid": .string(pod.pod.uid)]
        summary["startTime"] = pod.startTime
        summary["containers"] = .array(
            pod.containers.map { container in
                var part = used(container.usage, rate: container.cpuRate)
                part["name"] = .string(container.name)
                part["startTime"] = Clock.text(container.startedAt)
                let layer = container.writableLayer
                if !layer.isNull {
                    part["rootfs"] = [
                        "time": time, "usedBytes": layer[path: "used_bytes", "value"], "inodesUsed": layer[path: "inodes_used", "value"],
                    ]
                }
                return part
            })
        let volumes = context.volumes.csi.stats(of: pod.pod)
        if !volumes.isEmpty { summary["volume"] = .array(volumes) }
        if !pod.network.isNull {
            var network = interface(pod.network["default_interface"])
            network["time"] = time
            network["interfaces"] = .array(pod.network["interfaces"].elements.map(interface))
            summary["network"] = network
        }
        return summary
    }

    private func used(_ usage: Usage, rate: Whole?, available: Whole? = nil) -> Value {
        func number(_ value: Whole?) -> Value { value.map(Value.int) ?? .null }
        return [
            "cpu": ["time": time, "usageNanoCores": number(rate), "usageCoreNanoSeconds": number(usage.cpuTime)],
            "memory": [
                "time": time, "availableBytes": number(available), "usageBytes": number(usage.memory),
                "workingSetBytes": number(usage.workingSet),
                "rssBytes": number(usage.rss), "pageFaults": number(usage.pageFaults), "majorPageFaults": number(usage.majorPageFaults),
            ],
        ]
    }

    private func interface(_ usage: Value) -> Value {
        [
            "name": usage["name"], "rxBytes": usage[path: "rx_bytes", "value"], "rxErrors": usage[path: "rx_errors", "value"],
            "txBytes": usage[path: "tx_bytes", "value"], "txErrors": usage[path: "tx_errors", "value"],
        ]
    }

    private func fileSystem(_ storage: (total: Whole, free: Whole, inodes: Whole, freeInodes: Whole)) -> Value {
        [
            "time": time, "availableBytes": .int(storage.free), "capacityBytes": .int(storage.total),
            "usedBytes": .int(storage.total - storage.free), "inodes": .int(storage.inodes), "inodesFree": .int(storage.freeInodes),
            "inodesUsed": .int(storage.inodes - storage.freeInodes),
        ]
    }
}
