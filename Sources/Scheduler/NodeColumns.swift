internal import APIModel
internal import PluginAPI
internal import PluginHost

/// All Nodes, as columns, updated in place. A deleted Node leaves a hole that the next new one fills. Used by the scheduling thread only.
final class NodeColumns {
    let strings = StringTable()
    let resources: ResourceColumns
    let pods: PodColumns
    let namespaces: NamespaceColumns
    let images = ImageTable()
    let attached: AttachedVolumes

    private var indices: [String: Int] = [:]
    private var holes: [Int] = []
    private var generation: UInt64 = 0
    private(set) var count = 0

    private var names = Column<apus_string>(0)
    private var nameTexts: [String] = []
    private var nonzeroCPU = Column<Int64>(0)
    private var nonzeroMemory = Column<Int64>(0)
    private var unschedulable = Column<UInt8>(0)
    private var labels = Rows(apus_label())
    private var taints = Rows(apus_taint())
    private var ports = Rows(apus_host_port())
    private var volumeLimits = Rows(apus_volume_limit())
    private var features = Rows<apus_string>(0)
    /// One bit a Node that is not a hole.
    private(set) var live = Column<UInt64>(0)
    /// By Node, the Pods that hold something there, the most important one first.
    private var residents: [[PodInfo]] = []
    /// By Node, the columns of what it offers beside the fixed resources.
    private var offers: [[Int]] = []

    /// The structure that is lent, itself where isolated plugins read it.
    private let shared = SharedArena.shared.allocate(bytes: MemoryLayout<apus_nodes>.size).bindMemory(to: apus_nodes.self, capacity: 1)

    /// What policies noted of another scheduler's columns must not be taken for ours.
    private let identity = UInt64.random(in: 1 ... .max)
    private var changes = ChangeLog()
    /// Nodes that are other than they were, or hold other Pods.
    private(set) var touched = ChangeLog()

    init(_ volumes: VolumeObjects = VolumeObjects()) {
        attached = AttachedVolumes(volumes)
        resources = ResourceColumns(strings)
        pods = PodColumns(strings)
        namespaces = NamespaceColumns(strings)
        attached.changed = { [unowned self] node in if let index = index(of: node) { setVolumeLimits(index) } }
    }

    deinit {
        for column in [nonzeroCPU, nonzeroMemory] { column.free() }
        names.free()
        unschedulable.free()
        live.free()
        labels.free()
        taints.free()
        ports.free()
        volumeLimits.free()
        features.free()
        changes.free()
        touched.free()
        SharedArena.shared.free(shared, bytes: MemoryLayout<apus_nodes>.size)
    }

    /// How many Nodes there are.
    var liveCount: Int { indices.count }
    func index(of name: String) -> Int? { indices[name] }
    func name(_ node: Int) -> String { nameTexts[node] }
    func labels(_ node: Int) -> [String: String] {
        Dictionary(uniqueKeysWithValues: labels[node].map { (strings.text($0.key), strings.text($0.value)) })
    }

    /// Takes a new or changed Node over. Returns what changed of all that decides where Pods may run.
    func put(_ node: Object) -> ClusterEvents {
        let index = indices[node.name] ?? place(node.name)
        var changed: ClusterEvents = live[index >> 6] & bit(index) == 0 ? .nodeAdded : []
        live[index >> 6] |= bit(index)

        let (spec, status) = (node.value["spec"], node.value["status"])
        if setOffers(
            index, ResourceAmounts(ResourceAmounts.read(status["allocatable"].isNull ? status["capacity"] : status["allocatable"])))
        {
            changed.insert(.nodeAllocatable)
        }
        let flag: UInt8 = spec["unschedulable"].bool == true ? 1 : 0
        if unschedulable[index] != flag { changed.insert(.nodeTaints) }
        unschedulable[index] = flag
        images.put(index, status["images"])
        if labels.setLabels(index, node.labels, strings) { changed.insert(.nodeLabels) }
        if setTaints(index, spec["taints"].elements) { changed.insert(.nodeTaints) }
        if setFeatures(index, status["declaredFeatures"].elements) { changed.insert(.nodeFeatures) }
        if changed.contains(.nodeAdded) { setVolumeLimits(index) }
        if !changed.isEmpty {
            generation += 1
            changes.append(index)
            touched.append(index)
        }
        return changed
    }

