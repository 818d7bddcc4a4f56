import APIModel
import HTTPServer
import Store
import Synchronization

/// Priority and fairness: finds the flow of each request among the FlowSchemas in the store, and has it served when its priority level has
/// a seat for it.
///
/// Schemas and levels are compiled when first asked for, and again when the store says that one of the two collections has changed, whoever
/// wrote. A level keeps its queues from one compilation to the next, and one that was taken away lasts until it is empty.
final class FlowControl: Sendable {
    /// For how long a request may wait: a quarter of what it may take altogether.
    private static let patience = Duration.seconds(15)
    private static let schemas = "flowcontrol.apiserver.k8s.io/flowschemas"
    private static let levels = "flowcontrol.apiserver.k8s.io/prioritylevelconfigurations"
    private static let collections = [schemas, levels]

    private struct Schema: Sendable {
        var flow: Flow
        var rules: [FlowRule]
    }

    /// A level, and what it has of the server's seats.
    struct Level: Sendable {
        var configuration: LevelConfiguration
        let level: PriorityLevel
        var limits = SeatLimits()
        /// With what is lent and borrowed at the moment.
        var current = 0
        /// What it would like to have.
        var target = 0.0
        /// Nothing leads to it any more.
        var isLeaving = false
        var demand = SeatDemand.Figures()
    }

    private struct State {
        /// In the order in which they are asked. `catch-all` is among them.
        var schemas: [Schema] = []
        var levels: [String: Level] = [:]
        /// The change of the store up to which they were compiled, and the revision at which it was the newest.
        var change: UInt64?
        var revision: UInt64?
        var fraction = 0.0
    }

    private let store: Store
    /// The seats of all levels together.
    private let seats: Int
    private let state = Mutex(State())
    /// Who will be told of writes.
    let watches = WatchCounts()
    private let releases = SeatReleases()

    init(store: Store, seats: Int) {
        self.store = store
        self.seats = seats
    }

    /// Lets those in who wait for seats that are kept for a while. Until the task is cancelled.
    func run() async { await releases.run() }

    // MARK: Requests

    /// The flow of the first schema that matches; that of `catch-all` where none does.
    func flow(of user: UserInfo, _ info: RequestInfo) -> Flow {
        let schemas = current()
        let found = schemas.first { schema in schema.rules.contains { $0.matches(user, info) } }
        return (found ?? schemas.first { $0.flow.schema == "catch-all" } ?? schemas[schemas.count - 1]).flow
    }

    /// A seat for a request, which is let go when it is answered, or a watch has told what there was.
    /// A write that many watch keeps it a while longer.
    /// - Throws: 429 when there is none, and none to wait for.
    func enter(_ flow: Flow, _ user: UserInfo, _ info: RequestInfo, _ request: Request) async throws -> Held {
        let work = WorkEstimate.of(info, request, store, most: flow.mostSeats) {
            let watchers = watches.interested(in: info)
            flow.level.noteWatchers(watchers, of: flow)
            return watchers
        }
        return try await flow.enter(user, info, work, patience: Self.patience)
    }

    // MARK: Seats

    /// Shares out the seats anew by what was wanted since the last time. Every ten seconds.
    func adjust() {
        _ = current()
        state.withLock { state in
            for (name, level) in state.levels where level.isLeaving && level.level.isIdle { state.levels[name] = nil }
            Self.share(&state)
        }
    }

    /// In the order of their names.
    var overview: (levels: [Level], fraction: Double) {
        _ = current()
        return state.withLock { state in (state.levels.values.sorted { $0.configuration.name < $1.configuration.name }, state.fraction) }
    }

