internal import PluginAPI

/// One Pod against some Nodes: lends the arrays with guards around them, and says what came of it.
struct Trial: Sendable {
    let table: SchedulingTable
    let pod: PodSample
    let count: Int
    private var words: Int { (count + 63) / 64 }

    /// - Parameter slots: what the trial is for: a policy in a process of its own reads the Nodes from shared memory.
    init(_ nodes: [NodeSample?], pod: PodSample, junk: Bool = false, for slots: PolicySlots) {
        table = SchedulingTable(nodes, pod: pod, junk: junk, isShared: slots.isIsolated)
        self.pod = pod
        count = nodes.count
    }

    /// `Pod huge on 65 Nodes`, for people.
    var name: String { "Pod \(pod.name) on \(count) Nodes" }

    struct Filtered: Sendable, Equatable {
        var answer: Answer
        var given: [UInt64]
        var left: [UInt64]
        /// Whether a word before or after the set was written to.
        var isOutside: Bool
        var reasons: [Reason] = []
        struct Reason: Sendable, Equatable {
            var nodes: [UInt64]
            var verdict: apus_status
            var text: String
        }
    }

    /// - Parameter given: the set to begin with; every Node when `nil`.
    func filter(_ slots: PolicySlots, given: [UInt64]? = nil, asksReasons: Bool = false) throws -> Filtered {
        guard let slot = slots.filter else { throw NotOffered("the policy has no filter") }
        let given = given ?? table.present
        var memory = Guarded(given, guard: 0xa5a5_a5a5_a5a5_a5a5)
        var reasons: [Filtered.Reason] = []
        let words = words
        let answer = memory.lend { feasible in
            slot(
                table.pod, table.nodes, feasible,
                asksReasons
                    ? { reasons.append(Filtered.Reason(nodes: Array(UnsafeBufferPointer(start: $0, count: words)), verdict: $1, text: $2)) }
                    : nil)
        }
        return Filtered(answer: answer, given: given, left: memory.inside, isOutside: memory.isTouchedOutside, reasons: reasons)
    }

    struct Scored: Sendable, Equatable {
        var answer: Answer
        var feasible: [UInt64]
        var points: [Int32]
        var isOutside: Bool
        var changedFeasible: Bool
    }

    /// What points hold before the slot wrote any.
    static let unwritten = Int32.min + 77

    func score(_ slots: PolicySlots, feasible: [UInt64]? = nil) throws -> Scored {
        guard let slot = slots.score else { throw NotOffered("the policy has no score") }
        let feasible = feasible ?? table.present
        var set = Guarded(feasible, guard: 0xa5a5_a5a5_a5a5_a5a5)
        var points = Guarded([Int32](repeating: Self.unwritten, count: count), guard: 0x5a5a_5a5a)
        let answer = set.lend { set in points.lend { points in slot(table.pod, table.nodes, UnsafePointer(set), points) } }
        return Scored(
            answer: answer, feasible: feasible, points: points.inside, isOutside: points.isTouchedOutside,
            changedFeasible: set.inside != feasible || set.isTouchedOutside)
    }

    /// The Nodes of a set, by index.
    static func nodes(_ set: [UInt64]) -> [Int] {
        set.indices.flatMap { word in (0..<64).filter { set[word] >> $0 & 1 == 1 }.map { word * 64 + $0 } }
    }
}

/// An array with eight guards before and after it.
private struct Guarded<Element: FixedWidthInteger> {
    private var memory: [Element]
    private let `guard`: Element
    private static var margin: Int { 8 }

    init(_ elements: [Element], guard: Element) {
        self.guard = `guard`
        let margin = [Element](repeating: `guard`, count: Self.margin)
        memory = margin + elements + margin
    }

    mutating func lend<R>(_ body: (UnsafeMutablePointer<Element>) -> R) -> R {
        memory.withUnsafeMutableBufferPointer { body($0.baseAddress! + Self.margin) }
    }
    var inside: [Element] { Array(memory[Self.margin..<(memory.count - Self.margin)]) }
    var isTouchedOutside: Bool {
        memory.prefix(Self.margin).contains { $0 != `guard` } || memory.suffix(Self.margin).contains { $0 != `guard` }
    }
}
