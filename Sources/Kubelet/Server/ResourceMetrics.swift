import APIModel

/// `/metrics/resource`: CPU and memory of containers, pods and the node, which autoscaling lives on. Upstream: `resource_metrics.go`.
enum ResourceMetrics {
    static func text(_ stats: NodeStats) -> String {
        typealias Labels = [(name: String, value: String)]
        typealias Sample = Exposition.Sample
        func labels(_ pod: Pod, _ container: String? = nil) -> Labels {
            (container.map { [("container", $0)] } ?? []) + [("namespace", pod.namespace), ("pod", pod.name)]
        }
        let containers = stats.pods.flatMap { pod in pod.containers.map { (labels: labels(pod.pod, $0.name), $0) } }
        let pods = stats.pods.map { (labels: labels($0.pod), $0.usage) }

        func seconds(_ labels: Labels, _ value: Whole?) -> Sample? {
            value.map { Sample(labels: labels, value: Exposition.seconds($0), time: stats.time) }
        }
        func bytes(_ labels: Labels, _ value: Whole?) -> Sample? {
            value.map { Sample(labels: labels, value: "\($0)", time: stats.time) }
        }
        var exposition = Exposition()
        exposition.add(
            "container_cpu_usage_seconds_total", .counter, "[STABLE] Cumulative cpu time consumed by the container in core-seconds",
            containers.compactMap { seconds($0, $1.usage.cpuTime) })
        exposition.add(
            "container_memory_working_set_bytes", .gauge, "[STABLE] Current working set of the container in bytes",
            containers.compactMap { bytes($0, $1.usage.workingSet) })
        exposition.add(
            "container_start_time_seconds", .gauge, "[STABLE] Start time of the container since unix epoch in seconds",
            containers.map { Sample(labels: $0, value: Exposition.seconds($1.startedAt)) })
        exposition.add(
            "node_cpu_usage_seconds_total", .counter, "[STABLE] Cumulative cpu time consumed by the node in core-seconds",
            [seconds([], stats.usage.cpuTime)].compactMap { $0 })
        exposition.add(
            "node_memory_working_set_bytes", .gauge, "[STABLE] Current working set of the node in bytes",
            [bytes([], stats.usage.workingSet)].compactMap { $0 })
        exposition.add(
            "pod_cpu_usage_seconds_total", .counter, "[STABLE] Cumulative cpu time consumed by the pod in core-seconds",
            pods.compactMap { seconds($0, $1.cpuTime) })
        exposition.add(
            "pod_memory_working_set_bytes", .gauge, "[STABLE] Current working set of the pod in bytes",
            pods.compactMap { bytes($0, $1.workingSet) })
        exposition.add(
            "resource_scrape_error", .gauge, "[STABLE] 1 if there was an error while getting container metrics, 0 otherwise",
            [Sample(value: "0")])
        return exposition.text
    }
}
