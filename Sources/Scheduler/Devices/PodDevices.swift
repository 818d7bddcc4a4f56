internal import APIModel

/// What a Pod's ResourceClaims mean for where it may run, for one cycle: upstream's DynamicResources. Each Node is looked at once, and only
/// where nothing else speaks against it.
final class PodDevices {
    /// Why the Pod can run nowhere, in upstream's words.
    struct Refused: Error {
        let message: String
    }

    /// As upstream's plugin is called.
    static let name = "DynamicResources"
    /// What may let the Pod run where its claims cannot be had.
    static let helpedBy: ClusterEvents = [.nodeAdded, .nodeLabels, .nodeAllocatable, .devices]

    private enum Answer {
        /// Of the claims to allocate, in their order; last that of the one to be made, where one is.
        case allocations([Value])
        case refused(String)
        case error(String)
    }

    private let pod: PodInfo
    private let objects: DeviceObjects
    private let limit: Duration?
    private let claims: [Object]
    /// What it asks for by name.
    private let extended: ExtendedResources?
    /// A claim that was made for that when the Pod was tried before.
    private let stale: Object?
    /// By Node, what is asked for by name and had as devices there, if anything is.
    private var asDevices: [Int: [ExtendedResources.Wanted]] = [:]
    /// Those whose devices did not become ready.
    private let broken: Set<PodKey>
    /// Those without devices.
    private let unallocated: [DeviceClaim]
    private var answers: [Int: Answer] = [:]
    /// Those that have devices which some Node does not reach, or which are broken.
    private var unavailable: Set<PodKey> = []

    /// - Parameters:
    ///   - limit: how long devices are looked for on one Node; zero for ever.
    ///   - patience: how long devices that are allocated may take until they are ready.
    init(
        _ pod: PodInfo, _ objects: DeviceObjects, _ extended: ExtendedResources? = nil, limit: Duration, patience: Duration
    ) throws(Refused) {
        self.extended = extended
        stale = extended.flatMap { _ in objects.made(for: pod.uid) }
        self.limit = limit > .zero ? limit : nil
        if let problem = objects.problem(pod) { throw Refused(message: problem) }
        (self.pod, self.objects) = (pod, objects)
        var seen: Set<PodKey> = []
        claims = pod.deviceClaimKeys.filter { seen.insert($0).inserted }.compactMap { objects.claims[$0] }
        let now = Timestamp.nowSeconds().int64
        broken = Set(
            claims.filter { claim in
                guard claim.allocation != nil else { return false }
                switch ClaimReadiness(claim, limit: patience.components.seconds, now: now) {
                case .ready, .waiting: return false
                case .late, .failed: return true
                }
            }.map { PodKey($0) })
        unallocated = claims.filter { $0.allocation == nil }.map(DeviceClaim.init)
        for claim in unallocated {
            if objects.isAssumed(claim.key) {
                throw Refused(message: "resource claim \(claim.key) is in the process of being allocated")
            }
            for request in claim.requests.joined() where !request.className.isEmpty && objects.classes[request.className] == nil {
                throw Refused(message: "request \(request.name): device class \(request.className) does not exist")
            }
        }
    }

    /// The resources that the Pod asks for by name and that are seen to here.
    var resources: Set<String> { Set(extended?.wanted.map(\.resource) ?? []) }
    /// Whether it has any claim, or needs one on some of the Nodes that were looked at.
    var hasClaims: Bool { !claims.isEmpty || stale != nil || !asDevices.isEmpty }

    /// Takes the Nodes out where the claims cannot be had, with a word on each, and whether it is so whoever goes. Returns what is wrong with a
    /// claim or a class: then there is nothing to be said of any Node.
    func filter(
        _ nodes: NodeBits, _ columns: NodeColumns, _ refused: (_ node: Int, _ reason: String, _ isHopeless: Bool) -> Void = { _, _, _ in }
    ) -> String? {
        var asked: [Int] = []
        nodes.visit { asked.append($0) }
        for node in asked {
            if let lack = extended?.lacking(node, columns) {
                nodes.remove(node)
                refused(node, "Insufficient \(lack.resource)", lack.isHopeless)
                continue
            }
            switch answer(node, columns) {
            case .allocations: continue
            case .error(let message): return message
            case .refused(let reason):
                nodes.remove(node)
                refused(node, reason, true)
            }
        }
        return nil
    }

