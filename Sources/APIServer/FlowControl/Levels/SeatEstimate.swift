import HTTPServer
import Store

/// How many seats a request takes: one, and more for a list, or the beginning of a watch, that brings much into memory at once.
///
/// Upstream holds seats for a while after a write that many watch. Here a change is one shared buffer, however many do, so a write costs
/// its one seat.
enum SeatEstimate {
    private static let bytesPerSeat = 100_000
    /// A longer list is written in pieces.
    private static let mostBytes = 1_000_000
    /// Whatever the level.
    static let mostSeats = 100

    static func seats(_ info: RequestInfo, _ request: Request, _ store: Store, most: Int) -> Int {
        guard info.isResource, info.verb == "list" || info.verb == "watch" && beginsWithState(request), info.name.isEmpty else { return 1 }
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
