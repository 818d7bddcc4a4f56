internal import Scheduler

/// What came of a replay, as text.
struct ReplayText {
    let replay: Replay

    init(_ replay: Replay) { self.replay = replay }

    var lines: [String] {
        guard replay.decisions > 0 else { return ["there is no decision in the recording"] }
        let first = "\(replay.differed) of \(replay.decisions) decisions would have been others"
        guard !replay.differences.isEmpty else { return [first] }
        let table = TextTable(
            head: ["AFTER", "POD", "RECORDED", "REPLAYED", "BECAUSE"],
            rows: replay.differences.map { ["\($0.time / 1000) s", $0.pod, $0.recorded, $0.replayed, $0.reason] })
        let more = replay.differed - replay.differences.count
        return [first, ""] + table.lines + (more > 0 ? ["and \(more) more"] : [])
    }
}
