internal import PluginAPI

/// Nodes for an author's own tests of a scheduler policy: what a cycle of the scheduler would see of them.
///
/// ```swift
/// let nodes = TestNodes([.init("small", cpu: 1000, requestedCPU: 900), .init("large", cpu: 8000)])
/// assert(try nodes.filter(policy, cpu: 500).left == ["large"])
/// ```
public final class TestNodes {
    public struct Node: Sendable {
        public var name: String
        /// In thousandths of a core and in bytes; `requested` is what Pods on it have asked for.
        public var allocatable: (cpu: Int64, memory: Int64)
        public var requested: (cpu: Int64, memory: Int64)
        /// How many Pods it can take, and has.
        public var pods: (allocatable: Int64, running: Int64)
        public var labels: [String: String]

        public init(
            _ name: String, cpu: Int64 = 4000, memory: Int64 = 8 << 30, requestedCPU: Int64 = 0, requestedMemory: Int64 = 0,
            maximumPods: Int64 = 110, pods: Int64 = 0,
            labels: [String: String] = [:]
        ) {
            self.name = name
            allocatable = (cpu, memory)
            requested = (requestedCPU, requestedMemory)
            self.pods = (maximumPods, pods)
            self.labels = labels
        }
    }

    private let nodes: [Node]
    private var memory = TestMemory()
    private var strings: [String: apus_string] = [:]
    private var texts: [String] = []
    private var columns = UnsafeMutablePointer<apus_nodes>.allocate(capacity: 1)

    /// - Precondition: there are at most 64 Nodes, so that one word holds a set of them.
    public init(_ nodes: [Node]) {
        precondition(nodes.count <= 64, "TestNodes has room for 64 Nodes")
        self.nodes = nodes
        _ = number("")
        columns.initialize(to: makeColumns())
    }

    deinit {
        columns.deallocate()
        memory.free()
    }

    /// What `policy` leaves of all the Nodes for a Pod that asks for so much, and the reasons it gave, each with the Nodes it was given
    /// for.
    public func filter(
        _ policy: some SchedulerPolicy, cpu: Int64 = 0, memory bytes: Int64 = 0, selector: [String: String] = [:]
    ) throws -> (left: [String], reasons: [String: [String]]) {
        let heard = Refusals()
        var raw = apus_reasons(
            size: UInt32(MemoryLayout<apus_reasons>.size), context: Unmanaged.passUnretained(heard).toOpaque()
        ) { context, nodes, _, reason, _ in instance(context, as: Refusals.self).all.append((reason.string, nodes[0])) }
        var feasible = all
        try withPod(cpu, bytes, selector) { pod in
            try withExtendedLifetime(heard) {
                try withUnsafeMutablePointer(to: &feasible) { feasible in
                    try withUnsafePointer(to: &raw) { raw in
                        try policy.filter(pod, Nodes(columns), NodeSet(words: feasible, count: nodes.count), Reasons(raw))
                    }
                }
            }
        }
        var reasons: [String: [String]] = [:]
        for (reason, set) in heard.all { reasons[reason, default: []] += names(set) }
        return (names(feasible), reasons)
    }

    /// The points that `policy` gives each Node.
    public func score(_ policy: some SchedulerPolicy, cpu: Int64 = 0, memory bytes: Int64 = 0, selector: [String: String] = [:]) throws
        -> [String: Int32]
    {
        var feasible = all
        var points = [Int32](repeating: -1, count: nodes.count)
        try withPod(cpu, bytes, selector) { pod in
            try withUnsafeMutablePointer(to: &feasible) { feasible in
                try points.withUnsafeMutableBufferPointer {
                    try policy.score(pod, Nodes(columns), NodeSet(words: feasible, count: nodes.count), $0)
                }
            }
        }
        return Dictionary(uniqueKeysWithValues: zip(nodes.map(\.name), points))
    }

    /// What `policy` says to a Pod that has a Node, the first one.
    public func permit(_ policy: some SchedulerPolicy, uid: String = "test", json: String = "{}", _ others: WaitingPods) throws -> Permit {
        try withPod(0, 0, [:]) { pod in
            let own = UnsafeMutablePointer(mutating: pod.raw)
            (own.pointee.uid, own.pointee.json) = (memory.text(uid), memory.text(json))
            return try policy.permit(pod, Nodes(columns), node: 0, others)
        }
    }

    private var all: UInt64 { nodes.count == 64 ? .max : (1 << UInt64(nodes.count)) - 1 }
    private func names(_ set: UInt64) -> [String] { nodes.indices.filter { set & (1 << UInt64($0)) != 0 }.map { nodes[$0].name } }

    private func number(_ text: String) -> apus_string {
        if let known = strings[text] { return known }
        let new = apus_string(texts.count)
        strings[text] = new
        texts.append(text)
        return new
    }
}

extension TestNodes {
    private static let resources = ["cpu", "memory", "ephemeral-storage", "pods"]

