import APIModel
import Client
import Exposition
import FileSystem
import HTTPServer
import Store
import Synchronization

/// Counts requests, their times, and what watchers are told. Safe from any thread.
final class Metrics: Sendable {
    private struct Requests {
        struct Outcome: Hashable {
            var code: Int
            /// Which component of Kubernetes asked, if it was one.
            var client: String
        }

        var outcomes: [Outcome: UInt64] = [:]
        var durations = Histogram.durations
        /// Bytes of what was read, where they were at hand.
        var sizes = Histogram.sizes
        /// In progress, of those that last until somebody ends them.
        var lasting = 0

        /// - Parameter duration: nil for one that lasts.
        mutating func add(_ outcome: Outcome, _ duration: Duration?, _ bytes: Int?) {
            outcomes[outcome, default: 0] += 1
            guard let duration else { return }
            durations.add(duration / .seconds(1))
            if let bytes { sizes.add(Double(bytes)) }
        }
    }

    /// The events that the watchers of one resource were told. Safe from any thread.
    final class WatchEvents: Sendable {
        fileprivate let count = Atomic<UInt64>(0)
        func add(_ events: Int) { count.wrappingAdd(UInt64(events), ordering: .relaxed) }
    }

    private let requests = Mutex<[RequestLabels: Requests]>([:])
    private let watchEvents = Mutex<[GroupVersionResource: WatchEvents]>([:])
    private let reading = Atomic<Int>(0)
    private let writing = Atomic<Int>(0)

    // MARK: Requests

    /// A request that is answered and over begins.
    func began(_ sort: RequestsInProgress.Sort) { change(sort, by: 1) }

    /// - Parameters:
    ///   - client: which component of Kubernetes asked; empty for anybody else.
    ///   - bytes: of the answer, where they are at hand.
    func ended(
        _ sort: RequestsInProgress.Sort, _ labels: RequestLabels, code: Int, client: String, duration: Duration, bytes: Int?
    ) {
        change(sort, by: -1)
        // A backend may answer what it likes.
        let code = 100..<600 ~= code ? code : 0
        requests.withLock { requests in
            let outcome = Requests.Outcome(code: code, client: client)
            requests[labels, default: Requests()].add(outcome, sort == .lasting ? nil : duration, labels.isRead ? bytes : nil)
        }
    }

    private func change(_ sort: RequestsInProgress.Sort, by change: Int) {
        switch sort {
        case .read: reading.wrappingAdd(change, ordering: .relaxed)
        case .write: writing.wrappingAdd(change, ordering: .relaxed)
        case .lasting: break
        }
    }

    /// One that lasts is in progress for as long as what this returns is held.
    func lasting(_ labels: RequestLabels) -> Held {
        requests.withLock { $0[labels, default: Requests()].lasting += 1 }
        return Held { [weak self] in self?.requests.withLock { $0[labels, default: Requests()].lasting -= 1 } }
    }

    /// Where the events of one watch are counted.
    func events(of resource: GroupVersionResource) -> WatchEvents {
        watchEvents.withLock { all in
            if let known = all[resource] { return known }
            let new = WatchEvents()
            all[resource] = new
            return new
        }
    }

    /// How long watchers wait until they know what there is.
    let watchLists = Durations(
        "apiserver_watch_list_duration_seconds", "How long it took to tell watchers what there is.",
        labels: ["group", "resource", "scope", "version"],
        bounds: [0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4, 6, 8, 10, 15, 20, 30, 45, 60])

    private let deprecated = Gauges(
        "apiserver_requested_deprecated_apis", "Kinds on their way out that somebody asked for.",
        labels: ["group", "removed_release", "resource", "subresource", "version"])

    func asked(for kind: GroupVersionKind, _ labels: @autoclosure () -> RequestLabels) {
        guard let release = DeprecatedKinds.removal(of: kind) else { return }
        let labels = labels()
        deprecated.set(labels.group, release, labels.resource, labels.subresource, labels.version, to: 1)
    }

    // MARK: Text

