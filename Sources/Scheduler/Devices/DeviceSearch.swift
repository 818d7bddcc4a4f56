internal import APIModel

/// Looks for devices for all of a Pod's claims on one Node: every way to give them is tried in the order of pools, slices and devices, and
/// the first that meets all claims is taken.
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

    struct Way {
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

    struct Chosen {
        let device: Int
        let request: DeviceRequest
        /// What it takes of a device that can be shared.
        let taken: [String: Quantity]
    }

    let claims: [DeviceClaim]
    private let selectors: DeviceSelectors
    let limit: Duration?
    let node: VolumeMatch.Place
    let inUse: DevicesInUse
    let devices: [(device: Device, pool: Int)]
    let pools: [DevicePool]
    /// By claim and request.
    var ways: [[[Way]]] = []
    /// By claim and request, which of the ways was taken.
    var taken: [[Int]] = []
    var constraints: [[DeviceConstraint]] = []
    var chosen: [[Chosen]]
    /// By device, the claims that it is given to.
    var givenTo: [DeviceName: Set<Int>] = [:]
    var sharing: [DeviceName: [String: Quantity]] = [:]
    /// By pool, what is left of its counters.
    var left: [Int: [String: [String: Quantity]]] = [:]
    private var meant: [Pair: Bool] = [:]
    private var lastWay = 0
    var tries = 0
    let start = ContinuousClock.now

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
    mutating func isMeant(_ index: Int, _ way: Way, _ claim: DeviceClaim) throws(Failure) -> Bool {
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
