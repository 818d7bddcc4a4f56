import APIModel
import Synchronization

/// How often probes had which result: `/metrics/probes`. Safe from any task.
final class ProbeCounts: Sendable {
    private struct Key: Hashable {
        var container: String
        var namespace: String
        var pod: String
        var kind: ProbeKind
        var result: String
    }

    /// By the pod's uid.
    private let counts = Mutex<[String: [Key: Whole]]>([:])

    func note(_ outcome: Handler.Outcome, _ kind: ProbeKind, of container: String, in pod: Pod) {
        let result =
            switch outcome {
            case .success, .warning: "successful"
            case .failure: "failed"
            case .error: "unknown"
            }
        let key = Key(container: container, namespace: pod.namespace, pod: pod.name, kind: kind, result: result)
        counts.withLock { $0[pod.uid, default: [:]][key, default: 0] += 1 }
    }

    func forget(pod uid: String) { counts.withLock { $0[uid] = nil } }

    var text: String {
        let samples = counts.withLock { $0 }.flatMap { uid, counts in
            counts.map { key, count in
                Exposition.Sample(
                    labels: [
                        ("container", key.container), ("namespace", key.namespace), ("pod", key.pod), ("pod_uid", uid),
                        ("probe_type", key.kind.rawValue), ("result", key.result),
                    ], value: "\(count)")
            }
        }
        var exposition = Exposition()
        exposition.add(
            "prober_probe_total", .counter,
            "[BETA] Cumulative number of a liveness, readiness or startup probe for a container by result.",
            samples.sorted { ($0.labels.map(\.value).joined()) < ($1.labels.map(\.value).joined()) })
        return exposition.text
    }
}
