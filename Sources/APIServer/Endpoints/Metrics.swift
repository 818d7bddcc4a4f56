import APIModel
import Store
import Synchronization

/// Counts requests and their times, and writes them in Prometheus' text format. Safe from any thread.
///
/// Labels are what is served, for each of their values is kept for good: what a client made up counts under none.
final class Metrics: Sendable {
    private struct Labels: Hashable {
        var verb: String
        var group: String
        var version: String
        var resource: String
        var subresource: String
        var scope: String

        var text: String {
            "group=\"\(group)\",resource=\"\(resource)\",scope=\"\(scope)\",subresource=\"\(subresource)\",verb=\"\(verb)\",version=\"\(version)\""
        }
    }

    private struct Histogram {
        var counts = [UInt64](repeating: 0, count: Metrics.bounds.count)
        var count: UInt64 = 0
        var sum = 0.0
    }

    private struct State {
        var requests: [Labels: [Int: UInt64]] = [:]
        var durations: [Labels: Histogram] = [:]
        var watchers: [String: Int] = [:]
        var inflight = ["mutating": 0, "readOnly": 0]
    }

    private static let bounds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60]
    private static let mutating: Set = ["create", "update", "patch", "delete", "deletecollection"]
    private static let verbs = mutating.union(["get", "list", "watch"])
    private let state = Mutex(State())

    func began(_ info: RequestInfo) { state.withLock { $0.inflight[Self.kind(info), default: 0] += 1 } }

    func ended(_ info: RequestInfo, _ kinds: Kinds, code: Int, duration: Duration) {
        guard info.isResource else {
            state.withLock { $0.inflight[Self.kind(info), default: 1] -= 1 }
            return
        }
        let labels = Self.labels(of: info, kinds)
        let seconds = Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
        state.withLock { state in
            state.inflight[Self.kind(info), default: 1] -= 1
            state.requests[labels, default: [:]][code, default: 0] += 1
            guard info.verb != "watch" else { return }
            var histogram = state.durations[labels] ?? Histogram()
            for (index, bound) in Self.bounds.enumerated() where seconds <= bound { histogram.counts[index] += 1 }
            histogram.count += 1
            histogram.sum += seconds
            state.durations[labels] = histogram
        }
    }

    private static func labels(of info: RequestInfo, _ kinds: Kinds) -> Labels {
        let verb = verbs.contains(info.verb) ? info.verb.uppercased() : "OTHER"
        let resource = GroupVersionResource(group: info.group, version: info.version, resource: info.resource)
        guard let type = kinds.resource(resource), info.subresource.isEmpty || type.subresource(info.subresource) != nil else {
            return Labels(verb: verb, group: "", version: "", resource: "", subresource: "", scope: "")
        }
        let scope = !info.name.isEmpty ? "resource" : info.namespace.isEmpty ? "cluster" : "namespace"
        return Labels(
            verb: verb, group: info.group, version: info.version, resource: info.resource, subresource: info.subresource, scope: scope)
    }

    func watching(_ resource: String, by change: Int) { state.withLock { $0.watchers[resource, default: 0] += change } }

    private static func kind(_ info: RequestInfo) -> String { mutating.contains(info.verb) ? "mutating" : "readOnly" }

    /// - Parameter store: its figures go along.
    func text(_ store: Store) -> String {
        let state = state.withLock { state in (state.requests, state.durations, state.watchers, state.inflight) }
        var text =
            "# HELP apiserver_request_total Counter of apiserver requests broken out for each verb, group, version, resource, scope and HTTP response code.\n"
        text += "# TYPE apiserver_request_total counter\n"
        for (labels, codes) in state.0.sorted(by: { $0.key.text < $1.key.text }) {
            for (code, count) in codes.sorted(by: { $0.key < $1.key }) {
                text += "apiserver_request_total{code=\"\(code)\",\(labels.text)} \(count)\n"
            }
        }
        text +=
            "# HELP apiserver_request_duration_seconds Response latency distribution in seconds for each verb, group, version, resource, subresource and scope.\n"
        text += "# TYPE apiserver_request_duration_seconds histogram\n"
        for (labels, histogram) in state.1.sorted(by: { $0.key.text < $1.key.text }) {
            for (bound, count) in zip(Self.bounds, histogram.counts) {
                text += "apiserver_request_duration_seconds_bucket{\(labels.text),le=\"\(bound)\"} \(count)\n"
            }
            text += "apiserver_request_duration_seconds_bucket{\(labels.text),le=\"+Inf\"} \(histogram.count)\n"
            text += "apiserver_request_duration_seconds_sum{\(labels.text)} \(histogram.sum)\n"
            text += "apiserver_request_duration_seconds_count{\(labels.text)} \(histogram.count)\n"
        }
        text += "# TYPE apiserver_current_inflight_requests gauge\n"
        for (kind, count) in state.3.sorted(by: { $0.key < $1.key }) {
            text += "apiserver_current_inflight_requests{request_kind=\"\(kind)\"} \(count)\n"
        }
        text += "# TYPE apiserver_registered_watchers gauge\n"
        for (resource, count) in state.2.sorted(by: { $0.key < $1.key }) {
            text += "apiserver_registered_watchers{resource=\"\(resource)\"} \(count)\n"
        }
        text += "# TYPE apiserver_storage_objects gauge\n"
        for (collection, count) in store.collections().sorted(by: { $0.key < $1.key }) {
            let parts = collection.split(separator: "/", omittingEmptySubsequences: false)
            let name = parts.count > 1 && !parts[0].isEmpty ? "\(parts[1]).\(parts[0])" : String(parts.last ?? "")
            text += "apiserver_storage_objects{resource=\"\(name)\"} \(count)\n"
        }
        text +=
            "# HELP apus_store_revision The newest committed revision.\n# TYPE apus_store_revision gauge\napus_store_revision \(store.revision)\n"
        return text
    }
}
