internal import APIModel
internal import PluginHost

/// What is kept of the Pods of one template between their decisions: their needs as the ABI lends them, and from the second Pod on what policies last
/// said of every Node, so that for the next one only Nodes are asked about where something changed. Used by the scheduling thread only.
final class Standing {
    let template: PodTemplate
    let spreadFrom: Value?
    fileprivate(set) var arguments: PodArguments
    /// `nil` for the first Pod, which is often the only one.
    fileprivate(set) var ranks: NodeRanks?
    /// Some of the Nodes that would not do, as they were told of last, and why none would, where that is so and nothing changed since.
    private var told: [DecisionRecord.Refused]?
    var refusal: Refusal?

    /// The policies that spoke, and how many changes of Nodes there had been then.
    private var lives: [SchedulerPolicy.Life] = []
    private var seen: UInt64?
    fileprivate var lastUse: UInt64 = 0

    fileprivate init(_ template: PodTemplate, _ spreadFrom: Value?, _ arguments: PodArguments) {
        (self.template, self.spreadFrom, self.arguments) = (template, spreadFrom, arguments)
    }

    /// Tells of some Nodes that would not do: those told of last, or what `find` finds.
    func refused(_ find: () -> [DecisionRecord.Refused]) -> [DecisionRecord.Refused] {
        if let told { return told }
        let found = find()
        told = found
        return found
    }

    /// Policies were asked anew about some Nodes, of which some would not do.
    func note(_ asked: NodeBits, refused: Bool, _ columns: NodeColumns) {
        if !asked.isEmpty { refusal = nil }
        guard let told else { return }
        let isOld = told.contains { columns.index(of: $0.node).map(asked.contains) ?? true }
        if isOld || refused && told.count < DecisionRecord.shown { self.told = nil }
    }

    /// What policies say from now on is of the columns as they are. Puts the Nodes that changed since they last spoke into `changed`; `false` where all have
    /// to be asked about anew.
    func renew(_ columns: NodeColumns, _ policies: [SchedulerPolicy], _ changed: inout NodeBits) -> Bool {
        let lives = policies.map(\.life)
        defer { (self.lives, seen) = (lives, columns.touched.count) }
        changed.assign(noneOf: columns.count)
        guard let seen, self.lives == lives, let touched = columns.touched.rows(since: seen) else { return false }
        for node in touched { changed.insert(node) }
        return true
    }

    /// Nothing that was said counts any more.
    func forget() { (seen, told, refusal) = (nil, nil, nil) }
}

/// The standings of the templates whose Pods came lately.
final class Standings {
    private var standings: [ObjectIdentifier: Standing] = [:]
    private var uses: UInt64 = 0

    /// All together are of about so many Nodes.
    private static let room = 2_000_000
    private static let (least, most) = (16, 1024)

    /// That of the Pod's template; `nil` for a Pod whose needs are its own.
    func standing(_ pod: PodInfo, _ surroundings: Decider.Surroundings, _ make: () -> PodArguments) -> Standing? {
        // What is a device depends on the classes that there are.
        guard pod.isLikeOthers, case .success(nil) = surroundings.devices else { return nil }
        uses += 1
        let key = ObjectIdentifier(pod.template)
        // Who is kept here keeps its template, so nobody else has the address.
        if let known = standings[key], known.spreadFrom == surroundings.spreadFrom,
            known.arguments.imagesAreSame(surroundings.columns.images)
        {
            if known.arguments.resourceCount != surroundings.columns.resources.count {
                known.arguments = make().numbered(known.arguments.serial)
            }
            known.lastUse = uses
            known.arguments.show(pod)
            if known.ranks == nil { known.ranks = NodeRanks() }
            return known
        }
        let most = min(max(Self.least, Self.room / max(surroundings.columns.count, 1)), Self.most)
        if standings.count >= most {
            let limit = standings.values.map(\.lastUse).sorted()[standings.count / 2]
            standings = standings.filter { $0.value.lastUse > limit }
        }
        let new = Standing(pod.template, surroundings.spreadFrom, make().numbered())
        new.lastUse = uses
        standings[key] = new
        return new
    }
}
