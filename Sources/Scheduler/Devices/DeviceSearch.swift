internal import APIModel

/// Looks for devices for all of a Pod's claims on one Node: every way to give them is tried in the order of pools, slices and devices, and the
/// first that meets all claims is taken.
///
/// Rules: upstream `staging/src/k8s.io/dynamic-resource-allocation/structured`. Used by the scheduling thread only.
struct DeviceSearch {
    enum Failure: Error {
        /// Nothing can be had on this Node; others may do.
        case node(String)
        /// The claim or a class is wrong: no Node will do, until one of them changes.
        case error(String)
    }

    /// How many devices a claim can get.
    static let most: Whole = 32

    private struct Way {
        let number: Int
        let request: DeviceRequest
        let deviceClass: Object
        var count: Whole = 0
        /// Of a request for all devices, those; `nil` where any will do.
        var all: [Int]?
    }

    private struct Pair: Hashable {
        let way: Int
        let device: Int
    }

    private struct Chosen {
        let device: Int
        let request: DeviceRequest
        /// What it takes of a device that can be shared.
        let taken: [String: Quantity]
    }

    private let claims: [DeviceClaim]
    private let selectors: DeviceSelectors
    private let limit: Duration?
    private let node: VolumeMatch.Place
    private let inUse: DevicesInUse
    private let devices: [(device: Device, pool: Int)]
    private let pools: [DevicePool]
    /// By claim and request.
    private var ways: [[[Way]]] = []
    /// By claim and request, which of the ways was taken.
    private var taken: [[Int]] = []
    private var constraints: [[DeviceConstraint]] = []
    private var chosen: [[Chosen]]
    /// By device, the claims that it is given to.
    private var givenTo: [DeviceName: Set<Int>] = [:]
    private var sharing: [DeviceName: [String: Quantity]] = [:]
    /// By pool, what is left of its counters.
    private var left: [Int: [String: [String: Quantity]]] = [:]
    private var meant: [Pair: Bool] = [:]
    private var lastWay = 0
    private var tries = 0
    private let start = ContinuousClock.now

    /// - Parameter limit: how long the search may take; `nil` for ever.
    /// - Throws: where the claims cannot be met anywhere, or not here.
    init(
        _ claims: [DeviceClaim], classes: [String: Object], _ pools: [DevicePool], _ inUse: DevicesInUse, on node: VolumeMatch.Place,
        _ selectors: DeviceSelectors, limit: Duration? = nil
    ) throws(Failure) {
        self.claims = claims
        self.limit = limit
        self.selectors = selectors
        self.node = node
        self.inUse = inUse
        self.pools = pools.sorted { ($0.hasBindingConditions ? 1 : 0, $0.name) < ($1.hasBindingConditions ? 1 : 0, $1.name) }
        chosen = Array(repeating: [], count: claims.count)
        devices = self.pools.enumerated().flatMap { index, pool in
            pool.state == .good ? pool.devices.map { (device: $0, pool: index) } : []
        }
        for claim in claims {
            var all: [[Way]] = []
            for requests in claim.requests {
                var alternatives: [Way] = []
                for request in requests { alternatives.append(try understand(request, of: claim, classes)) }
                all.append(alternatives)
            }
            let least = all.reduce(0 as Whole) { $0 + ($1.map(\.count).min() ?? 0) }
            guard least <= Self.most else {
                throw .error("claim \(claim.key): number of requested devices \(least) exceeds the claim limit of \(Self.most)")
            }
            ways.append(all)
            taken.append(Array(repeating: 0, count: all.count))
            constraints.append(try Self.constraints(of: claim))
        }
    }

    private static func constraints(of claim: DeviceClaim) throws(Failure) -> [DeviceConstraint] {
        var rules: [DeviceConstraint] = []
        for (index, value) in claim.object.value["spec"]["devices"]["constraints"].elements.enumerated() {
            guard let rule = DeviceConstraint(value) else {
                throw .error("claim \(claim.key), constraint #\(index): empty constraint (unsupported constraint type?)")
            }
            rules.append(rule)
        }
        return rules
    }

    private mutating func understand(_ request: DeviceRequest, of claim: DeviceClaim, _ classes: [String: Object]) throws(Failure) -> Way {
        let name = "claim \(claim.key), request \(request.name)"
        guard !request.className.isEmpty else { throw .error("\(name): missing device class name (unsupported request type?)") }
        guard let deviceClass = classes[request.className] else {
            throw .error(
                "\(name): could not retrieve device class \(request.className): deviceclass.resource.k8s.io \"\(request.className)\" not found"
            )
        }
        lastWay += 1
        var way = Way(number: lastWay, request: request, deviceClass: deviceClass)
        switch request.amount {
        case .exactly(let count): way.count = count
        case .unknown(let mode): throw .error("\(name): unsupported count mode \(mode)")
        case .all:
            if let pool = pools.first(where: { $0.state != .good }) {
                let state = pool.state == .incomplete ? "being updated" : "invalid"
                throw .error("\(name): asks for all devices, but resource pool \(pool.name) is currently \(state)")
            }
            var all: [Int] = []
            for index in devices.indices {
                if try isMeant(index, way, claim), fits(request, devices[index].device) != nil { all.append(index) }
            }
            (way.count, way.all) = (Whole(all.count), all)
        }
        return way
    }

