internal import APIModel
internal import PluginAPI
internal import PluginHost

/// All Nodes, as columns, updated in place. A deleted Node leaves a hole that the next new one fills. Used by the scheduling thread only.
final class NodeColumns {
    let strings = StringTable()
    let resources: ResourceNames

    private var indices: [String: Int] = [:]
    private var holes: [Int] = []
    private var generation: UInt64 = 0
    private(set) var count = 0

    private var names = Column<apus_string>(0)
    private var allocatable: [Column<Int64>] = []
    private var requested: [Column<Int64>] = []
    private var nonzeroCPU = Column<Int64>(0)
    private var nonzeroMemory = Column<Int64>(0)
    private var unschedulable = Column<UInt8>(0)
    private var labels = Rows(apus_label())
    private var taints = Rows(apus_taint())
    private var ports = Rows(apus_host_port())
    /// One bit a Node that is not a hole.
    private(set) var live = Column<UInt64>(0)
    // The pointers to the columns, as the ABI wants them.
    private var allocatablePointers = Column<UnsafePointer<Int64>>(UnsafePointer(bitPattern: 8)!)
    private var requestedPointers = Column<UnsafePointer<Int64>>(UnsafePointer(bitPattern: 8)!)

    /// The structure that is lent, itself where isolated plugins read it.
    private let shared = SharedArena.shared.allocate(bytes: MemoryLayout<apus_nodes>.size).bindMemory(to: apus_nodes.self, capacity: 1)

    init() {
        resources = ResourceNames(strings)
        addResourceColumns()
    }

    deinit {
        for column in allocatable + requested + [nonzeroCPU, nonzeroMemory] { column.free() }
        names.free()
        unschedulable.free()
        live.free()
        labels.free()
        taints.free()
        ports.free()
        allocatablePointers.free()
        requestedPointers.free()
        SharedArena.shared.free(shared, bytes: MemoryLayout<apus_nodes>.size)
    }

    /// How many Nodes there are.
    var liveCount: Int { indices.count }
    func index(of name: String) -> Int? { indices[name] }
    func name(_ node: Int) -> String { strings.text(names[node]) }

    /// Takes a new or changed Node over. Returns whether anything changed that decides where Pods may run.
    func put(_ node: Object) -> Bool {
        let index = indices[node.name] ?? place(node.name)
        let isNew = live[index >> 6] & bit(index) == 0
        var changed = isNew
        live[index >> 6] |= bit(index)

        let (spec, status) = (node.value["spec"], node.value["status"])
        let amounts = resources.amounts(status["allocatable"].isNull ? status["capacity"] : status["allocatable"])
        addResourceColumns()
        for column in allocatable.indices {
            let amount = amounts[column] ?? 0
            changed = changed || allocatable[column][index] != amount
            allocatable[column][index] = amount
        }
        let flag: UInt8 = spec["unschedulable"].bool == true ? 1 : 0
        changed = changed || unschedulable[index] != flag
        unschedulable[index] = flag

        let labels = node.labels.sorted { $0.key < $1.key }.map { apus_label(key: strings.number($0.key), value: strings.number($0.value)) }
        if !self.labels[index].elementsEqual(labels, by: { $0.key == $1.key && $0.value == $1.value }) {
            self.labels[index] = labels
            changed = true
        }
        let taints = spec["taints"].elements.map {
            apus_taint(
                key: strings.number($0["key"].string ?? ""), value: strings.number($0["value"].string ?? ""),
                effect: PodArguments.effect($0["effect"].string))
        }
        if !self.taints[index].elementsEqual(taints, by: { $0.key == $1.key && $0.value == $1.value && $0.effect == $1.effect }) {
            self.taints[index] = taints
            changed = true
        }
        if changed { generation += 1 }
        return changed
    }

    /// Leaves a hole. What Pods hold there is forgotten with it.
    func remove(_ name: String) {
        guard let index = indices.removeValue(forKey: name) else { return }
        live[index >> 6] &= ~bit(index)
        for column in allocatable.indices {
            allocatable[column][index] = 0
            requested[column][index] = 0
        }
        nonzeroCPU[index] = 0
        nonzeroMemory[index] = 0
        unschedulable[index] = 0
        labels[index] = []
        taints[index] = []
        ports[index] = []
        holes.append(index)
        generation += 1
    }

