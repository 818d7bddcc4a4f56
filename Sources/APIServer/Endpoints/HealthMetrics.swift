import Exposition

/// What checks of health came to, as those ask who have to answer for the service. Safe from any thread.
struct HealthMetrics: MetricsSource {
    private let state = Gauges("kubernetes_healthcheck", "Whether a check was well the last time: 1 or 0.", labels: ["name", "type"])
    private let total = Counters("kubernetes_healthchecks_total", "What checks came to.", labels: ["name", "status", "type"])

    /// - Parameter type: the endpoint that asked: `livez`.
    func checked(_ name: String, _ type: String, isWell: Bool) {
        state.set(name, type, to: isWell ? 1 : 0)
        total.add(name, isWell ? "success" : "error", type)
    }

    func write(to text: inout MetricsText) {
        state.write(to: &text)
        total.write(to: &text)
    }
}
