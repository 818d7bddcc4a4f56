internal import APIModel

/// The devices of one pool of a driver that a Node reaches.
struct DevicePool {
    struct Name: Hashable, Comparable, CustomStringConvertible {
        let driver: String
        let pool: String

        var description: String { "\(driver)/\(pool)" }
        static func < (left: Name, right: Name) -> Bool { (left.driver, left.pool) < (right.driver, right.pool) }
    }

    enum State: Equatable {
        case good
        /// Slices are still to come.
        case incomplete
        /// Nothing can be had of it: its slices contradict each other.
        case invalid
    }

    let name: Name
    let state: State
    /// By slice, then as the driver lists them: the first that will do is taken, which a driver may count on.
    let devices: [Device]
    /// Those that other Nodes reach.
    let others: [Device]
    /// By set, how much there is of each counter.
    let counters: [String: [String: Quantity]]

    /// Whether some of its devices are ready only after a while: others come first.
    var hasBindingConditions: Bool { devices.contains(where: \.hasBindingConditions) }
}

/// A ResourceSlice, understood once. Immutable.
final class DeviceSlice {
    let name: String
    let pool: DevicePool.Name
    let generation: Whole
    /// How many slices the pool has in this generation.
    let count: Whole
    let devices: [Device]
    let counters: [String: [String: Quantity]]
    /// The one Node that reaches any of it; `nil` where that takes a closer look.
    let nodeName: String?

    init(_ slice: Object) {
        let spec = slice.value["spec"]
        name = slice.name
        pool = DevicePool.Name(driver: spec["driver"].string ?? "", pool: spec["pool"]["name"].string ?? "")
        generation = spec["pool"]["generation"].int ?? 0
        count = spec["pool"]["resourceSliceCount"].int ?? 0
        let reach = spec["perDeviceNodeSelection"].bool == true ? nil : DeviceReach(spec)
        devices = spec["devices"].elements.map { [pool] in Device($0, of: pool, reach: reach) }
        counters = Dictionary(
            spec["sharedCounters"].elements.map { ($0["name"].string ?? "", Device.counters($0["counters"])) },
            uniquingKeysWith: { first, _ in first })
        if case .node(let node) = reach, counters.isEmpty { nodeName = node } else { nodeName = nil }
    }
}

extension DevicePool {
    /// What a Node reaches of a pool, from all of the pool's slices; `nil` where that is nothing.
    ///
    /// Rules: upstream `structured/internal/…/pools.go`. Only the newest generation counts.
    init?(_ name: Name, _ all: some Sequence<DeviceSlice>, for node: VolumeMatch.Place) {
        guard let newest = all.map(\.generation).max() else { return nil }
        let slices = all.filter { $0.generation == newest }.sorted { $0.name < $1.name }
        let devices = slices.flatMap(\.devices)
        self.name = name
        self.devices = devices.filter { $0.reach.has(node) }
        guard !self.devices.isEmpty else { return nil }
        others = devices.filter { !$0.reach.has(node) }
        var counters: [String: [String: Quantity]] = [:]
        var isTwice = Set(self.devices.map(\.name)).count < self.devices.count
        for slice in slices {
            counters.merge(slice.counters) { first, _ in
                isTwice = true
                return first
            }
        }
        self.counters = counters
        let isUnknown = devices.contains { device in
            device.consumption.contains { use in
                guard let set = counters[use.set] else { return true }
                return use.counters.keys.contains { set[$0] == nil }
            }
        }
        state = Whole(slices.count) != slices[0].count ? .incomplete : isTwice || isUnknown ? .invalid : .good
    }
}
