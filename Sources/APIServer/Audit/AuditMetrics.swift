import Exposition

/// How much is written down, and what is lost, under upstream's names.
struct AuditMetrics: MetricsSource {
    private let events = Counters("apiserver_audit_event_total", "Audit events that were made.")
    private let errors = Counters(
        "apiserver_audit_error_total", "Audit events that were not kept, by where they were lost.", labels: ["plugin"])
    private let levels = Counters("apiserver_audit_level_total", "Requests, by how much of them is written down.", labels: ["level"])
    private let refusals = Counters(
        "apiserver_audit_requests_rejected_total", "Requests that were refused, since their beginning could not be written down.")

    func made() { events.add() }
    func decided(_ level: AuditPolicy.Level) { levels.add(level.rawValue) }
    func lost(_ events: Int, by plugin: String) { errors.add(plugin, by: events) }
    func refused() { refusals.add() }

    func write(to text: inout MetricsText) {
        for family in [events, errors, levels, refusals] { family.write(to: &text) }
    }
}
