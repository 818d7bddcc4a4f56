internal import APIModel
internal import KernelNetwork

/// What the packet filter should do in one family of addresses, kept up to date by changes: a policy, a pod or a namespace costs what it
/// touches. Pure.
///
/// ```
/// forward ─▶ egress   sender's address   : jump egress-N  ─▶ policy-A-egress, policy-B-egress: accept │ … drop
///         └▶ ingress  receiver's address : jump ingress-N ─▶ policy-A-ingress, …              : accept │ … drop
/// ```
/// Pods that the same policies are for share one chain `ingress-N`. `accept` ends only the chain of its direction, so a packet has to be
/// let out and let in. A set `pods-N` has the addresses of whom a peer's selectors match, a set `port-N` where pods have a named port.
/// Nothing that somebody wrote stands in a command: names are numbers, addresses and ports are read and written anew.
struct PolicyPlan {
    struct Key: Hashable, Comparable {
        var namespace: String
        var name: String

        static func < (left: Key, right: Key) -> Bool { (left.namespace, left.name) < (right.namespace, right.name) }
    }

    /// Pods that somebody's selectors match.
    private struct Selected {
        var what: PodSelection
        /// How many policies have it as a peer: then there is a set of their addresses.
        var peerUses = 0
        /// Numbers of the policies that are for these pods.
        var policies: Set<Int> = []
        var members: Set<Key> = []

        var isUsed: Bool { peerUses > 0 || !policies.isEmpty }
    }

    private struct Numbered {
        var policy: Policy
        var number: Int
    }

    /// The policies that all let something through to or from the same pods.
    private struct Profile: Hashable {
        var direction: Policy.Direction
        var policies: [Int]
    }

    private struct Used {
        var number: Int
        var uses = 1
    }

    /// A pod that holds its address.
    private struct Present {
        var selections: Set<Int> = []
        var profiles: [Policy.Direction: Profile] = [:]
    }

    let family: IPFamily
    private(set) var table: FilterTable
    /// How rules name the family.
    private let ip: String
    /// Of which type its addresses are.
    private let addressType: String
    private var namespaces: [String: [String: String]] = [:]
    private var pods: [Key: PolicyPod] = [:]
    private var podsOf: [String: Set<Key>] = [:]
    private var claims: [IPAddress: Set<Key>] = [:]
    private var present: [Key: Present] = [:]
    private var podsWith: [NamedPort: Set<Key>] = [:]
    private var policies: [Key: Numbered] = [:]
    private var policyOf: [Int: Key] = [:]
    private var selected: [Int: Selected] = [:]
    private var selections: [PodSelection: Int] = [:]
    /// Those that look at the labels of namespaces.
    private var acrossNamespaces: Set<Int> = []
    /// Those that look into a namespace.
    private var selectionsIn: [String: Set<Int>] = [:]
    private var ports: [NamedPort: Used] = [:]
    private var profiles: [Profile: Used] = [:]
    private var lastNumber = 0

    init(table name: String, _ family: IPFamily) {
        self.family = family
        table = FilterTable(name: name, family: family == .ipv4 ? .ip : .ip6)
        (ip, addressType) = (table.family.rawValue, table.family.addressType)
        table.addSet("self", type: "\(addressType) . \(addressType)")
        for (direction, priority) in [(Policy.Direction.egress, "filter - 1"), (.ingress, "filter")] {
            table.addSet(direction.word, "map", type: "\(addressType) : verdict")
            table.setChain(
                "forward-\(direction.word)",
                [
                    "type filter hook forward priority \(priority);", "ct state established,related accept",
                ] + (family == .ipv6 ? [Self.neighbours] : []) + [
                    // A pod cannot keep itself out: it may come by way of a Service.
                    "\(ip) saddr . \(ip) daddr @self accept", "\(ip) \(direction.ownEnd) vmap @\(direction.word)",
                ])
        }
    }

