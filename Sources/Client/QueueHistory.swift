package import Exposition

/// What has become of a queue's items so far. A value: its queue keeps it, and guards it.
struct QueueHistory<Item: Hashable & Sendable>: Sendable {
    private var figures = QueueFigures()
    /// Since when what waits does.
    private var waiting: [Item: ContinuousClock.Instant] = [:]
    /// Since when what is being worked on is.
    private var begun: [Item: ContinuousClock.Instant] = [:]

    mutating func added(_ item: Item) {
        figures.adds += 1
        waiting[item] = .now
    }

    mutating func began(_ item: Item) {
        let now = ContinuousClock.now
        if let since = waiting.removeValue(forKey: item) { figures.waits.add((now - since) / .seconds(1)) }
        begun[item] = now
    }

    mutating func ended(_ item: Item) {
        if let since = begun.removeValue(forKey: item) { figures.works.add((ContinuousClock.now - since) / .seconds(1)) }
    }

    mutating func postponed() { figures.retries += 1 }

    /// Up to now.
    var told: QueueFigures {
        var told = figures
        let now = ContinuousClock.now
        told.depth = waiting.count
        told.underWay = begun.values.map { ($0.duration(to: now)) / .seconds(1) }
        return told
    }
}

/// What has become of a queue's items, as client-go counts it.
package struct QueueFigures: Sendable {
    /// How many wait, also for that another worker is done with the same one.
    package var depth = 0
    package var adds = 0
    /// How often one was added for later.
    package var retries = 0
    package var waits = Histogram(Self.bounds)
    package var works = Histogram(Self.bounds)
    /// For how many seconds each is being worked on that is not done.
    package var underWay: [Double] = []

    /// Upstream's, in seconds.
    private static let bounds = Array(sequence(first: 1e-8) { $0 * 10 }.prefix(12))

    package init() {}

    package static func write(_ queues: [(name: String, figures: QueueFigures)], to text: inout MetricsText) {
        func family(_ name: String, _ kind: MetricsText.Kind, _ help: String, _ value: (QueueFigures) -> any CustomStringConvertible) {
            text.family("workqueue_" + name, kind, help, queues.map { ([("name", $0.name)], value($0.figures).description) })
        }
        func histograms(_ name: String, _ help: String, _ value: (QueueFigures) -> Histogram) {
            text.histograms("workqueue_" + name, help, queues.map { ([("name", $0.name)], value($0.figures)) })
        }
        family("adds_total", .counter, "Items that were added to a queue.") { $0.adds }
        family("depth", .gauge, "Items that wait in a queue.") { $0.depth }
        family("longest_running_processor_seconds", .gauge, "For how long the item has been worked on that takes longest.") {
            $0.underWay.max() ?? 0
        }
        histograms("queue_duration_seconds", "How long items waited.") { $0.waits }
        family("retries_total", .counter, "Items that were added for later.") { $0.retries }
        family("unfinished_work_seconds", .gauge, "For how long the items together that are not done have been worked on.") {
            $0.underWay.reduce(0, +)
        }
        histograms("work_duration_seconds", "How long items were worked on.") { $0.works }
    }
}
