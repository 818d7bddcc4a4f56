import APIModel

/// What a PriorityLevelConfiguration says.
struct LevelConfiguration: Sendable, Hashable {
    private static let defaultShares: Whole = 30

    var name: String
    var uid: String
    var isExempt: Bool
    /// Of the server's seats, in proportion to those of all levels.
    var shares: Int
    /// In percent of the nominal limit.
    var lendable: Int
    /// In percent of the nominal limit; `nil` is as much as there is.
    var borrowing: Int?
    var excess: PriorityLevel.Queues.Excess

    /// - Parameter object: valid, with what is set by default.
    init(_ object: Value) {
        let spec = object["spec"]
        name = object[path: "metadata", "name"].string ?? ""
        uid = object[path: "metadata", "uid"].string ?? ""
        isExempt = spec["type"].string == "Exempt"
        let part = spec[isExempt ? "exempt" : "limited"]
        func number(_ value: Value) -> Int? { value.int.map { Int(clamping: max($0, 0).int64) } }
        shares = number(part["nominalConcurrencyShares"]) ?? (isExempt ? 0 : Int(Self.defaultShares.int64))
        lendable = min(number(part["lendablePercent"]) ?? 0, 100)
        borrowing = number(part["borrowingLimitPercent"])
        let response = part["limitResponse"]
        if isExempt {
            excess = .exempt
        } else if response["type"].string == "Queue" {
            let queuing = response["queuing"]
            excess = .queued(
                QueueSet.Queuing(
                    queues: number(queuing["queues"]) ?? 64, handSize: number(queuing["handSize"]) ?? 8,
                    lengthLimit: number(queuing["queueLengthLimit"]) ?? 50))
        } else {
            excess = .rejected
        }
    }

    /// A request that takes more would keep too many others waiting.
    /// - Parameter nominal: the level's seats.
    func mostSeats(of nominal: Int) -> Int {
        guard case .queued(let queuing) = excess else { return WorkEstimate.mostSeats }
        let most = min(Int((Double(nominal) * 0.15).rounded(.up)), nominal / max(1, queuing.handSize))
        return max(1, min(most, WorkEstimate.mostSeats))
    }
}
