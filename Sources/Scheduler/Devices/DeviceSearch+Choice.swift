internal import APIModel

// The search.
extension DeviceSearch {
    /// Meets a request and all behind it.
    mutating func meet(claim: Int, request: Int) throws(Failure) -> Bool {
        guard claim < claims.count else { return true }
        guard request < ways[claim].count else { return try meet(claim: claim + 1, request: 0) }
        for (index, way) in ways[claim][request].enumerated() {
            guard way.all?.isEmpty != true, Whole(chosen[claim].count) + way.count <= Self.most else { continue }
            taken[claim][request] = index
            let isMet = way.all == nil ? try chooseAny(way, claim, request) : try chooseAll(way, claim, request)
            if isMet { return true }
        }
        return false
    }

    /// Whether the search has taken too long: the number of ways grows without bounds. The clock is looked at now and then.
    private var isLate: Bool { tries & 1023 == 1 && limit.map { start.duration(to: .now) > $0 } ?? false }

    /// Chooses the devices of a request that are still missing, and meets all behind it. Of one request only sets of devices count, not
    /// their order: each is looked for behind the one before.
    private mutating func chooseAny(_ way: Way, _ claim: Int, _ request: Int, had: Int = 0, from first: Int = 0) throws(Failure) -> Bool {
        guard Whole(had) < way.count else { return try meet(claim: claim, request: request + 1) }
        guard first < devices.count else { return false }
        for device in first..<devices.count {
            tries += 1
            if isLate { throw .error("node \(node.name): timed out trying to allocate devices") }
            // What nobody can have is not looked at, which may be an error.
            guard !isTaken(device, way.request, claim), try isMeant(device, way, claims[claim]), give(device, way.request, claim) == nil
            else { continue }
            if try chooseAny(way, claim, request, had: had + 1, from: device + 1) { return true }
            takeBack(claim)
        }
        return false
    }

    /// Chooses all devices that a request means, of which none may be missing.
    private mutating func chooseAll(_ way: Way, _ claim: Int, _ request: Int) throws(Failure) -> Bool {
        let before = chosen[claim].count
        for device in way.all ?? [] {
            switch give(device, way.request, claim) {
            case nil: continue
            case .constraint:
                let (key, name) = (claims[claim].key, way.request.ownName)
                throw .error(
                    "claim \(key), request \(name): cannot add device \(devices[device].device.name) because a claim constraint would not be satisfied"
                )
            case .unavailable:
                while chosen[claim].count > before { takeBack(claim) }
                return false
            }
        }
        if try meet(claim: claim, request: request + 1) { return true }
        while chosen[claim].count > before { takeBack(claim) }
        return false
    }

    /// Whether the device is somebody's so that this request cannot have it.
    private func isTaken(_ index: Int, _ request: DeviceRequest, _ claim: Int) -> Bool {
        let device = devices[index].device
        let holders = givenTo[device.name] ?? []
        if request.isAdmin { return holders.contains(claim) }
        return inUse.isTaken(device.name) || !holders.isEmpty
    }

    private enum Obstacle {
        case unavailable, constraint
    }

    /// Gives a device to a claim; or says why that cannot be, and nothing is changed.
    private mutating func give(_ index: Int, _ request: DeviceRequest, _ claim: Int) -> Obstacle? {
        let (device, pool) = devices[index]
        guard !isTaken(index, request, claim), !device.isTainted(against: request.tolerations),
            let part = fits(request, device)
        else {
            return .unavailable
        }
        let isShared = device.isShareable && (inUse.isShared(device.name) || sharing[device.name] != nil)
        if !isShared, !device.consumption.isEmpty, !consume(device, pool) { return .unavailable }
        for rule in constraints[claim].indices where !constraints[claim][rule].add(device, for: request) {
            for earlier in 0..<rule { constraints[claim][earlier].removeLast(for: request) }
            if !isShared, !device.consumption.isEmpty { release(device, pool) }
            return .constraint
        }
        if device.isShareable {
            sharing[device.name, default: [:]].merge(part) { $0 + $1 }
        } else {
            givenTo[device.name, default: []].insert(claim)
        }
        chosen[claim].append(Chosen(device: index, request: request, taken: device.isShareable ? part : [:]))
        return nil
    }

    /// Undoes what was given last.
    private mutating func takeBack(_ claim: Int) {
        let last = chosen[claim].removeLast()
        let (device, pool) = devices[last.device]
        for rule in constraints[claim].indices { constraints[claim][rule].removeLast(for: last.request) }
        guard device.isShareable else {
            givenTo[device.name]?.remove(claim)
            return release(device, pool)
        }
        let isLast = !chosen.joined().contains { $0.device == last.device }
        sharing[device.name] = isLast ? nil : sharing[device.name]?.merging(last.taken) { $0 - $1 }
        if isLast, !inUse.isShared(device.name) { release(device, pool) }
    }

    /// What the request would take of the device's capacity; `nil` where there is not enough, or not such a thing.
    func fits(_ request: DeviceRequest, _ device: Device) -> [String: Quantity]? {
        guard request.capacity.keys.allSatisfy({ name in device.capacity.contains { $0.name == name } }) else { return nil }
        var taken: [String: Quantity] = [:]
        for (name, capacity) in device.capacity {
            guard let part = capacity.taken(by: request.capacity[name]) else { return nil }
            let others = inUse.taken(of: name, device.name) + (sharing[device.name]?[name] ?? .zero)
            guard part + others <= capacity.total else { return nil }
            taken[name] = part
        }
        return taken
    }

    /// Takes what the device needs of its pool's counters; `false` where there is not enough, and nothing is changed.
    private mutating func consume(_ device: Device, _ pool: Int) -> Bool {
        var counters = left[pool] ?? Self.available(pools[pool], inUse)
        for (set, needs) in device.consumption {
            for (name, amount) in needs { counters[set]?[name, default: .zero] -= amount }
        }
        let isEnough = device.consumption.allSatisfy { set, needs in needs.keys.allSatisfy { (counters[set]?[$0] ?? .zero).signum >= 0 } }
        guard isEnough else { return false }
        left[pool] = counters
        return true
    }

    private mutating func release(_ device: Device, _ pool: Int) {
        for (set, needs) in device.consumption {
            for (name, amount) in needs { left[pool]?[set]?[name, default: .zero] += amount }
        }
    }

    /// What the devices that claims have leave of a pool's counters, wherever they are.
    private static func available(_ pool: DevicePool, _ inUse: DevicesInUse) -> [String: [String: Quantity]] {
        var counters = pool.counters
        for device in pool.devices + pool.others where inUse.isTaken(device.name) || inUse.isShared(device.name) {
            for (set, needs) in device.consumption {
                for (name, amount) in needs { counters[set]?[name, default: .zero] -= amount }
            }
        }
        return counters
    }
}
