internal import APIModel

/// Which zone each endpoint of a Service is for, where its annotation `topology-mode` is Auto: each zone gets as many as it has of the
/// cluster's processors, of its own as far as it has them.
///
/// Rules: upstream `staging/src/k8s.io/endpointslice/topologycache`. A slice that would not change otherwise keeps its hints while no zone
/// has too many; what is in the others is given out anew.
enum TopologyHints {
    /// Why there can be no hints.
    struct Refusal: Error, Equatable {
        var message: String
    }

    /// How many endpoints a zone gets.
    private struct Allocation {
        var minimum: Int
        var maximum: Int
        var desired: Double
    }

    /// How much more than its share an endpoint may have to carry.
    private static let overload = 0.2

    /// As `SlicePlan.changes`, with hints for every endpoint that is ready.
    static func changes(
        from existing: [Value], to groups: [SlicePlan.Group], _ family: IPFamily, labels: Value, perSlice: Int, _ shares: ZoneShares
    ) throws(Refusal) -> [SlicePlan.Change] {
        let ready = groups.reduce(0) { $0 + $1.endpoints.count(where: isReady) }
        let allocations = try allocations(of: ready, shares)
        let known = Dictionary(
            existing.flatMap { $0["endpoints"].elements.map { (SlicePlan.identity($0), $0["hints"]) } },
            uniquingKeysWith: { first, _ in first })
        let hinted = groups.map { group in
            var group = group
            for index in group.endpoints.indices {
                group.endpoints[index]["hints"] = known[SlicePlan.identity(group.endpoints[index])] ?? .null
            }
            return group
        }
        let planned = SlicePlan.changes(from: existing, to: hinted, family, labels: labels, perSlice: perSlice)

        var changes = planned.filter(\.isDeletion)
        var slices = planned.compactMap(\.slice)
        let touched = Set(planned.compactMap(\.name))
        var counts: [String: Int] = [:]
        for slice in existing where !touched.contains(slice["metadata"]["name"].string ?? "") {
            if let kept = self.counts(slice, beside: counts, allocations) {
                counts.merge(kept, uniquingKeysWith: +)
            } else {
                slices.append(slice)
            }
        }
        try giveToOwnZones(&slices, &counts)
        redistribute(&slices, counts, allocations)
        let before = Dictionary(existing.map { ($0["metadata"]["name"].string ?? "", $0) }, uniquingKeysWith: { first, _ in first })
        for slice in slices {
            guard let name = slice["metadata"]["name"].string else {
                changes.append(.create(slice))
                continue
            }
            if before[name] != slice { changes.append(.update(slice)) }
        }
        return changes
    }

    private static func isReady(_ endpoint: Value) -> Bool { endpoint["conditions"]["ready"].bool == true }

    private static func hint(_ zone: String) -> Value { ["forZones": [["name": .string(zone)]]] }

    private static func allocations(of endpoints: Int, _ shares: ZoneShares) throws(Refusal) -> [String: Allocation] {
        let zones = shares.byZone.count
        guard zones > 0 else {
            throw Refusal(message: "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes")
        }
        let numbers = "(\(endpoints) endpoints, \(zones) zones)"
        guard zones <= endpoints else { throw Refusal(message: "Insufficient number of endpoints \(numbers)") }
        let allocations = shares.byZone.mapValues { share in
            let desired = share * Double(endpoints)
            let minimum = (desired * (1 / (1 + overload))).rounded(.up)
            return Allocation(minimum: Int(minimum), maximum: 0, desired: max(desired, minimum))
        }
        let spare = endpoints - allocations.values.reduce(0) { $0 + $1.minimum }
        guard spare >= 0 else {
            throw Refusal(
                message: "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold \(numbers)")
        }
        return allocations.mapValues { Allocation(minimum: $0.minimum, maximum: $0.minimum + spare, desired: $0.desired) }
    }