    /// Leaves a hole. The Pods there must have been subtracted.
    func remove(_ name: String) {
        guard let index = indices.removeValue(forKey: name) else { return }
        live[index >> 6] &= ~bit(index)
        _ = setOffers(index, ResourceAmounts([:]))
        _ = labels.setLabels(index, [:], strings)
        _ = setTaints(index, [])
        _ = setFeatures(index, [])
        images.put(index, .null)
        setVolumeLimits(index, [])
        unschedulable[index] = 0
        strings.release(names[index])
        names[index] = 0
        holes.append(index)
        generation += 1
        changes.append(index)
        touched.append(index)
    }

    /// Lends the columns for the duration of `body`. When they change meanwhile, `lend` must follow.
    func withPointer<R>(_ body: (UnsafePointer<apus_nodes>) throws -> R) rethrows -> R {
        lend()
        return try withExtendedLifetime(self) { try body(UnsafePointer(shared)) }
    }

    /// Makes what is lent be the columns as they are now.
    func lend() {
        let pointers = resources.pointers
        let nodes = apus_nodes(
            size: UInt32(MemoryLayout<apus_nodes>.size), count: UInt32(count), generation: generation, names: UnsafePointer(names.pointer),
            resource_count: UInt32(resources.count), resources: UnsafePointer(resources.names.pointer), allocatable: pointers.offered,
            requested: pointers.held, nonzero_cpu: UnsafePointer(nonzeroCPU.pointer), nonzero_memory: UnsafePointer(nonzeroMemory.pointer),
            unschedulable: UnsafePointer(unschedulable.pointer), label_ranges: labels.ranges, labels: labels.pointer,
            taint_ranges: taints.ranges, taints: taints.pointer, port_ranges: ports.ranges, ports: ports.pointer,
            volume_limit_ranges: volumeLimits.ranges, volume_limits: volumeLimits.pointer, feature_ranges: features.ranges,
            features: features.pointer,
            strings: UnsafePointer(strings.texts.pointer), string_count: UInt32(strings.count), live_count: UInt32(liveCount),
            string_epoch: strings.epoch,
            identity: identity, changes: changes.lent, touched: touched.lent, pods: pods.pointer, namespaces: namespaces.pointer)
        shared.initialize(to: nodes)
    }

    private func setOffers(_ node: Int, _ amounts: ResourceAmounts) -> Bool {
        var changed = false
        func set(_ column: Int, _ amount: Int64) {
            changed = changed || resources.offered(column, node) != amount
            resources.setOffered(column, node, amount)
        }
        for column in 0..<ResourceAmounts.fixedNames.count { set(column, amounts.fixed[column]) }
        let before = offers[node]
        offers[node] = amounts.others.map { resources.hold($0.name) }
        for (column, other) in zip(offers[node], amounts.others) { set(column, other.amount) }
        for column in before {
            if !offers[node].contains(column) { set(column, 0) }
            resources.release(column)
        }
        return changed
    }

    private func setTaints(_ node: Int, _ new: [Value]) -> Bool {
        let row = new.map {
            apus_taint(
                key: strings.hold($0["key"].string ?? ""), value: strings.hold($0["value"].string ?? ""),
                effect: PodArguments.effect($0["effect"].string))
        }
        let isSame = taints[node].elementsEqual(row) { $0.key == $1.key && $0.value == $1.value && $0.effect == $1.effect }
        let gone = isSame ? row : Array(taints[node])
        if !isSame { taints.set(node, row) }
        for taint in gone {
            strings.release(taint.key)
            strings.release(taint.value)
        }
        return !isSame
    }

    private func setFeatures(_ node: Int, _ new: [Value]) -> Bool {
        let row = new.map { strings.hold($0.string ?? "") }
        let isSame = features[node].elementsEqual(row)
        let gone = isSame ? row : Array(features[node])
        if !isSame { features.set(node, row) }
        for feature in gone { strings.release(feature) }
        return !isSame
    }

    private func setVolumeLimits(_ node: Int) { setVolumeLimits(node, attached.limits(name(node))) }

    private func setVolumeLimits(_ node: Int, _ limits: [(driver: String, limit: Int32, attached: Int32)]) {
        let row = limits.map { apus_volume_limit(driver: strings.hold($0.driver), limit: $0.limit, attached: $0.attached) }
        for old in volumeLimits[node] { strings.release(old.driver) }
        volumeLimits.set(node, row)
        generation += 1
        touched.append(node)
    }

