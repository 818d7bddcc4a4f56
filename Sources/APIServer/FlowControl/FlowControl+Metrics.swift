import Exposition

extension FlowControl: MetricsSource {
    /// Under upstream's names.
    func write(to text: inout MetricsText) {
        let (levels, fraction) = overview
        let snapshots = levels.map { ($0, $0.level.snapshot) }
        let flows = snapshots.flatMap { level, snapshot in
            snapshot.counts.map { (labels: [("flow_schema", $0.schema), ("priority_level", level.configuration.name)], counts: $0) }
        }
        func gauges(_ name: String, _ help: String, _ value: (FlowCounts) -> Int) {
            text.family("apiserver_flowcontrol_\(name)", .gauge, help, flows.map { ($0.labels, "\(value($0.counts))") })
        }
        gauges("current_executing_requests", "Requests that are being answered.", \.executing)
        gauges("current_executing_seats", "Seats of the requests that are being answered.", \.executingSeats)
        gauges("current_inqueue_requests", "Requests that wait in a queue.", \.waiting)
        gauges("current_inqueue_seats", "Seats that the requests in queues will take.", \.waitingSeats)
        text.family(
            "apiserver_flowcontrol_dispatched_requests_total", .counter, "Requests that were let in.",
            flows.map { ($0.labels, "\($0.counts.dispatched)") })
        text.family(
            "apiserver_flowcontrol_rejected_requests_total", .counter, "Requests that were sent away.",
            flows.flatMap { flow in flow.counts.refused.map { (flow.labels + [("reason", $0.rawValue)], "\($1)") } })
        histograms(flows, to: &text)
        for figure in LevelFigure.all {
            text.family(
                "apiserver_flowcontrol_\(figure.name)", .gauge, figure.help,
                snapshots.map { ([("priority_level", $0.configuration.name)], figure.value($0, $1.queues)) })
        }
        text.family("apiserver_flowcontrol_seat_fair_frac", .gauge, "The part of its target that each level gets.", fraction)
    }

    private func histograms(_ flows: [(labels: MetricsText.Labels, counts: FlowCounts)], to text: inout MetricsText) {
        func family(_ name: String, _ help: String, _ samples: (FlowCounts) -> [(labels: MetricsText.Labels, histogram: Histogram)]) {
            text.histograms(
                "apiserver_flowcontrol_\(name)", help,
                flows.flatMap { flow in
                    samples(flow.counts).filter { $0.histogram.count > 0 }.map { (flow.labels + $0.labels, $0.histogram) }
                })
        }
        family("request_wait_duration_seconds", "How long requests waited in their queue.") {
            [([("execute", "true")], $0.waits.executed), ([("execute", "false")], $0.waits.refused)]
        }
        family("request_execution_seconds", "How long requests had a seat.") {
            [([("type", "regular")], $0.executions.regular), ([("type", "watch")], $0.executions.watch)]
        }
        family("request_queue_length_after_enqueue", "How long a queue was for the request that came last.") { [([], $0.lengths)] }
        family("watch_count_samples", "How many watched what a request changed.") { [([], $0.watchers)] }
        family("work_estimated_seats", "How many seats requests were thought to take.") { [([], $0.estimates)] }
    }

    /// What is told of each level.
    private struct LevelFigure {
        let name: String
        let help: String
        let value: @Sendable (Level, PriorityLevel.Queues) -> String

        static let all = [
            LevelFigure(name: "nominal_limit_seats", help: "Seats by configuration.") { level, _ in "\(level.limits.nominal)" },
            LevelFigure(name: "lower_limit_seats", help: "Seats that are never lent.") { level, _ in "\(level.limits.lower)" },
            LevelFigure(name: "upper_limit_seats", help: "Seats with all that may be borrowed.") { level, _ in "\(level.limits.upper)" },
            LevelFigure(name: "current_limit_seats", help: "Seats at the moment.") { level, _ in "\(level.current)" },
            LevelFigure(name: "target_seats", help: "Seats that a level should have if there were enough.") { level, _ in "\(level.target)"
            },
            LevelFigure(name: "demand_seats_high_watermark", help: "The most seats wanted in the last period.") { level, _ in
                "\(level.demand.peak)"
            },
            LevelFigure(name: "demand_seats_average", help: "The mean of the seats wanted in the last period.") { level, _ in
                "\(level.demand.average)"
            },
            LevelFigure(name: "demand_seats_stdev", help: "The deviation of the seats wanted in the last period.") { level, _ in
                "\(level.demand.deviation)"
            },
            LevelFigure(name: "demand_seats_smoothed", help: "The seats wanted, over several periods.") { level, _ in
                "\(level.demand.smoothed)"
            },
            LevelFigure(name: "current_r", help: "The seat-seconds that every busy queue could have had.") { _, queues in
                "\(queues.progress)"
            },
        ]
    }
}
