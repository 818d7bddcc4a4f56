import HTTPServer
import Store

/// How many seats a request takes, and for how long after its answer: one, and more for a list, or the beginning of a watch, that brings
/// much into memory at once, and for a write that many watch.
struct WorkEstimate: Sendable, Hashable {
    var seats = 1
    /// Seconds for which it keeps them when it has been answered, while watchers are told.
    var linger = 0.0

    private static let bytesPerSeat = 100_000
    /// A longer list is written in pieces.
    private static let mostBytes = 1_000_000
    private static let watchesPerSeat = 10
    private static let mostSeatsOfWrites = 10
    /// What telling a seat's worth of watchers takes, in seconds.
    private static let eventDuration = 0.005
    /// Whatever the level.
    static let mostSeats = 100

    /// - Parameters:
    ///   - watchers: gives how many watch what the request changes.
    ///   - most: the seats that one request of the level may take.
    static func of(
        _ info: RequestInfo, _ request: Request, _ store: Store, most: Int, watchers: () -> Int
    ) -> WorkEstimate {
        switch info.verb {
        case "list", "watch": WorkEstimate(seats: seats(info, request, store, most: most))
        // A token is none of what watchers of accounts are told.
        case "create", "update", "patch", "delete":
            info.subresource == "token" && info.resource == "serviceaccounts" ? WorkEstimate() : write(watchers: watchers(), most: most)
        default: WorkEstimate()
        }
    }

    static func write(watchers: Int, most: Int) -> WorkEstimate {
        guard watchers >= watchesPerSeat else { return WorkEstimate() }
        let wanted = (watchers + watchesPerSeat - 1) / watchesPerSeat
        let seats = max(1, min(wanted, most, mostSeatsOfWrites))
        // The same work, by fewer seats in a longer time.
        return WorkEstimate(seats: seats, linger: Double(wanted) * eventDuration / Double(seats))
    }

    private static func seats(_ info: RequestInfo, _ request: Request, _ store: Store, most: Int) -> Int {
        guard info.isResource, info.verb == "list" || beginsWithState(request), info.name.isEmpty else { return 1 }
        let (count, size) = store.extent(of: "\(info.group)/\(info.resource)")
        let limit = request.query("limit").flatMap { Int($0) } ?? 0
        return seats(objects: limit > 0 ? min(limit, count) : count, ofBytes: size, most: most)
    }

    static func seats(objects: Int, ofBytes size: Int, most: Int) -> Int {
        let (bytes, isBeyond) = objects.multipliedReportingOverflow(by: size)
        let held = isBeyond ? mostBytes : min(bytes, mostBytes)
        return max(1, min((held + bytesPerSeat - 1) / bytesPerSeat, most))
    }

    private static func beginsWithState(_ request: Request) -> Bool {
        if let wanted = request.query("sendInitialEvents"), QueryFlag.isSet(wanted) { return true }
        return ["", "0"].contains(request.query("resourceVersion") ?? "")
    }
}