    /// A place for a new Node: a hole, or one more at the end.
    private func place(_ name: String) -> Int {
        let index = holes.popLast() ?? count
        if index == count {
            count += 1
            names.grow(to: count)
            nameTexts.append("")
            resources.grow(to: count)
            nonzeroCPU.grow(to: count)
            nonzeroMemory.grow(to: count)
            unschedulable.grow(to: count)
            live.grow(to: (count + 63) >> 6)
            labels.grow(to: count)
            taints.grow(to: count)
            ports.grow(to: count)
            volumeLimits.grow(to: count)
            features.grow(to: count)
            offers.append([])
            residents.append([])
        }
        names[index] = strings.hold(name)
        nameTexts[index] = name
        indices[name] = index
        return index
    }

    private func bit(_ index: Int) -> UInt64 { 1 << UInt64(index & 63) }
}

// What Pods hold.
extension NodeColumns {
    /// The Pods on a Node that are less important than `priority` says, the most important one first.
    func lessImportant(on node: Int, than priority: Int32) -> ArraySlice<PodInfo> {
        let all = residents[node]
        return all[all.firstBeyond { $0.priority < priority }...]
    }

    /// Counts what a Pod holds on a Node, until `subtract`.
    func add(_ pod: PodInfo, to node: Int) {
        for other in pod.requests.amounts.others { _ = resources.hold(other.name) }
        pods.add(pod, to: node)
        residents[node].insert(pod, at: residents[node].firstBeyond { pod.isMoreImportant(than: $0) })
        weigh(pod, node, 1)
    }

    func subtract(_ pod: PodInfo, from node: Int) {
        weigh(pod, node, -1)
        for other in pod.requests.amounts.others { if let column = resources.column(of: other.name) { resources.release(column) } }
        pods.remove(pod)
        if let place = residents[node].firstIndex(where: { $0 === pod }) { residents[node].remove(at: place) }
    }

    /// Takes away for a moment what a Pod holds on a Node, until `putBack`.
    func lift(_ pod: PodInfo, from node: Int) {
        weigh(pod, node, -1)
        pods.lift(pod)
    }

    func putBack(_ pod: PodInfo, to node: Int) {
        pods.putBack(pod, to: node)
        weigh(pod, node, 1)
    }

    /// Another state of the Pod takes its place; it holds the same.
    func replace(_ pod: PodInfo, by newer: PodInfo, on node: Int) {
        (newer.row, pod.row) = (pod.row, nil)
        if let place = residents[node].firstIndex(where: { $0 === pod }) { residents[node][place] = newer }
    }

    /// Adds to what is held on the Node, or takes it away.
    private func weigh(_ pod: PodInfo, _ node: Int, _ sign: Int64) {
        count(pod, node, sign)
        for other in pod.requests.amounts.others {
            guard let column = resources.column(of: other.name) else { continue }
            resources.setHeld(column, node, resources.held(column, node) &+ sign &* other.amount)
        }
        for claim in pod.claims {
            if sign > 0 { attached.add(claim.key, on: name(node)) } else { attached.remove(claim.key, on: name(node)) }
        }
        guard !pod.hostPorts.isEmpty else { return }
        var left = Array(ports[node])
        for port in pod.hostPorts {
            if sign > 0 {
                left.append(apus_host_port(protocol: port.networkProtocol, port: port.port, ip: strings.hold(port.ip)))
            } else if let ip = strings.number(of: port.ip),
                let index = left.firstIndex(where: { $0.port == port.port && $0.protocol == port.networkProtocol && $0.ip == ip })
            {
                left.remove(at: index)
                strings.release(ip)
            }
        }
        ports.set(node, left)
    }

    private func count(_ pod: PodInfo, _ node: Int, _ sign: Int64) {
        // Whoever puts Pods past the scheduler onto a Node may put any number: what is added wrongly is subtracted again.
        for column in 0..<ResourceAmounts.fixedNames.count {
            resources.setHeld(column, node, resources.held(column, node) &+ sign &* pod.requests.amounts.fixed[column])
        }
        nonzeroCPU[node] &+= sign &* pod.requests.nonzeroCPU
        nonzeroMemory[node] &+= sign &* pod.requests.nonzeroMemory
        generation += 1
        touched.append(node)
    }
}

extension Array {
    /// The first index for which `isBeyond` holds, which it does for all that follow.
    fileprivate func firstBeyond(_ isBeyond: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isBeyond(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