    private static func share(_ state: inout State) {
        let names = Array(state.levels.keys)
        let claims = names.compactMap { name -> SeatAllocation.Claim? in
            guard let level = state.levels[name] else { return nil }
            let demand = level.level.endPeriod()
            state.levels[name]?.demand = demand
            return SeatAllocation.Claim(limits: level.limits, demand: demand, isExempt: level.configuration.isExempt)
        }
        let allocation = SeatAllocation(claims)
        state.fraction = allocation.fraction
        for (index, name) in names.enumerated() {
            state.levels[name]?.current = allocation.limits[index]
            state.levels[name]?.target = claims[index].target
            if let level = state.levels[name] { level.level.configure(level.configuration.excess, limit: level.current) }
        }
    }

    // MARK: Compilation

    /// The change is looked at before the objects are, so that one that comes in between makes the result stale again.
    private func current() -> [Schema] {
        let revision = store.revision
        if let known = state.withLock({ $0.revision == revision ? $0.schemas : nil }) { return known }
        let change = store.newestChange(in: Self.collections)
        return state.withLock { state in
            state.revision = revision
            if let known = state.change, known >= change { return state.schemas }
            compile(&state)
            state.change = change
            return state.schemas
        }
    }

    private func objects(_ collection: String) -> [Value] {
        ((try? store.list(collection, namespace: nil))?.records ?? []).map(\.object.value)
    }

    /// What is mandatory of a kind and not among these is imagined.
    private static func missing(_ kind: String, among names: some Sequence<String>) -> [Value] {
        let names = Set(names)
        return FlowControlBootstrap.mandatory.filter {
            $0["kind"].string == kind && !names.contains($0[path: "metadata", "name"].string ?? "")
        }
    }

    private func compile(_ state: inout State) {
        var configurations = objects(Self.levels).map(LevelConfiguration.init)
        configurations += Self.missing("PriorityLevelConfiguration", among: configurations.map(\.name)).map(LevelConfiguration.init)
        for name in state.levels.keys { state.levels[name]?.isLeaving = true }
        for configuration in configurations {
            let level =
                state.levels[configuration.name]?.level
                ?? PriorityLevel(name: configuration.name, excess: configuration.excess, limit: 0, releases: releases)
            state.levels[configuration.name] = Level(configuration: configuration, level: level)
        }
        for (name, level) in state.levels where level.isLeaving && level.level.isIdle { state.levels[name] = nil }
        let total = state.levels.values.reduce(0) { $0 + $1.configuration.shares }
        for (name, level) in state.levels {
            state.levels[name]?.limits = SeatLimits(
                shares: level.configuration.shares, of: total, lendable: level.configuration.lendable,
                borrowing: level.configuration.borrowing, server: seats)
        }
        Self.share(&state)
        let schemas = Self.ordered(objects(Self.schemas)).compactMap { Self.schema($0, state.levels) }
        let missing = Self.missing("FlowSchema", among: schemas.map(\.flow.schema)).compactMap { Self.schema($0, state.levels) }
        state.schemas =
            missing.filter { $0.flow.schema == "exempt" } + schemas + missing.filter { $0.flow.schema != "exempt" }
    }

    /// `nil` for one whose level does not exist: it leads nowhere.
    private static func schema(_ object: Value, _ levels: [String: Level]) -> Schema? {
        let spec = object["spec"]
        guard let level = levels[spec[path: "priorityLevelConfiguration", "name"].string ?? ""], !level.isLeaving else { return nil }
        let flow = Flow(
            schema: object[path: "metadata", "name"].string ?? "", uid: object[path: "metadata", "uid"].string ?? "", level: level.level,
            levelUID: level.configuration.uid,
            distinguisher: Flow.Distinguisher(rawValue: spec[path: "distinguisherMethod", "type"].string ?? ""),
            mostSeats: level.configuration.mostSeats(of: level.limits.nominal))
        return Schema(flow: flow, rules: spec["rules"].elements.map(FlowRule.init))
    }

    private static func ordered(_ schemas: [Value]) -> [Value] {
        func order(_ schema: Value) -> (Whole, String) {
            (schema[path: "spec", "matchingPrecedence"].int ?? 1000, schema[path: "metadata", "name"].string ?? "")
        }
        return schemas.sorted { order($0) < order($1) }
    }
}
