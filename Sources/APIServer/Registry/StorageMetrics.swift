import Exposition
import Store
import Synchronization

/// How long the store takes to write, under the names by which dashboards know etcd's. Safe from any thread.
final class StorageMetrics: MetricsSource {
    enum Operation: String, Hashable {
        case create, update, delete
    }

    private struct Key: Hashable {
        var operation: Operation
        var collection: String

        var labels: MetricsText.Labels {
            let parts = collection.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            return [("group", String(parts.first ?? "")), ("operation", operation.rawValue), ("resource", String(parts.last ?? ""))]
        }
    }

    private struct Writes {
        var durations = Histogram.durations
        var errors: UInt64 = 0
    }

    private let writes = Mutex<[Key: Writes]>([:])

    /// Does a write, and counts it.
    func write(
        _ operation: Operation, to collection: String, _ body: () async throws(StoreError) -> Record
    ) async throws(StoreError) -> Record {
        let begin = ContinuousClock.now
        let result: Result<Record, StoreError>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        let seconds = (ContinuousClock.now - begin) / .seconds(1)
        writes.withLock { writes in
            let key = Key(operation: operation, collection: collection)
            writes[key, default: Writes()].durations.add(seconds)
            if case .failure = result { writes[key, default: Writes()].errors += 1 }
        }
        return try result.get()
    }

    func write(to text: inout MetricsText) {
        let writes = writes.withLock { Array($0) }
        text.histograms(
            "etcd_request_duration_seconds", "How long the store took to write.", writes.map { ($0.key.labels, $0.value.durations) })
        text.family(
            "etcd_requests_total", .counter, "What the store was asked to write.",
            writes.map { ($0.key.labels, "\($0.value.durations.count)") })
        text.family(
            "etcd_request_errors_total", .counter, "What the store did not write.",
            writes.filter { $0.value.errors > 0 }.map { ($0.key.labels, "\($0.value.errors)") })
    }
}