    private func makeColumns() -> apus_nodes {
        let labels = nodes.map { $0.labels.map { apus_label(key: number($0.key), value: number($0.value)) }.sorted { $0.key < $1.key } }
        let nothing = memory.array([UInt32](repeating: 0, count: max(1, nodes.count)))
        let cpu = memory.array(nodes.map(\.requested.cpu))
        let bytes = memory.array(nodes.map(\.requested.memory))
        let zeros = memory.array([Int64](repeating: 0, count: nodes.count))
        let unchanged = apus_changes(count: 0, capacity: 1, reserved: 0, rows: nothing)
        let nobody = memory.ranges([])
        let pods = apus_pods(
            size: UInt32(MemoryLayout<apus_pods>.size), count: 0, changes: unchanged, nodes: nothing, names: nothing, classes: nothing,
            priorities: memory.array([]), terminating: memory.array([]), starts: memory.array([]), request_ranges: nobody,
            requests: memory.array([]), class_count: 0, reserved: 0, class_rows: memory.array([]))
        let namespaces = apus_namespaces(
            size: UInt32(MemoryLayout<apus_namespaces>.size), count: 0, changes: unchanged, names: nothing, label_ranges: nobody,
            labels: memory.array([]))
        var columns = apus_nodes(
            size: UInt32(MemoryLayout<apus_nodes>.size), count: UInt32(nodes.count), generation: 1,
            names: memory.array(nodes.map { number($0.name) }),
            resource_count: UInt32(Self.resources.count), resources: memory.array(Self.resources.map(number)),
            allocatable: memory.array([
                memory.array(nodes.map(\.allocatable.cpu)), memory.array(nodes.map(\.allocatable.memory)), zeros,
                memory.array(nodes.map(\.pods.allocatable)),
            ]),
            requested: memory.array([cpu, bytes, zeros, memory.array(nodes.map(\.pods.running))]), nonzero_cpu: cpu, nonzero_memory: bytes,
            unschedulable: memory.array([UInt8](repeating: 0, count: nodes.count)),
            label_ranges: memory.ranges(labels.map(\.count)), labels: memory.array(labels.flatMap(\.self)),
            taint_ranges: apus_ranges(starts: nothing, counts: nothing), taints: memory.array([]),
            port_ranges: apus_ranges(starts: nothing, counts: nothing), ports: memory.array([]),
            volume_limit_ranges: apus_ranges(starts: nothing, counts: nothing), volume_limits: memory.array([]),
            feature_ranges: apus_ranges(starts: nothing, counts: nothing), features: memory.array([]), strings: memory.array([]),
            string_count: 0, live_count: UInt32(nodes.count), string_epoch: 0, identity: .random(in: 1 ... .max), changes: unchanged,
            touched: unchanged,
            pods: memory.array([pods]), namespaces: memory.array([namespaces]))
        setStrings(&columns)
        return columns
    }

    private func setStrings(_ columns: inout apus_nodes) {
        columns.strings = memory.array(texts.map { memory.text($0) })
        columns.string_count = UInt32(texts.count)
    }

    private func withPod<R>(_ cpu: Int64, _ bytes: Int64, _ selector: [String: String], _ body: (PodNeeds) throws -> R) throws -> R {
        let wanted = memory.array(selector.sorted { $0.key < $1.key }.map { apus_label(key: number($0.key), value: number($0.value)) })
        let namespace = number("default")
        setStrings(&columns.pointee)
        // The rest is what a Pod does not ask for: zero.
        let pod = memory.zeroed(apus_pod.self)
        pod.pointee.size = UInt32(MemoryLayout<apus_pod>.size)
        (pod.pointee.namespace_, pod.pointee.namespace_string) = (memory.text("default"), namespace)
        (pod.pointee.name, pod.pointee.uid, pod.pointee.json) = (memory.text("test"), memory.text("test"), memory.text("{}"))
        (pod.pointee.requests, pod.pointee.request_count) = (memory.array([cpu, bytes, 0, 1]), UInt32(Self.resources.count))
        (pod.pointee.nonzero_cpu, pod.pointee.nonzero_memory, pod.pointee.may_preempt) = (cpu, bytes, 1)
        (pod.pointee.selector, pod.pointee.selector_count) = (wanted, UInt32(selector.count))
        return try body(PodNeeds(pod))
    }
}

/// What a policy said to its `Reasons`.
private final class Refusals {
    var all: [(reason: String, nodes: UInt64)] = []
}

/// Arrays that C structures point to, until all are freed at once.
private struct TestMemory {
    private var blocks: [UnsafeMutableRawPointer] = []

    mutating func array<T>(_ values: [T]) -> UnsafePointer<T> {
        let block = UnsafeMutablePointer<T>.allocate(capacity: max(1, values.count))
        block.initialize(from: values, count: values.count)
        blocks.append(block)
        return UnsafePointer(block)
    }

    mutating func text(_ text: String) -> apus_borrowed {
        apus_borrowed(bytes: array(Array(text.utf8)), count: UInt64(text.utf8.count))
    }

    /// Rows of these lengths, laid end to end.
    mutating func ranges(_ counts: [Int]) -> apus_ranges {
        var starts: [UInt32] = []
        var end: UInt32 = 0
        for count in counts {
            starts.append(end)
            end += UInt32(count)
        }
        return apus_ranges(starts: array(starts), counts: array(counts.map { UInt32($0) }))
    }

    /// A structure whose pointers are null, to be filled.
    mutating func zeroed<T>(_ type: T.Type) -> UnsafeMutablePointer<T> {
        let block = UnsafeMutableRawPointer.allocate(byteCount: MemoryLayout<T>.size, alignment: MemoryLayout<T>.alignment)
        block.initializeMemory(as: UInt8.self, repeating: 0, count: MemoryLayout<T>.size)
        blocks.append(block)
        return block.assumingMemoryBound(to: type)
    }

    func free() { for block in blocks { block.deallocate() } }
}
