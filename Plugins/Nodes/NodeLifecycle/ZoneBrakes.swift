internal import APIModel

/// How fast Nodes that are not ready may lose their Pods: slower the more of a zone is not ready, and not at all when nothing anywhere is,
/// for then it is more likely that the control plane hears nothing than that everything has died.
///
/// Rules: upstream `pkg/controller/nodelifecycle`. Nothing here knows a clock; times are milliseconds since any moment.
struct ZoneBrakes {
    struct Limits: Sendable {
        /// Nodes a second, of a zone that is well or gone altogether.
        var evictionRate = 0.1
        /// Nodes a second, of a zone that is partly gone, if it is large; a small one loses none.
        var secondaryEvictionRate = 0.01
        /// The number of Nodes above which a zone is large.
        var largeSize: Whole = 50
        /// The part of a zone that makes it an unhealthy one, when that is more than two Nodes.
        var unhealthyZoneThreshold = 0.55
    }

    enum ZoneState: Equatable { case normal, partialDisruption, fullDisruption }

    /// When a Node may be tainted so that its Pods go. `nil` milliseconds: nobody knows.
    enum Turn: Equatable {
        case now
        case later(milliseconds: Whole?)
    }

    /// What one Node adds to its zone.
    struct Member: Equatable {
        var zone: String
        var isReady: Bool
        /// Whether it says nothing about its zone.
        var isExcluded = false
    }

    private struct Zone {
        var size = 0
        var unready = 0
        /// Nodes a second.
        var rate: Double
        /// From when on the next Node may be tainted.
        var free: Whole = 0
    }

    private let limits: Limits
    private var members: [String: Member] = [:]
    private var zones: [String: Zone] = [:]
    /// Nodes whose turn has come and who have yet to be tainted.
    private var permits: Set<String> = []
    /// Whether nothing is ready anywhere, so that nobody loses Pods.
    private(set) var isStopped = false

    init(_ limits: Limits) { self.limits = limits }

    /// Takes in what Nodes are now; `nil` for those that are gone. What was known already costs nothing.
    ///
    /// - Returns: whether Nodes are ready again after none was.
    mutating func note(_ nodes: [(name: String, member: Member?)], now: Whole) -> Bool {
        var touched: Set<String> = []
        for (name, member) in nodes where members[name] != member {
            for (sign, member) in [(-1, members[name]), (1, member)] {
                guard let member else { continue }
                count(member, sign)
                touched.insert(member.zone)
            }
            members[name] = member
            if member == nil { permits.remove(name) }
        }
        return touched.isEmpty ? false : settle(touched, now: now)
    }

    /// Whether a Node that is not ready may be tainted. A turn that was given stays given until `done`.
    mutating func turn(of name: String, in zone: String, now: Whole) -> Turn {
        if isStopped { return .later(milliseconds: nil) }
        if permits.contains(name) { return .now }
        let found = zones[zone] ?? Zone(rate: limits.evictionRate)
        guard found.rate > 0 else { return .later(milliseconds: nil) }
        guard found.free <= now else { return .later(milliseconds: found.free - now) }
        zones[zone] = found
        zones[zone]?.free = now + Self.interval(found.rate)
        permits.insert(name)
        return .now
    }

    /// The Node has been tainted, or needs to be no more.
    mutating func done(_ name: String) { permits.remove(name) }

    func state(of zone: String) -> ZoneState? {
        guard let zone = zones[zone], zone.size > 0 else { return nil }
        return state(of: zone)
    }

    private mutating func count(_ member: Member, _ sign: Int) {
        guard !member.isExcluded else { return }
        zones[member.zone, default: Zone(rate: limits.evictionRate)].size += sign
        if !member.isReady { zones[member.zone]?.unready += sign }
    }

    private func state(of zone: Zone) -> ZoneState {
        if zone.unready == zone.size { return .fullDisruption }
        let part = Double(zone.unready) / Double(zone.size)
        return zone.unready > 2 && part >= limits.unhealthyZoneThreshold ? .partialDisruption : .normal
    }

    private mutating func settle(_ touched: Set<String>, now: Whole) -> Bool {
        let populated = zones.values.filter { $0.size > 0 }
        let wasStopped = isStopped
        if !populated.isEmpty { isStopped = populated.allSatisfy { $0.unready == $0.size } }
        for name in isStopped == wasStopped ? touched : Set(zones.keys) { setRate(name, now: now) }
        if isStopped { permits = [] }
        return wasStopped && !isStopped
    }

    /// A zone whose rate changes while somebody waits goes on waiting, at the new rate.
    private mutating func setRate(_ name: String, now: Whole) {
        guard var zone = zones[name] else { return }
        let rate = rate(of: zone)
        guard rate != zone.rate else { return }
        let waits = zone.rate <= 0 || zone.free > now
        if rate > 0 { zone.free = waits ? now + Self.interval(rate) : now }
        zone.rate = rate
        zones[name] = zone
    }

    private func rate(of zone: Zone) -> Double {
        if isStopped { return 0 }
        guard zone.size > 0, state(of: zone) == .partialDisruption else { return limits.evictionRate }
        return Whole(zone.size) > limits.largeSize ? limits.secondaryEvictionRate : 0
    }

    private static func interval(_ rate: Double) -> Whole { Whole(1000 / rate) }
}