    /// Whether the class and the request mean the device; found out once.
    private mutating func isMeant(_ index: Int, _ way: Way, _ claim: DeviceClaim) throws(Failure) -> Bool {
        let pair = Pair(way: way.number, device: index)
        if let known = meant[pair] { return known }
        let device = devices[index].device
        var isMeant = try selectors.match(
            device, way.deviceClass.value["spec"]["selectors"].elements, of: "class \(way.deviceClass.name)")
        if isMeant { isMeant = try selectors.match(device, way.request.selectors, of: "claim \(claim.key)") }
        meant[pair] = isMeant
        return isMeant
    }

    /// `status.allocation` of each claim, in their order; `nil` where there is no way.
    /// - Throws: where the search takes too long, or where pools that contradict themselves may be the reason.
    mutating func run() throws(Failure) -> [Value]? {
        guard try meet(claim: 0, request: 0) else {
            if pools.contains(where: { $0.state == .invalid }) { throw .node("invalid resource pools were encountered") }
            return nil
        }
        return claims.indices.map { allocation($0) }
    }
}

// The search.
extension DeviceSearch {
    /// Meets a request and all behind it.
    private mutating func meet(claim: Int, request: Int) throws(Failure) -> Bool {
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

    /// Chooses the devices of a request that are still missing, and meets all behind it. Of one request only sets of devices count, not their
    /// order: each is looked for behind the one before.
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
    private func fits(_ request: DeviceRequest, _ device: Device) -> [String: Quantity]? {
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

// The result.
extension DeviceSearch {
    private func allocation(_ claim: Int) -> Value {
        var results: [Value] = []
        for choice in chosen[claim] {
            let device = devices[choice.device].device
            var result: Value = [
                "request": .string(choice.request.name), "driver": .string(device.name.pool.driver),
                "pool": .string(device.name.pool.pool), "device": .string(device.name.device),
            ]
            if choice.request.isAdmin { result["adminAccess"] = true }
            if !choice.request.tolerations.isEmpty { result["tolerations"] = .array(choice.request.tolerations) }
            for field in ["bindingConditions", "bindingFailureConditions"] where !device.value[field].isEmpty {
                result[field] = device.value[field]
            }
            if device.isShareable {
                result["shareID"] = .string(ShareID.make())
                for (name, amount) in choice.taken.sorted(by: { $0.key < $1.key }) {
                    result["consumedCapacity"][name] = .string(amount.description)
                }
            }
            results.append(result)
        }
        var allocation: Value = ["devices": ["results": .array(results)]]
        let configurations = configurations(claim)
        if !configurations.isEmpty { allocation["devices"]["config"] = .array(configurations) }
        if let selector = nodeSelector(claim) { allocation["nodeSelector"] = selector }
        return allocation
    }

    /// Those of the classes first, each once, then the claim's own that speak of what was chosen.
    private func configurations(_ claim: Int) -> [Value] {
        let chosen = zip(ways[claim], taken[claim]).map { $0[$1] }
        var found: [Value] = []
        var ofClass: [String: Range<Int>] = [:]
        for way in chosen {
            if let known = ofClass[way.request.className] {
                for index in known { found[index]["requests"].elements.append(.string(way.request.name)) }
                continue
            }
            let start = found.count
            for configuration in way.deviceClass.value["spec"]["config"].elements {
                found.append(Self.configuration(configuration, from: "FromClass", for: [.string(way.request.name)]))
            }
            ofClass[way.request.className] = start..<found.count
        }
        for configuration in claims[claim].object.value["spec"]["devices"]["config"].elements {
            let requests = configuration["requests"].elements
            let names = Set(requests.compactMap(\.string))
            // As upstream: once for each request that it is for.
            let times = names.isEmpty ? 1 : chosen.count { !$0.request.names.isDisjoint(with: names) }
            for _ in 0..<times { found.append(Self.configuration(configuration, from: "FromClaim", for: requests)) }
        }
        return found
    }

    private static func configuration(_ value: Value, from source: String, for requests: [Value]) -> Value {
        var result: Value = ["source": .string(source)]
        if !requests.isEmpty { result["requests"] = .array(requests) }
        if !value["opaque"].isNull { result["opaque"] = value["opaque"] }
        return result
    }

    /// The Nodes that reach all devices of a claim; `nil` for every Node.
    private func nodeSelector(_ claim: Int) -> Value? {
        var (fields, expressions): ([Value], [Value]) = ([], [])
        for choice in chosen[claim] {
            let device = devices[choice.device].device
            if device.value["bindsToNode"].bool == true { return Self.only(node.name) }
            switch device.reach {
            case .node: return Self.only(node.name)
            case .everywhere, .nowhere: break
            case .selected(let selector):
                for term in selector["nodeSelectorTerms"].elements {
                    fields += term["matchFields"].elements.filter { !fields.contains($0) }
                    expressions += term["matchExpressions"].elements.filter { !expressions.contains($0) }
                }
            }
        }
        guard !fields.isEmpty || !expressions.isEmpty else { return nil }
        var term: Value = [:]
        if !fields.isEmpty { term["matchFields"] = .array(fields) }
        if !expressions.isEmpty { term["matchExpressions"] = .array(expressions) }
        return ["nodeSelectorTerms": [term]]
    }

    private static func only(_ node: String) -> Value {
        ["nodeSelectorTerms": [["matchFields": [["key": "metadata.name", "operator": "In", "values": [.string(node)]]]]]]
    }
}
