/// When the ResourceSlices of a driver are to go: once nobody of its name has answered for a while. A pod that was placed by them would wait
/// for a driver that may never come. Upstream: `DRAPluginManager.sync`.
struct ResourceSliceWipes: Sendable {
    private enum State: Equatable {
        case usable
        case due(ContinuousClock.Instant)
        case wiped
    }
    private var states: [String: State] = [:]
    private let delay: Duration

    init(delay: Duration) { self.delay = delay }

    /// Nothing will happen as long as nobody comes or goes.
    var isIdle: Bool { states.isEmpty }

    /// - Parameter drivers: those that are registered, and whether they answer.
    /// - Returns: the drivers whose slices are to go now; each once.
    mutating func look(_ drivers: [String: Bool], now: ContinuousClock.Instant) -> [String] {
        for (name, isUsable) in drivers where isUsable { states[name] = .usable }
        var due: [String] = []
        for name in Set(drivers.keys).union(states.keys) where drivers[name] != true {
            switch states[name] {
            case nil, .usable: states[name] = .due(now + delay)
            case .due(let time) where time <= now:
                due.append(name)
                states[name] = .wiped
            default: break
            }
            if drivers[name] == nil && states[name] == .wiped { states[name] = nil }
        }
        return due.sorted()
    }
}
