import APIModel
import HTTPServer

/// What is in the queues at the moment, as tables for people: upstream's pages under `/debug/api_priority_and_fairness/`.
extension FlowControl {
    private static let prefix = "/debug/api_priority_and_fairness/"

    static let pages = ["dump_priority_levels", "dump_queues", "dump_requests"].map { prefix + $0 }

    /// `nil` where there is no such page.
    func page(_ request: Request, path: String) -> Response? {
        guard path.hasPrefix(Self.prefix) else { return nil }
        let levels = overview.levels.map { ($0, $0.level.snapshot.queues) }
        switch path.dropFirst(Self.prefix.count) {
        case "dump_priority_levels": return Responses.text(Self.text(levels.map(Self.summary), Self.levelColumns))
        case "dump_queues": return Responses.text(Self.text(levels.flatMap(Self.queues), Self.queueColumns))
        case "dump_requests":
            let isDetailed = !(request.query("includeRequestDetails") ?? "").isEmpty
            return Responses.text(
                Self.text(
                    levels.flatMap { Self.requests($0, $1, isDetailed: isDetailed) },
                    isDetailed ? Self.requestColumns + Self.detailColumns : Self.requestColumns))
        default: return nil
        }
    }

    private static let levelColumns = [
        "PriorityLevelName", "ActiveQueues", "IsIdle", "IsQuiescing", "WaitingRequests", "ExecutingRequests", "DispatchedRequests",
        "RejectedRequests", "TimedoutRequests", "CancelledRequests",
    ]
    private static let queueColumns = [
        "PriorityLevelName", "Index", "PendingRequests", "ExecutingRequests", "SeatsInUse", "NextDispatchR", "InitialSeatsSum",
        "MaxSeatsSum", "TotalWorkSum",
    ]
    private static let requestColumns = [
        "PriorityLevelName", "FlowSchemaName", "QueueIndex", "RequestIndexInQueue", "FlowDistingsher", "ArriveTime", "InitialSeats",
        "FinalSeats", "AdditionalLatency", "StartTime",
    ]
    private static let detailColumns = ["UserName", "Verb", "APIPath", "Namespace", "Name", "APIVersion", "Resource", "SubResource"]

    private static func summary(_ level: Level, _ queues: PriorityLevel.Queues) -> [String] {
        let counts = level.level.snapshot.counts
        let active = queues.queues.values.count { !$0.waiting.isEmpty }
        let timedOut = counts.reduce(0) { $0 + ($1.refused[.timeOut] ?? 0) }
        let rejected = counts.reduce(0) { $0 + $1.refused.values.reduce(0, +) }
        return [
            level.configuration.name, "\(active)", "\(queues.isIdle)", "\(level.isLeaving)", "\(queues.waiting)", "\(queues.executing)",
            "\(counts.reduce(0) { $0 + $1.dispatched })", "\(rejected)", "0", "\(timedOut)",
        ]
    }

    private static func queues(_ level: Level, _ queues: PriorityLevel.Queues) -> [[String]] {
        guard case .queued(let queuing) = level.configuration.excess else { return [] }
        // Those that are idle are alike; as many as anybody will read.
        return (0..<min(queuing.queues, 1024)).map { index in
            let queue = queues.queues[index]
            return [
                level.configuration.name, "\(index)", "\(queue?.waiting.count ?? 0)", "\(queue?.executing ?? 0)",
                "\(queue?.seatsInUse ?? 0)", seatSeconds(queue?.nextDispatch ?? 0), "\(queue?.waitingSeats ?? 0)",
                "\(queue?.waitingSeats ?? 0)", seatSeconds(Double(queue?.waitingSeats ?? 0) * PriorityLevel.Queues.guess),
            ]
        }
    }

    private static func requests(_ level: Level, _ queues: PriorityLevel.Queues, isDetailed: Bool) -> [[String]] {
        queues.entries.sorted { $0.key < $1.key }.map { id, entry in
            let visit = entry.request
            let position = entry.started == nil ? entry.queue.flatMap { queues.queues[$0]?.waiting.firstIndex(of: id) } : nil
            let row = [
                level.configuration.name, visit.flow.schema, "\(entry.queue ?? -1)", "\(position ?? -1)", visit.distinguisher,
                time(entry.arrived), "\(entry.seats)", "\(entry.linger > 0 ? entry.seats : 0)", Self.latency(entry.linger),
                entry.started.map(time) ?? "0001-01-01T00:00:00Z",
            ]
            guard isDetailed else { return row }
            let info = visit.info
            let version = info.group.isEmpty ? info.version : "\(info.group)/\(info.version)"
            return row + [visit.user.name, info.verb, info.path, info.namespace, info.name, version, info.resource, info.subresource]
        }
    }

    private static func latency(_ seconds: Double) -> String {
        seconds > 0 ? "\(Whole((seconds * 1000).rounded()).int64)ms" : "0s"
    }

    private static func time(_ moment: Double) -> String {
        let time = Moment.time(of: moment)
        let seconds = time.rounded(.down)
        return Timestamp.format(seconds: Int64(seconds), microseconds: Int32((time - seconds) * 1e6))
    }

    /// With eight digits behind the point, as upstream writes them.
    private static func seatSeconds(_ value: Double) -> String {
        let scaled = Whole((value * 1e8).rounded()).int64
        let fraction = String(scaled.magnitude % 100_000_000)
        return "\(scaled < 0 ? "-" : "")\(scaled.magnitude / 100_000_000).\(String(repeating: "0", count: 8 - fraction.count))\(fraction)ss"
    }

    /// Columns are as wide as their widest cell and a space, and eight at least.
    private static func text(_ rows: [[String]], _ columns: [String]) -> String {
        let cells = ([columns] + rows).map { row in row.enumerated().map { $0 < row.count - 1 ? $1 + "," : $1 } }
        let widths = columns.indices.map { column in cells.reduce(8) { max($0, $1[column].count + 1) } }
        return cells.map { row in
            row.enumerated().map { index, cell in
                index < row.count - 1 ? cell + String(repeating: " ", count: widths[index] - cell.count) : cell
            }.joined() + "\n"
        }.joined()
    }
}