    /// How many endpoints of a slice are for each zone; `nil` where one has no hint or a stale one, or a zone would get too many.
    private static func counts(_ slice: Value, beside others: [String: Int], _ allocations: [String: Allocation]) -> [String: Int]? {
        var counts: [String: Int] = [:]
        for endpoint in slice["endpoints"].elements where isReady(endpoint) {
            let zones = endpoint["hints"]["forZones"].elements.compactMap { $0["name"].string }
            guard !zones.isEmpty, zones.allSatisfy({ allocations[$0] != nil }) else { return nil }
            for zone in zones { counts[zone, default: 0] += 1 }
        }
        let fits = counts.allSatisfy { zone, count in count + (others[zone] ?? 0) <= allocations[zone]?.maximum ?? 0 }
        return fits ? counts : nil
    }

    private static func giveToOwnZones(_ slices: inout [Value], _ counts: inout [String: Int]) throws(Refusal) {
        for index in slices.indices {
            var endpoints = slices[index]["endpoints"].elements
            for place in endpoints.indices {
                guard isReady(endpoints[place]) else {
                    endpoints[place]["hints"] = .null
                    continue
                }
                guard let zone = endpoints[place]["zone"].string, !zone.isEmpty else {
                    throw Refusal(message: "One or more endpoints do not have a zone specified")
                }
                counts[zone, default: 0] += 1
                endpoints[place]["hints"] = hint(zone)
            }
            slices[index]["endpoints"] = .array(endpoints)
        }
    }

    /// Has endpoints of zones with more than they should have serve those with less.
    private static func redistribute(_ slices: inout [Value], _ counts: [String: Int], _ allocations: [String: Allocation]) {
        var (giving, receiving) = moves(counts, allocations)
        for index in slices.indices where !giving.isEmpty {
            var endpoints = slices[index]["endpoints"].elements
            for place in endpoints.indices where isReady(endpoints[place]) {
                guard let zone = endpoints[place]["zone"].string, giving[zone] != nil, let taker = receiving.keys.min() else { continue }
                endpoints[place]["hints"] = hint(taker)
                takeOne(&giving, zone)
                takeOne(&receiving, taker)
            }
            slices[index]["endpoints"] = .array(endpoints)
        }
    }

    private static func takeOne(_ counts: inout [String: Int], _ zone: String) {
        counts[zone] = counts[zone].flatMap { $0 > 1 ? $0 - 1 : nil }
    }

    /// How many endpoints each zone gives away, and how many each gets. One is moved as long as somebody has a whole one too many or too
    /// few, and the other at least half of one.
    private static func moves(_ counts: [String: Int], _ allocations: [String: Allocation]) -> (
        giving: [String: Int], receiving: [String: Int]
    ) {
        let surplus = allocations.map { zone, allocation in (zone: zone, count: Double(counts[zone] ?? 0) - allocation.desired) }
        var tooMany = Dictionary(uniqueKeysWithValues: surplus.filter { $0.count > 0 })
        var tooFew = Dictionary(uniqueKeysWithValues: surplus.filter { $0.count < 0 }.map { ($0.zone, -$0.count) })
        var (giving, receiving): ([String: Int], [String: Int]) = ([:], [:])
        while let giver = most(tooMany), let taker = most(tooFew), max(giver.count, taker.count) >= 1, min(giver.count, taker.count) >= 0.5
        {
            giving[giver.zone, default: 0] += 1
            tooMany[giver.zone] = giver.count - 1
            receiving[taker.zone, default: 0] += 1
            tooFew[taker.zone] = taker.count - 1
        }
        return (giving, receiving)
    }

    /// Of several with as many the first by name, so that every look decides alike.
    private static func most(_ counts: [String: Double]) -> (zone: String, count: Double)? {
        counts.max { ($0.value, $1.key) < ($1.value, $0.key) }.map { ($0.key, $0.value) }
    }
}

extension SlicePlan.Change {
    fileprivate var isDeletion: Bool {
        if case .delete = self { true } else { false }
    }

    /// What is to be written.
    fileprivate var slice: Value? {
        switch self {
        case .create(let slice), .update(let slice): slice
        case .delete: nil
        }
    }

    /// Of the slice that is there.
    fileprivate var name: String? {
        switch self {
        case .create: nil
        case .update(let slice): slice["metadata"]["name"].string
        case .delete(let name): name
        }
    }
}
