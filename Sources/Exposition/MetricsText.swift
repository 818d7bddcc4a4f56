/// Prometheus' text format, one family of series after the other.
package struct MetricsText {
    package enum Kind: String {
        case counter, gauge, histogram
    }
    package typealias Labels = [(String, String)]

    package private(set) var text = ""

    package init() {}

    /// - Parameter samples: in any order; a family without any is not written.
    package mutating func family(_ name: String, _ kind: Kind, _ help: String, _ samples: [(labels: Labels, value: String)]) {
        guard !samples.isEmpty else { return }
        head(name, kind, help)
        for line in samples.map({ "\(name)\(Self.braces($0.labels)) \($0.value)\n" }).sorted() { text += line }
    }

    package mutating func family(_ name: String, _ kind: Kind, _ help: String, _ value: some Numeric & CustomStringConvertible) {
        family(name, kind, help, [([], value.description)])
    }

    package mutating func histograms(_ name: String, _ help: String, _ samples: [(labels: Labels, histogram: Histogram)]) {
        guard !samples.isEmpty else { return }
        head(name, .histogram, help)
        for (labels, histogram) in samples.map({ (Self.inside($0.labels), $0.histogram) }).sorted(by: { $0.0 < $1.0 }) {
            let (before, alone) = labels.isEmpty ? ("", "") : (labels + ",", "{\(labels)}")
            for (bound, count) in histogram.cumulated { text += "\(name)_bucket{\(before)le=\"\(bound)\"} \(count)\n" }
            text += "\(name)_sum\(alone) \(histogram.sum)\n\(name)_count\(alone) \(histogram.count)\n"
        }
    }

    private mutating func head(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    private static func braces(_ labels: Labels) -> String { labels.isEmpty ? "" : "{\(inside(labels))}" }

    private static func inside(_ labels: Labels) -> String { labels.map { "\($0)=\"\(escaped($1))\"" }.joined(separator: ",") }

    private static func escaped(_ value: String) -> String {
        guard value.utf8.contains(where: { $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\n") }) else {
            return value
        }
        return value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}

/// How many values are below each of some bounds.
package struct Histogram: Sendable {
    /// Upstream's for how long requests take, in seconds.
    package static let durations = Histogram([
        0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
    ])

    /// Upstream's for how large answers are, in bytes.
    package static let sizes = Histogram([1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9])

    private let bounds: [Double]
    /// Of each bound those that are above the one before; last those above all.
    private var counts: [UInt64]
    package private(set) var count: UInt64 = 0
    package private(set) var sum = 0.0

    package init(_ bounds: [Double]) {
        self.bounds = bounds
        counts = [UInt64](repeating: 0, count: bounds.count + 1)
    }

    package mutating func add(_ value: Double) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        count += 1
        sum += value
    }

    /// - Parameter other: of the same bounds.
    package mutating func add(_ other: Histogram) {
        for (index, more) in other.counts.enumerated() { counts[index] += more }
        count += other.count
        sum += other.sum
    }

    /// For each bound how many are at or below it.
    package var cumulated: [(bound: String, count: UInt64)] {
        var sum: UInt64 = 0
        let bounds = bounds.map { $0 == $0.rounded() ? "\(Int($0))" : "\($0)" } + ["+Inf"]
        return zip(bounds, counts).map { bound, count in
            sum += count
            return (bound, sum)
        }
    }
}