    /// What pods of one link ask each other by IPv6 itself, as by ARP in the other family: where they are, and who listens.
    private static let neighbours =
        "icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, mld2-listener-report } accept"

    /// Whether there is no policy, or no pod with an address of the family, so that nothing needs to be in force.
    var isEmpty: Bool { policies.isEmpty || pods.isEmpty }

    mutating func didPutInForce() { table.didPutInForce() }

    // MARK: Namespaces

    /// - Parameter labels: `nil` for one that is gone.
    mutating func setNamespace(_ name: String, labels: [String: String]?) {
        guard namespaces[name] != labels else { return }
        namespaces[name] = labels
        var touched: Set<Key> = []
        for id in acrossNamespaces {
            guard let what = selected[id]?.what, looks(what, into: name) != (selectionsIn[name]?.contains(id) ?? false) else { continue }
            if looks(what, into: name) {
                touched.formUnion(look(id, into: name))
            } else {
                forget(id, in: name)
                for pod in podsOf[name] ?? [] where leave(pod, id) { touched.insert(pod) }
            }
        }
        for pod in touched { isolate(pod) }
    }

    private func looks(_ selection: PodSelection, into namespace: String) -> Bool {
        switch selection.namespaces {
        case .one(let name): name == namespace
        case .matching(let selector): namespaces[namespace].map { selector.matches($0) } ?? false
        }
    }

    /// - Returns: the pods that policies select who did not before.
    @discardableResult
    private mutating func look(_ id: Int, into namespace: String) -> [Key] {
        selectionsIn[namespace, default: []].insert(id)
        var joined: [Key] = []
        for pod in podsOf[namespace] ?? [] where present[pod] != nil && join(pod, id) { joined.append(pod) }
        return joined
    }

    // MARK: Pods

    /// - Parameter pod: `nil` for one that is gone, or as good as gone.
    mutating func setPod(_ key: Key, _ pod: PolicyPod?) {
        let before = pods[key]
        guard before != pod else { return }
        let addresses = Set([before?.address, pod?.address].compactMap { $0 })
        for address in addresses { if let holder = holder(of: address) { withdraw(holder) } }
        if let before {
            claims[before.address]?.remove(key)
            if claims[before.address]?.isEmpty == true { claims[before.address] = nil }
        }
        pods[key] = pod
        if let pod {
            podsOf[key.namespace, default: []].insert(key)
            claims[pod.address, default: []].insert(key)
        } else {
            podsOf[key.namespace]?.remove(key)
            if podsOf[key.namespace]?.isEmpty == true { podsOf[key.namespace] = nil }
        }
        for address in addresses { if let holder = holder(of: address) { enter(holder) } }
    }

    /// The pod that has an address: of several that say so, the newest.
    private func holder(of address: IPAddress) -> Key? {
        claims[address]?.max { (pods[$0]?.created ?? "", $0) < (pods[$1]?.created ?? "", $1) }
    }

    private mutating func enter(_ key: Key) {
        guard let pod = pods[key], present[key] == nil else { return }
        present[key] = Present()
        for port in pod.ports {
            podsWith[port.name, default: []].insert(key)
            if let used = ports[port.name] { table.setElement("\(pod.address) . \(port.number)", to: "", in: "port-\(used.number)") }
        }
        for id in selectionsIn[key.namespace] ?? [] { join(key, id) }
        isolate(key)
    }

    private mutating func withdraw(_ key: Key) {
        guard let pod = pods[key], let state = present[key] else { return }
        for port in pod.ports {
            podsWith[port.name]?.remove(key)
            if podsWith[port.name]?.isEmpty == true { podsWith[port.name] = nil }
            if let used = ports[port.name] { table.setElement("\(pod.address) . \(port.number)", to: nil, in: "port-\(used.number)") }
        }
        for id in state.selections { leave(key, id) }
        isolate(key)
        present[key] = nil
    }

