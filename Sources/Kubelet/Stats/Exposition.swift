import APIModel

/// Metrics in Prometheus' text format.
struct Exposition {
    enum Kind: String { case counter, gauge }

    struct Sample {
        var labels: [(name: String, value: String)] = []
        /// As it is written: `12`, `0.25`.
        var value: String
        /// Nanoseconds since 1970; `nil` leaves it to whoever reads.
        var time: Whole?
    }

    private(set) var text = ""

    /// Nothing is written of a family without samples.
    mutating func add(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample]) {
        if samples.isEmpty { return }
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
        for sample in samples {
            let labels = sample.labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
            let time = sample.time.map { " \($0 / 1_000_000)" } ?? ""
            text += "\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(sample.value)\(time)\n"
        }
    }

    private static func escaped(_ value: String) -> String {
        guard value.contains(where: { "\\\"\n".contains($0) }) else { return value }
        return value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }

    /// Nanoseconds as seconds.
    static func seconds(_ nanoseconds: Whole) -> String {
        let (whole, rest) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000)
        guard rest > 0 else { return String(whole) }
        var digits = String(rest + 1_000_000_000).dropFirst()
        while digits.hasSuffix("0") { digits = digits.dropLast() }
        return "\(whole).\(digits)"
    }
}
