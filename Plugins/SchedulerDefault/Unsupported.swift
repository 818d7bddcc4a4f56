internal import PluginAPI
internal import PluginKit

/// Hard constraints that this policy cannot keep. A Pod that has one stays pending and says why: placing it anyhow would break what it asks
/// for.
enum Unsupported {
    static func reason(_ pod: PodNeeds) -> String? {
        for (name, terms) in [("podAffinity", pod.affinity), ("podAntiAffinity", pod.antiAffinity)] where !terms.isEmpty {
            return "the scheduler policy does not support spec.affinity.\(name).requiredDuringSchedulingIgnoredDuringExecution"
        }
        if pod.spread.contains(where: { $0.is_required != 0 }) {
            return "the scheduler policy does not support spec.topologySpreadConstraints with whenUnsatisfiable DoNotSchedule"
        }
        return nil
    }
}
