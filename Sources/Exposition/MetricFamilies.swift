internal import Synchronization

/// What has figures to tell. Safe from any thread.
package protocol MetricsSource: Sendable {
    func write(to text: inout MetricsText)
}

/// A family of counters, told apart by the values of a few labels. Safe from any thread.
package final class Counters: MetricsSource {
    private let name: String
    private let help: String
    private let labels: [String]
    private let counts = Mutex<[[String]: UInt64]>([:])

    package init(_ name: String, _ help: String, labels: [String] = []) {
        self.name = name
        self.help = help
        self.labels = labels
    }

    /// - Parameter values: of the labels, in their order.
    package func add(_ values: String..., by more: Int = 1) { add(values, by: more) }

    package func add(_ values: [String], by more: Int = 1) {
        counts.withLock { $0[values, default: 0] += UInt64(clamping: more) }
    }

    package func write(to text: inout MetricsText) {
        text.family(name, .counter, help, counts.withLock { $0 }.map { (Array(zip(labels, $0)), "\($1)") })
    }
}

/// The same of numbers that come and go. Safe from any thread.
package final class Gauges: MetricsSource {
    private let name: String
    private let help: String
    private let labels: [String]
    private let values = Mutex<[[String]: Int64]>([:])

    package init(_ name: String, _ help: String, labels: [String]) {
        self.name = name
        self.help = help
        self.labels = labels
    }

    package func set(_ labels: String..., to value: Int64) { values.withLock { $0[labels] = value } }
    package func add(_ labels: String..., by more: Int64) { values.withLock { $0[labels, default: 0] &+= more } }

    package func write(to text: inout MetricsText) {
        text.family(name, .gauge, help, values.withLock { $0 }.map { (Array(zip(labels, $0)), "\($1)") })
    }
}

/// The same of how long things took. Safe from any thread.
package final class Durations: MetricsSource {
    /// Upstream's bounds from a millisecond to sixteen seconds.
    package static let fromMilliseconds = (0..<15).map { 0.001 * Double(1 << $0) }

    private let name: String
    private let help: String
    private let labels: [String]
    private let empty: Histogram
    private let histograms = Mutex<[[String]: Histogram]>([:])

    /// - Parameter bounds: in seconds.
    package init(_ name: String, _ help: String, labels: [String] = [], bounds: [Double] = Durations.fromMilliseconds) {
        self.name = name
        self.help = help
        self.labels = labels
        empty = Histogram(bounds)
    }

    package func add(_ values: String..., duration: Duration) { add(values, duration: duration) }

    package func add(_ values: [String], duration: Duration) {
        histograms.withLock { $0[values, default: empty].add(duration / .seconds(1)) }
    }

    package func write(to text: inout MetricsText) {
        text.histograms(name, help, histograms.withLock { $0 }.map { (Array(zip(labels, $0)), $1) })
    }
}

/// The same of amounts of something. Safe from any thread.
package final class Distributions: MetricsSource {
    private let name: String
    private let help: String
    private let histogram: Mutex<Histogram>

    package init(_ name: String, _ help: String, bounds: [Double]) {
        self.name = name
        self.help = help
        histogram = Mutex(Histogram(bounds))
    }

    package func add(value: Double) { histogram.withLock { $0.add(value) } }

    package func write(to text: inout MetricsText) {
        let histogram = histogram.withLock { $0 }
        if histogram.count > 0 { text.histograms(name, help, [([], histogram)]) }
    }
}
