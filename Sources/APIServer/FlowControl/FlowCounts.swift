import Synchronization

/// Counts the requests of each flow. Safe from any thread.
///
/// Their names are those of objects that only administrators make; a flow that went keeps what was counted.
final class FlowCounts: Sendable {
    private struct Names: Hashable {
        var schema: String
        var level: String
    }

    /// One flow. Safe from any thread.
    final class Flow: Sendable {
        fileprivate let dispatched = Atomic<UInt64>(0)
        fileprivate let rejected = Atomic<UInt64>(0)
        fileprivate let executing = Atomic<Int>(0)

        func began() {
            dispatched.wrappingAdd(1, ordering: .relaxed)
            executing.wrappingAdd(1, ordering: .relaxed)
        }
        func ended() { executing.wrappingSubtract(1, ordering: .relaxed) }
        func reject() { rejected.wrappingAdd(1, ordering: .relaxed) }
    }

    private let flows = Mutex<[Names: Flow]>([:])

    func flow(schema: String, level: String) -> Flow {
        let names = Names(schema: schema, level: level)
        return flows.withLock { flows in
            if let known = flows[names] { return known }
            let new = Flow()
            flows[names] = new
            return new
        }
    }

    func write(to text: inout MetricsText) {
        let flows = flows.withLock { Array($0) }.map { names, flow in
            (labels: [("flow_schema", names.schema), ("priority_level", names.level)], flow: flow)
        }
        text.family(
            "apiserver_flowcontrol_current_executing_requests", .gauge, "Requests that are being answered.",
            flows.map { ($0.labels, "\($0.flow.executing.load(ordering: .relaxed))") })
        text.family(
            "apiserver_flowcontrol_dispatched_requests_total", .counter, "Requests that were let in.",
            flows.map { ($0.labels, "\($0.flow.dispatched.load(ordering: .relaxed))") })
        text.family(
            "apiserver_flowcontrol_rejected_requests_total", .counter, "Requests of users that had too many in progress.",
            flows.map { ($0.labels + [("reason", "concurrency-limit")], "\($0.flow.rejected.load(ordering: .relaxed))") })
    }
}
