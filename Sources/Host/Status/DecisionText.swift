internal import APIModel

/// A decision of the scheduler in words and tables.
struct DecisionText {
    private let decision: Value

    init(_ decision: Value) { self.decision = decision }

    var lines: [String] { head + section(candidates) + section(refused) }

    private var head: [String] {
        let pod = "\(text(decision["namespace"]))/\(text(decision["name"]))"
        let counts = "\(decision["feasible"].int ?? 0) of \(decision["nodes"].int ?? 0) nodes would do"
        let reasons = decision["waiting"].elements.map { "\(text($0["policy"])): \(text($0["reason"]))" }
        let wait = reasons.isEmpty ? "" : ", and waits: \(reasons.joined(separator: "; "))"
        let place = decision["node"].string.map { "\(pod) goes to \($0)\(wait)" } ?? "\(pod) goes nowhere: \(text(decision["message"]))"
        return [place, "decided at \(text(decision["time"])) as \(text(decision["schedulerName"])); \(counts)"]
    }

    private func section(_ table: TextTable) -> [String] { table.rows.isEmpty ? [] : [""] + table.lines }

    /// A column for each part of the points, with what it was multiplied by.
    private var candidates: TextTable {
        let parts = decision["parts"].elements.map { "\(text($0["score"]).uppercased())*\($0["weight"].int ?? 1)" }
        return TextTable(
            head: ["NODE", "TOTAL"] + parts,
            rows: decision["candidates"].elements.map { candidate in
                let points = candidate["points"].elements.map { "\($0.int ?? 0)" }
                // Where one Node alone would do, nobody was asked for points.
                let isOnly = decision["feasible"].int == 1
                return [text(candidate["node"]), isOnly ? "the only one" : "\(candidate["total"].int ?? 0)"]
                    + (points.count == parts.count ? points : parts.map { _ in "" })
            })
    }

    private var refused: TextTable {
        TextTable(
            head: ["REFUSED", "BECAUSE"],
            rows: decision["refused"].elements.map { [text($0["node"]), $0["reasons"].elements.map(text).joined(separator: ", ")] })
    }

    private func text(_ value: Value) -> String { value.string ?? "" }
}