    /// - Returns: whether other policies may be for the pod now.
    @discardableResult
    private mutating func join(_ key: Key, _ id: Int) -> Bool {
        guard let pod = pods[key], let selection = selected[id], selection.what.pods.matches(pod.labels) else { return false }
        selected[id]?.members.insert(key)
        present[key]?.selections.insert(id)
        if selection.peerUses > 0 { table.setElement("\(pod.address)", to: "", in: "pods-\(id)") }
        return !selection.policies.isEmpty
    }

    @discardableResult
    private mutating func leave(_ key: Key, _ id: Int) -> Bool {
        guard let pod = pods[key], present[key]?.selections.remove(id) != nil else { return false }
        selected[id]?.members.remove(key)
        table.setElement("\(pod.address)", to: nil, in: "pods-\(id)")
        return selected[id]?.policies.isEmpty == false
    }

    /// Has the pod's packets go where the policies for it say.
    private mutating func isolate(_ key: Key) {
        guard let pod = pods[key], let state = present[key] else { return }
        var numbers: Set<Int> = []
        if pod.isLocal { for id in state.selections { numbers.formUnion(selected[id]?.policies ?? []) } }
        for direction in Policy.Direction.allCases {
            let concerned = numbers.filter { number in
                guard let key = policyOf[number] else { return false }
                return policies[key]?.policy.rules[direction] != nil
            }.sorted()
            let profile = concerned.isEmpty ? nil : Profile(direction: direction, policies: concerned)
            let before = state.profiles[direction]
            guard profile != before else { continue }
            let chain = profile.map { begin($0) }
            table.setElement("\(pod.address)", to: chain.map { "jump \($0)" }, in: direction.word)
            present[key]?.profiles[direction] = profile
            if let before { end(before) }
        }
        let isIsolated = present[key]?.profiles.isEmpty == false
        table.setElement("\(pod.address) . \(pod.address)", to: isIsolated ? "" : nil, in: "self")
    }

    private mutating func begin(_ profile: Profile) -> String {
        if profiles[profile] == nil {
            profiles[profile] = Used(number: nextNumber(), uses: 0)
            table.setChain(
                name(profile), profile.policies.map { "jump \(Self.chain($0, profile.direction))" } + ["drop"])
        }
        profiles[profile]?.uses += 1
        return name(profile)
    }

    private mutating func end(_ profile: Profile) {
        profiles[profile]?.uses -= 1
        guard profiles[profile]?.uses == 0 else { return }
        table.setChain(name(profile), nil)
        profiles[profile] = nil
    }

    private func name(_ profile: Profile) -> String { "\(profile.direction.word)-\(profiles[profile]?.number ?? 0)" }

    // MARK: Policies

    /// - Parameter policy: `nil` for one that is gone.
    mutating func setPolicy(_ key: Key, _ policy: Policy?) {
        let before = policies[key]
        guard before?.policy != policy else { return }
        let number = before?.number ?? nextNumber()
        var touched: Set<Key> = []
        // What comes is there before what goes is let go: most of it is the same.
        if let policy {
            let subject = select(policy.subject)
            selected[subject]?.policies.insert(number)
            touched.formUnion(selected[subject]?.members ?? [])
            for peer in policy.peers { usePeer(select(peer)) }
            for port in policy.namedPorts { use(port) }
        }
        for direction in Policy.Direction.allCases {
            table.setChain(Self.chain(number, direction), policy?.rules[direction].map { lines($0, direction) })
        }
        if let old = before?.policy {
            for peer in old.peers { if let id = selections[peer] { endPeer(id) } }
            for port in old.namedPorts { end(port) }
            if old.subject != policy?.subject, let id = selections[old.subject] {
                selected[id]?.policies.remove(number)
                touched.formUnion(selected[id]?.members ?? [])
            }
        }
        policies[key] = policy.map { Numbered(policy: $0, number: number) }
        policyOf[number] = policy.map { _ in key }
        for pod in touched { isolate(pod) }
        for selection in before.map({ $0.policy.peers.union([$0.policy.subject]) }) ?? [] { drop(selection) }
    }