    /// Counts what a Pod holds on a Node.
    func add(_ pod: PodInfo, to node: Int) {
        count(pod, node, 1)
        if !pod.hostPorts.isEmpty { ports[node] += pod.hostPorts }
    }

    func subtract(_ pod: PodInfo, from node: Int) {
        count(pod, node, -1)
        guard !pod.hostPorts.isEmpty else { return }
        var left = ports[node]
        for port in pod.hostPorts {
            guard let index = left.firstIndex(where: { $0.port == port.port && $0.protocol == port.protocol && $0.ip == port.ip }) else {
                continue
            }
            left.remove(at: index)
        }
        ports[node] = left
    }

    private func count(_ pod: PodInfo, _ node: Int, _ sign: Int64) {
        addResourceColumns()
        // Whoever puts Pods past the scheduler onto a Node may put any number: what is added wrongly is subtracted again.
        for (column, amount) in pod.requests.amounts { requested[column][node] &+= sign * amount }
        nonzeroCPU[node] &+= sign * pod.requests.nonzeroCPU
        nonzeroMemory[node] &+= sign * pod.requests.nonzeroMemory
        generation += 1
    }

    /// Lends the columns for the duration of `body`.
    func withPointer<R>(_ body: (UnsafePointer<apus_nodes>) throws -> R) rethrows -> R {
        addResourceColumns()
        for column in allocatable.indices {
            allocatablePointers[column] = UnsafePointer(allocatable[column].pointer)
            requestedPointers[column] = UnsafePointer(requested[column].pointer)
        }
        let (labels, taints, ports) = (labels.flat(), taints.flat(), ports.flat())
        let nodes = apus_nodes(
            size: UInt32(MemoryLayout<apus_nodes>.size), count: UInt32(count), generation: generation, names: UnsafePointer(names.pointer),
            resource_count: UInt32(resources.count), resources: UnsafePointer(resources.names.pointer),
            allocatable: UnsafePointer(allocatablePointers.pointer),
            requested: UnsafePointer(requestedPointers.pointer), nonzero_cpu: UnsafePointer(nonzeroCPU.pointer),
            nonzero_memory: UnsafePointer(nonzeroMemory.pointer),
            unschedulable: UnsafePointer(unschedulable.pointer), label_ranges: apus_ranges(offsets: labels.offsets),
            labels: labels.elements,
            taint_ranges: apus_ranges(offsets: taints.offsets), taints: taints.elements, port_ranges: apus_ranges(offsets: ports.offsets),
            ports: ports.elements,
            strings: UnsafePointer(strings.texts.pointer), string_count: UInt32(strings.count), reserved: 0)
        shared.initialize(to: nodes)
        return try withExtendedLifetime(self) { try body(UnsafePointer(shared)) }
    }

    /// A place for a new Node: a hole, or one more at the end.
    private func place(_ name: String) -> Int {
        let index = holes.popLast() ?? count
        if index == count {
            count += 1
            names.grow(to: count)
            for column in allocatable.indices {
                allocatable[column].grow(to: count)
                requested[column].grow(to: count)
            }
            nonzeroCPU.grow(to: count)
            nonzeroMemory.grow(to: count)
            unschedulable.grow(to: count)
            live.grow(to: (count + 63) >> 6)
            labels.grow(to: count)
            taints.grow(to: count)
            ports.grow(to: count)
        }
        names[index] = strings.number(name)
        indices[name] = index
        return index
    }

    /// A column for every resource that got a name since the last look.
    private func addResourceColumns() {
        while allocatable.count < resources.count {
            var (offered, asked) = (Column<Int64>(0), Column<Int64>(0))
            offered.grow(to: count)
            asked.grow(to: count)
            allocatable.append(offered)
            requested.append(asked)
            allocatablePointers.grow(to: allocatable.count)
            requestedPointers.grow(to: requested.count)
        }
    }

    private func bit(_ index: Int) -> UInt64 { 1 << UInt64(index & 63) }
}
