internal import PluginAPI
internal import PluginHost

/// The Pods that hold something on a Node, as columns, updated in place. One that goes leaves a hole that the next one fills. Used by the
/// scheduling thread only.
final class PodColumns {
    private let strings: StringTable
    private let classes: PodClasses
    private var holes: [Int] = []
    private var count = 0

    private var nodes = Column(APUS_NO_NODE)
    private var names = Column<apus_string>(0)
    private var classRows = Column<UInt32>(0)
    private var priorities = Column<Int32>(0)
    private var terminating = Column<UInt8>(0)
    private var starts = Column<Int64>(0)
    private var requests = Rows(apus_amount())
    private var changes = ChangeLog()

    /// The structure that is lent, itself where isolated plugins read it.
    private let shared = SharedArena.shared.allocate(bytes: MemoryLayout<apus_pods>.size).bindMemory(to: apus_pods.self, capacity: 1)

    init(_ strings: StringTable) {
        self.strings = strings
        classes = PodClasses(strings)
    }

    deinit {
        nodes.free()
        names.free()
        classRows.free()
        priorities.free()
        terminating.free()
        starts.free()
        requests.free()
        changes.free()
        SharedArena.shared.free(shared, bytes: MemoryLayout<apus_pods>.size)
    }

    /// Gives the Pod a row, until `remove`.
    func add(_ pod: PodInfo, to node: Int) {
        let row = holes.popLast() ?? count
        if row == count {
            count += 1
            nodes.grow(to: count)
            names.grow(to: count)
            classRows.grow(to: count)
            priorities.grow(to: count)
            terminating.grow(to: count)
            starts.grow(to: count)
            requests.grow(to: count)
        }
        pod.row = row
        nodes[row] = UInt32(node)
        names[row] = strings.hold(pod.key.name)
        classRows[row] = UInt32(classes.hold(pod.template))
        priorities[row] = pod.priority
        terminating[row] = pod.isTerminating ? 1 : 0
        starts[row] = pod.start
        requests.set(
            row, pod.template.amounts.map { apus_amount(resource: strings.hold($0.resource), reserved: 0, amount: $0.amount) })
        changes.append(row)
    }

    func remove(_ pod: PodInfo) {
        guard let row = pod.row else { return }
        pod.row = nil
        nodes[row] = APUS_NO_NODE
        strings.release(names[row])
        classes.release(Int(classRows[row]))
        for amount in requests[row] { strings.release(amount.resource) }
        requests.set(row, [])
        holes.append(row)
        changes.append(row)
    }

    /// The Pod is nowhere for a moment, but keeps its row.
    func lift(_ pod: PodInfo) {
        guard let row = pod.row else { return }
        nodes[row] = APUS_NO_NODE
        changes.append(row)
    }

    func putBack(_ pod: PodInfo, to node: Int) {
        guard let row = pod.row else { return }
        nodes[row] = UInt32(node)
        changes.append(row)
    }

    /// Something about the Pod's Node changed.
    func touch(_ pod: PodInfo) {
        if let row = pod.row { changes.append(row) }
    }

    /// The columns as the ABI lends them, until one of them changes.
    var pointer: UnsafePointer<apus_pods> {
        shared.initialize(
            to: apus_pods(
                size: UInt32(MemoryLayout<apus_pods>.size), count: UInt32(count), changes: changes.lent,
                nodes: UnsafePointer(nodes.pointer),
                names: UnsafePointer(names.pointer), classes: UnsafePointer(classRows.pointer),
                priorities: UnsafePointer(priorities.pointer),
                terminating: UnsafePointer(terminating.pointer), starts: UnsafePointer(starts.pointer), request_ranges: requests.ranges,
                requests: requests.pointer, class_count: UInt32(classes.table.count), reserved: 0,
                class_rows: UnsafePointer(classes.table.pointer)))
        return UnsafePointer(shared)
    }
}
