internal import PluginAPI
internal import PluginKit

/// What was found out about single Nodes for Pods that ask for the same, kept up to date with the Nodes that changed since.
final class NodeNotes {
    /// One bit a Node that nothing refuses.
    private let admitted = NodeColumn<UInt64>(0)
    /// Why a Node is refused: one more than the number of the refusal, or zero.
    private let refusals = NodeColumn<UInt8>(0)
    // From 0 to 100, of Nodes that are not refused.
    let fit = NodeColumn<Int32>(0)
    let balanced = NodeColumn<Int32>(0)
    let images = NodeColumn<Int32>(0)
    /// How many taints would rather keep the Pod away, and the weights of what it would like.
    let avoidance = NodeColumn<Int32>(0)
    let preference = NodeColumn<Int32>(0)
    /// How many Nodes have such taints.
    private(set) var avoided = 0
    /// Whether `balanced` tells Nodes apart.
    private(set) var isBalanced = false

    /// What the Pods ask for.
    let demands: NodeDemands

    /// How many changes there were when it was last brought up to date; `nil` before the first time.
    private var seen: UInt64?
    /// How many Nodes there were when images were rated.
    private var imagesRatedAmong = -1
    /// When it was last asked for.
    var lastUse: UInt64 = 0

    init(_ demands: NodeDemands) { self.demands = demands }

    /// Looks at what changed.
    /// - Parameter judge: called when there is something to look at.
    func renew(_ nodes: Nodes, _ judge: () -> NodeJudge) {
        let log = nodes.raw.pointee.touched
        let missed = log.count &- (seen ?? 0)
        guard seen == nil || missed > 0 || imagesRatedAmong != nodes.liveCount else { return }
        admitted.grow(to: (nodes.count + 63) >> 6)
        refusals.grow(to: nodes.count)
        for column in [fit, balanced, images, avoidance, preference] { column.grow(to: nodes.count) }
        let judge = judge()
        if seen == nil || missed > UInt64(log.capacity) {
            for node in 0..<nodes.count { note(node, nodes, judge) }
        } else {
            for number in log.count &- missed..<log.count { note(Int(log.rows[Int(number % UInt64(log.capacity))]), nodes, judge) }
        }
        seen = log.count
        isBalanced = judge.isBalanced
        if imagesRatedAmong != nodes.liveCount {
            judge.rateImages(into: images.pointer)
            imagesRatedAmong = nodes.liveCount
        }
    }

    private func note(_ node: Int, _ nodes: Nodes, _ judge: NodeJudge) {
        let (word, bit) = (node >> 6, UInt64(1) << UInt64(node & 63))
        admitted[word] &= ~bit
        if avoidance[node] > 0 { avoided -= 1 }
        avoidance[node] = 0
        guard nodes.name(node) != 0 else { return }
        if let refusal = judge.refusal(of: node) {
            refusals[node] = UInt8(refusal.rawValue) + 1
            return
        }
        refusals[node] = 0
        admitted[word] |= bit
        fit[node] = judge.fit(node)
        balanced[node] = judge.balance(node)
        preference[node] = judge.preference(node)
        avoidance[node] = judge.avoidance(node)
        if avoidance[node] > 0 { avoided += 1 }
    }

    /// Clears every Node that is refused.
    func filter(_ feasible: NodeSet) { feasible.formIntersection(admitted.pointer) }

    /// `nil` for a Node that is not refused.
    func refusal(of node: Int) -> Checks.Refusal? { refusals[node] == 0 ? nil : Checks.Refusal(rawValue: Int(refusals[node]) - 1) }
}

/// The notes of the Pods that came lately, by what these ask for. One caller at a time.
struct NodeNotebook {
    private var notes: [NodeDemands: NodeNotes] = [:]
    /// By the number that the host gives to equal needs.
    private var bySerial: [UInt64: NodeNotes] = [:]
    private var identity: UInt64 = 0
    private var epoch: UInt64 = 0
    private var uses: UInt64 = 0

    /// All notes together are of about so many Nodes.
    private static let room = 1_000_000
    private static let (least, most) = (16, 512)

    /// The notes for a Pod, up to date.
    mutating func notes(_ pod: PodNeeds, _ nodes: Nodes, _ judge: (NodeDemands) -> NodeJudge) -> NodeNotes {
        let table = nodes.raw.pointee
        if identity != table.identity || epoch != table.string_epoch {
            (notes, bySerial, identity, epoch) = ([:], [:], table.identity, table.string_epoch)
        }
        uses += 1
        let serial = pod.raw.pointee.needs_serial
        let found: NodeNotes
        if serial != 0, let known = bySerial[serial] {
            found = known
        } else {
            let wanted = NodeDemands(pod, nodes)
            makeRoom(nodes.count)
            found = notes[wanted] ?? NodeNotes(wanted)
            notes[wanted] = found
            if serial != 0 { bySerial[serial] = found }
        }
        found.lastUse = uses
        found.renew(nodes) { judge(found.demands) }
        return found
    }

    /// Forgets the half that was not asked for lately when there are too many.
    private mutating func makeRoom(_ nodes: Int) {
        let most = min(max(Self.least, Self.room / max(nodes, 1)), Self.most)
        guard notes.count >= most || bySerial.count >= 16 * most else { return }
        let limit = notes.values.map(\.lastUse).sorted()[notes.count / 2]
        notes = notes.filter { $0.value.lastUse >= limit }
        bySerial = [:]
    }
}
