import APIModel
import Exposition

/// How often a configuration was read again, and when that was last, under upstream's names. Safe from any thread.
struct ReloadMetrics: MetricsSource {
    private static let labels = ["status", "apiserver_id_hash"]
    private let reloads: Counters
    private let lastReloads: Gauges

    /// - Parameter configuration: `authentication`, `authorization` or `encryption`.
    init(_ configuration: String) {
        let prefix = "apiserver_\(configuration)_config_controller_automatic"
        reloads = Counters("\(prefix)_reloads_total", "How often the configuration was read again.", labels: Self.labels)
        lastReloads = Gauges("\(prefix)_reload_last_timestamp_seconds", "When that was last, in seconds since 1970.", labels: Self.labels)
    }

    /// Does what takes a changed file up, which says whether there was anything to take up, and counts how that ended.
    func measure(_ body: () async throws -> Bool) async throws -> Bool {
        do {
            let isChanged = try await body()
            if isChanged { count("success") }
            return isChanged
        } catch {
            if !Task.isCancelled { count("failure") }
            throw error
        }
    }

    private func count(_ status: String) {
        // This server has no name of its own among others.
        reloads.add(status, "")
        lastReloads.set(status, "", to: Clock.seconds.int64)
    }

    func write(to text: inout MetricsText) {
        reloads.write(to: &text)
        lastReloads.write(to: &text)
    }
}