    private func answer(_ node: Int, _ columns: NodeColumns) -> Answer {
        if let known = answers[node] { return known }
        let wanted = extended?.asDevices(node, columns) ?? []
        if !wanted.isEmpty { asDevices[node] = wanted }
        let answer = look(VolumeMatch.Place(name: columns.name(node), labels: columns.labels(node)), wanted)
        answers[node] = answer
        return answer
    }

    private func look(_ node: VolumeMatch.Place, _ wanted: [ExtendedResources.Wanted]) -> Answer {
        if stale != nil { return .refused("cannot schedule extended resource claim") }
        var unallocated = unallocated
        if let extended, !wanted.isEmpty { unallocated.append(DeviceClaim(extended.claim(wanted))) }
        let outOfReach = claims.filter { claim in
            if broken.contains(PodKey(claim)) { return true }
            guard let selector = claim.allocation?["nodeSelector"], !selector.isNull else { return false }
            return !NodeFit.matches(selector: selector, name: node.name, labels: node.labels)
        }
        var allocations: [Value] = []
        if !unallocated.isEmpty {
            do throws(DeviceSearch.Failure) {
                var search = try DeviceSearch(
                    unallocated, classes: objects.classes, objects.pools(for: node), objects.inUse, on: node, objects.selectors,
                    limit: limit)
                guard let found = try search.run() else { return .refused("cannot allocate all claims") }
                allocations = found
            } catch {
                switch error {
                case .node(let reason): return .refused(reason)
                case .error(let message): return .error(message)
                }
            }
        }
        guard outOfReach.isEmpty else {
            unavailable.formUnion(outOfReach.map { PodKey($0) })
            return .refused("resourceclaim not available on the node")
        }
        return .allocations(allocations)
    }

    /// What becomes of the claims before the Pod is bound to a Node that fits.
    func bindings(on node: Int) -> [ClaimBinding] {
        guard case .allocations(let found) = answers[node] else { return [] }
        let new = Dictionary(uniqueKeysWithValues: zip(unallocated.map(\.key), found))
        var bindings = claims.map { ClaimBinding(claim: $0, allocation: new[PodKey($0)]) }
        if let extended, let wanted = asDevices[node], let allocation = found.last {
            bindings.append(
                ClaimBinding(claim: extended.claim(wanted), allocation: allocation, mappings: extended.requests(wanted).mappings))
        }
        return bindings
    }

    /// A claim that keeps the Pod from every Node and that nobody else uses: without its devices it may get others.
    var idle: Object? {
        if let stale { return stale }
        return claims.first { claim in
            let reserved = claim.value["status"]["reservedFor"].elements
            return unavailable.contains(PodKey(claim)) && (reserved.isEmpty || reserved.count == 1 && claim.isReserved(for: pod.uid))
        }
    }
}

// Which Node is better.
extension PodDevices {
    /// How many alternatives a request may have.
    private static let mostAlternatives = 8

    /// Whether Nodes differ in which alternatives of requests they have.
    var hasAlternatives: Bool { unallocated.contains { $0.requests.contains { $0.count > 1 } } }

    /// From 0 to 100 for each of the Nodes, more where requests get what they would rather have.
    func points(_ nodes: NodeBits, count: Int) -> [Int32] {
        var points = [Int32](repeating: 0, count: count)
        var most: Int32 = 0
        nodes.visit { node in
            guard case .allocations(let found) = answers[node] else { return }
            for (claim, allocation) in zip(unallocated, found) {
                let given = Set(allocation["devices"]["results"].elements.compactMap { $0["request"].string })
                for ways in claim.requests {
                    guard let place = ways.firstIndex(where: { $0.isAlternative && given.contains($0.name) }) else { continue }
                    points[node] += Int32(max(0, Self.mostAlternatives - place))
                }
            }
            most = max(most, points[node])
        }
        guard most > 0 else { return points }
        nodes.visit { points[$0] = points[$0] * 100 / most }
        return points
    }
}
