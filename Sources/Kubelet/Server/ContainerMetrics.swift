import APIModel

/// `/metrics/cadvisor`: what monitoring expects of containers, by cAdvisor's names. What the runtime does not tell is left out.
enum ContainerMetrics {
    static func text(_ stats: NodeStats, _ machine: Machine) -> String {
        typealias Labels = [(name: String, value: String)]
        typealias Sample = Exposition.Sample
        func labels(_ pod: Pod, container: String = "", id: String, image: String = "") -> Labels {
            [
                ("container", container), ("id", id), ("image", image), ("name", container.isEmpty ? "" : String(id.drop { $0 == "/" })),
                ("namespace", pod.namespace), ("pod", pod.name),
            ]
        }
        // A pod's group is there as a container without a name.
        let all = stats.pods.flatMap { pod -> [(labels: Labels, usage: Usage, layer: Value)] in
            [(labels(pod.pod, id: pod.group), pod.usage, .null)]
                + pod.containers.map { (labels(pod.pod, container: $0.name, id: "/" + $0.id, image: $0.image), $0.usage, $0.writableLayer) }
        }
        func numbers(_ pick: (Usage) -> Whole?) -> [Sample] {
            all.compactMap { part in pick(part.usage).map { Sample(labels: part.labels, value: "\($0)", time: stats.time) } }
        }
        func traffic(_ field: String) -> [Sample] {
            stats.pods.compactMap { pod in
                let usage = pod.network["default_interface"]
                guard let bytes = usage[path: field, "value"].int else { return nil }
                let labels = labels(pod.pod, id: pod.group) + [("interface", usage.name)]
                return Sample(labels: labels, value: "\(bytes)", time: stats.time)
            }
        }
        var exposition = Exposition()
        exposition.add(
            "container_cpu_usage_seconds_total", .counter, "Cumulative cpu time consumed in seconds.",
            all.compactMap { part in
                part.usage.cpuTime.map { Sample(labels: part.labels, value: Exposition.seconds($0), time: stats.time) }
            })
        exposition.add(
            "container_memory_usage_bytes", .gauge,
            "Current memory usage in bytes, including all memory regardless of when it was accessed",
            numbers(\.memory))
        exposition.add("container_memory_working_set_bytes", .gauge, "Current working set in bytes.", numbers(\.workingSet))
        exposition.add("container_memory_rss", .gauge, "Size of RSS in bytes.", numbers(\.rss))
        exposition.add(
            "container_fs_usage_bytes", .gauge, "Number of bytes that are consumed by the container on this filesystem.",
            all.compactMap { part in
                part.layer[path: "used_bytes", "value"].int.map { Sample(labels: part.labels, value: "\($0)", time: stats.time) }
            })
        exposition.add(
            "container_network_receive_bytes_total", .counter, "Cumulative count of bytes received", traffic("rx_bytes"))
        exposition.add(
            "container_network_transmit_bytes_total", .counter, "Cumulative count of bytes transmitted", traffic("tx_bytes"))
        exposition.add("machine_cpu_cores", .gauge, "Number of logical CPU cores.", [Sample(value: "\(machine.cpus)")])
        exposition.add("machine_memory_bytes", .gauge, "Amount of memory installed on the machine.", [Sample(value: "\(machine.memory)")])
        return exposition.text
    }
}
