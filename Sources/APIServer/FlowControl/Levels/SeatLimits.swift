/// How many of the server's seats a priority level has by its configuration.
struct SeatLimits: Sendable, Hashable {
    var nominal = 0
    /// What is left when all is lent that may be lent.
    var lower = 0
    /// With all that may be borrowed.
    var upper = 0

    init() {}

    /// - Parameters:
    ///   - total: the shares of all levels.
    ///   - borrowing: in percent of the nominal limit; `nil` is as much as there is.
    ///   - server: all seats.
    init(shares: Int, of total: Int, lendable: Int, borrowing: Int?, server: Int) {
        func part(_ percent: Int) -> Int { Int((Double(nominal) * Double(percent) / 100).rounded()) }
        nominal = total > 0 ? Int((Double(server) * Double(shares) / Double(total)).rounded(.up)) : 0
        lower = nominal - part(lendable)
        upper = nominal + (borrowing.map(part) ?? server)
    }
}
