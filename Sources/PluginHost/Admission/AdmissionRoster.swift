internal import Client
internal import Synchronization

/// The admission plugins that are to be asked, as the chain takes them: those that run, and those that should and do not.
final class AdmissionRoster: Sendable {
    private let list = Mutex(AdmissionReviewers())

    var current: AdmissionReviewers { list.withLock { $0 } }

    /// From now on requests get these. Must be called before the gate of one that is no longer among them is closed.
    func update(_ entries: [PluginEntry], _ plan: Plan) {
        var active: [any AdmissionReviewer] = []
        var shadows: [any AdmissionShadow] = []
        for (entry, verdict) in zip(entries, plan.verdicts) {
            switch entry.serving?.plugin {
            case .admission(let plugin): active.append(plugin)
            case .shadowAdmission(let shadow): shadows.append(shadow)
            default:
                guard verdict == .run, let specification = entry.manifest.admission, entry.manifest.mode == .active else { continue }
                let reason = entry.lifecycle.reason
                active.append(
                    AbsentAdmission(
                        name: entry.manifest.name, specification: specification,
                        reason: reason.isEmpty ? "the plugin does not run yet" : "the plugin does not run: \(reason)"))
            }
        }
        replace(AdmissionReviewers(active: active.sorted { $0.name < $1.name }, shadows: shadows.sorted { $0.name < $1.name }))
    }

    /// The host stops: nobody can be asked any more.
    func close() {
        let absent = current.active.map {
            AbsentAdmission(name: $0.name, specification: $0.specification, reason: "the plugin was stopped")
        }
        replace(AdmissionReviewers(active: absent))
    }

    private func replace(_ next: AdmissionReviewers) {
        list.withLock { if !$0.isEmpty || !next.isEmpty { $0 = next } }
    }
}