    private static func chain(_ policy: Int, _ direction: Policy.Direction) -> String { "policy-\(policy)-\(direction.word)" }

    private func lines(_ rules: [Policy.Rule], _ direction: Policy.Direction) -> [String] {
        rules.flatMap { rule -> [String] in
            let peers = rule.peers.map { $0.compactMap { match($0, direction.peerEnd) } } ?? [""]
            let ports = rule.ports.map { PolicyPort.matches($0, ip) { "port-\(self.ports[$0]?.number ?? 0)" } } ?? [""]
            return peers.flatMap { peer in ports.map { port in [peer, port, "accept"].filter { !$0.isEmpty }.joined(separator: " ") } }
        }
    }

    private func match(_ peer: Policy.Peer, _ end: String) -> String? {
        switch peer {
        case .pods(let pods): selections[pods].map { "\(ip) \(end) @pods-\($0)" }
        // No packet of this family comes from a network of the other.
        case .block(let block): block.family == family ? block.match(ip, end) : nil
        }
    }

    // MARK: What policies share

    /// The number of a selection, which is looked for in its namespaces from now on.
    private mutating func select(_ what: PodSelection) -> Int {
        if let id = selections[what] { return id }
        let id = nextNumber()
        selections[what] = id
        selected[id] = Selected(what: what)
        switch what.namespaces {
        case .one(let namespace): look(id, into: namespace)
        case .matching:
            acrossNamespaces.insert(id)
            for namespace in namespaces.keys where looks(what, into: namespace) { look(id, into: namespace) }
        }
        return id
    }

    private mutating func drop(_ what: PodSelection) {
        guard let id = selections[what], let selection = selected[id], !selection.isUsed else { return }
        for pod in selection.members { present[pod]?.selections.remove(id) }
        switch what.namespaces {
        case .one(let namespace): forget(id, in: namespace)
        case .matching:
            acrossNamespaces.remove(id)
            for namespace in namespaces.keys { forget(id, in: namespace) }
        }
        selections[what] = nil
        selected[id] = nil
    }

    private mutating func forget(_ id: Int, in namespace: String) {
        selectionsIn[namespace]?.remove(id)
        if selectionsIn[namespace]?.isEmpty == true { selectionsIn[namespace] = nil }
    }

    private mutating func usePeer(_ id: Int) {
        if selected[id]?.peerUses == 0 {
            table.addSet("pods-\(id)", type: addressType)
            for pod in selected[id]?.members ?? [] {
                if let address = pods[pod]?.address { table.setElement("\(address)", to: "", in: "pods-\(id)") }
            }
        }
        selected[id]?.peerUses += 1
    }

    private mutating func endPeer(_ id: Int) {
        selected[id]?.peerUses -= 1
        if selected[id]?.peerUses == 0 { table.removeSet("pods-\(id)") }
    }

    private mutating func use(_ port: NamedPort) {
        if ports[port] == nil {
            let used = Used(number: nextNumber(), uses: 0)
            ports[port] = used
            table.addSet("port-\(used.number)", type: "\(addressType) . inet_service")
            for key in podsWith[port] ?? [] {
                guard let pod = pods[key] else { continue }
                for own in pod.ports where own.name == port {
                    table.setElement("\(pod.address) . \(own.number)", to: "", in: "port-\(used.number)")
                }
            }
        }
        ports[port]?.uses += 1
    }

    private mutating func end(_ port: NamedPort) {
        ports[port]?.uses -= 1
        guard let used = ports[port], used.uses == 0 else { return }
        table.removeSet("port-\(used.number)")
        ports[port] = nil
    }

    private mutating func nextNumber() -> Int {
        lastNumber += 1
        return lastNumber
    }
}

extension Policy.Direction {
    fileprivate var word: String { rawValue.lowercased() }
}