    /// Asks the system, too, so it may block.
    /// - Parameters:
    ///   - store: its figures go along.
    ///   - sources: so do theirs.
    func text(_ store: Store, _ sources: [any MetricsSource]) -> String {
        var text = MetricsText()
        let requests = requests.withLock { $0 }
        text.family(
            "apiserver_request_total", .counter, "Requests that were answered, by what they asked for and the code of the answer.",
            requests.flatMap { labels, requests in
                requests.outcomes.map { outcome, count in
                    ([("code", "\(outcome.code)")] + labels.pairs(client: outcome.client), "\(count)")
                }
            })
        text.histograms(
            "apiserver_request_duration_seconds", "How long requests took that do not last until somebody ends them.",
            requests.filter { $0.value.durations.count > 0 }.map { ($0.key.pairs, $0.value.durations) })
        let plain = Self.withoutDryRun(requests)
        text.histograms(
            "apiserver_request_sli_duration_seconds", "As apiserver_request_duration_seconds, dry runs with the others.",
            plain.filter { $0.value.durations.count > 0 }.map { ($0.key.plainPairs, $0.value.durations) })
        text.histograms(
            "apiserver_response_sizes", "Bytes of what was read.",
            plain.filter { $0.value.sizes.count > 0 }.map { ($0.key.plainPairs, $0.value.sizes) })
        text.family(
            "apiserver_longrunning_requests", .gauge, "Requests in progress that last until somebody ends them.",
            requests.filter { $0.key.verb == "WATCH" || $0.key.verb == "CONNECT" }.map { labels, requests in
                (labels.plainPairs, "\(requests.lasting)")
            })
        text.family(
            "apiserver_current_inflight_requests", .gauge, "Requests in progress that do not last.",
            [
                ([("request_kind", "mutating")], "\(writing.load(ordering: .relaxed))"),
                ([("request_kind", "readOnly")], "\(reading.load(ordering: .relaxed))"),
            ])
        text.family(
            "apiserver_watch_events_total", .counter, "Events that watchers were told.",
            watchEvents.withLock { Array($0) }.map { resource, events in
                (
                    [("group", resource.group), ("resource", resource.resource), ("version", resource.version)],
                    "\(events.count.load(ordering: .relaxed))"
                )
            })
        for source in [watchLists, deprecated] + sources { source.write(to: &text) }
        write(store, to: &text)
        ProcessMetrics.write(to: &text)
        return text.text
    }

    private static func withoutDryRun(_ requests: [RequestLabels: Requests]) -> [RequestLabels: Requests] {
        var plain: [RequestLabels: Requests] = [:]
        for (var labels, counts) in requests {
            labels.dryRun = ""
            plain[labels, default: Requests()].durations.add(counts.durations)
            plain[labels, default: Requests()].sizes.add(counts.sizes)
        }
        return plain
    }

    /// By the group and resource of a collection.
    private static func split(_ counts: [String: Int]) -> [(group: String, resource: String, count: String)] {
        counts.map { collection, count in
            let slash = collection.firstIndex(of: "/") ?? collection.startIndex
            return (group: String(collection[..<slash]), resource: String(collection[slash...].dropFirst()), count: "\(count)")
        }
    }

    private func write(_ store: Store, to text: inout MetricsText) {
        let objects = Self.split(store.collections())
        text.family(
            "apiserver_resource_objects", .gauge, "Objects in the store.",
            objects.map { ([("group", $0.group), ("resource", $0.resource)], $0.count) })
        text.family(
            "apiserver_storage_objects", .gauge, "Objects in the store, as apiserver_resource_objects tells them.",
            objects.map { ([("resource", $0.group.isEmpty ? $0.resource : "\($0.resource).\($0.group)")], $0.count) })
        text.family(
            "apiserver_storage_events_received_total", .counter, "Changes that the store told.",
            Self.split(store.changes()).map { ([("group", $0.group), ("resource", $0.resource)], $0.count) })
        if let path = store.path {
            let size = [path, path + "-wal"].reduce(0) { $0 + (Files.status($1)?.size ?? 0) }
            text.family(
                "apiserver_storage_size_bytes", .gauge, "Bytes of the store's files.", [([("storage_cluster_id", "store-0")], "\(size)")])
        }
        let services = (try? store.list(Aggregation.collection, namespace: nil))?.records ?? []
        text.family(
            "aggregator_unavailable_apiservice", .gauge, "Whether an APIService is not available.",
            services.map { record in
                let isAvailable = Conditions.isTrue(record.object.value["status"], type: "Available")
                return ([("name", record.object.name)], isAvailable ? "0" : "1")
            })
        text.family("apus_store_revision", .gauge, "The newest committed revision.", store.revision)
    }
}
