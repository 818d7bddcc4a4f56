import APIModel
import Synchronization

/// What each pod of this node has been given of it, so that two that ask at once do not both count on the same rest.
final class Allocations: Sendable {
    /// What there is not enough of. The numbers are in the resource's own unit: thousandths of a CPU, bytes, pieces.
    struct Shortage: Equatable, Sendable {
        var resource: String
        var requested: Whole
        var used: Whole
        var capacity: Whole

        /// Also an empty node would not do.
        var isHopeless: Bool { requested > capacity }
        /// What others would have to leave.
        var missing: Whole { requested - (capacity - used) }
        /// Upstream: `InsufficientResourceError`.
        var description: String {
            "Node didn't have enough resource: \(resource), requested: \(requested), used: \(used), capacity: \(capacity)"
        }
    }

    /// Why a pod does not get what it claims; nothing when it does.
    struct Obstacles: Equatable, Sendable {
        var shortages: [Shortage] = []
        /// Another pod has one of its ports.
        var arePortsTaken = false

        var isEmpty: Bool { shortages.isEmpty && !arePortsTaken }
    }

    /// Who has a claim, to be told of what happens to it.
    struct Claimant: Sendable {
        /// There may be more for it.
        let wake: @Sendable () -> Void
        /// It has to go, whatever it does.
        let leave: @Sendable () -> Void
    }

    private let state = Mutex(State())

    fileprivate struct State {
        var claims: [String: Claim] = [:]
        var claimants: [String: Claimant] = [:]
        /// Those that wait until another has less.
        var waiting: Set<String> = []
        /// Pods that have to go for others, and those others, until nothing of the first is left.
        var preempted: Set<String> = []
        var seizing: Set<String> = []
    }

    /// What stands in the way of a claim at this moment.
    func obstacles(to claim: Claim, of capacity: [String: Whole]) -> Obstacles { state.withLock { $0.obstacles(to: claim, capacity) } }

    /// Gives a pod all that it claims, in place of what it had, or else nothing more than it had. One that has something already hears of it
    /// through `claimant` when another has less.
    func take(_ claim: Claim, of capacity: [String: Whole], by claimant: Claimant? = nil) -> Obstacles {
        let (obstacles, woken) = state.withLock { state -> (Obstacles, [Claimant]) in
            state.claimants[claim.uid] = claimant
            let before = state.claims[claim.uid]
            let obstacles = state.obstacles(to: claim, capacity)
            guard obstacles.isEmpty else {
                let isHopeless = obstacles.shortages.contains(where: \.isHopeless)
                if before != nil, !isHopeless { state.waiting.insert(claim.uid) } else { state.waiting.remove(claim.uid) }
                return (obstacles, [])
            }
            state.claims[claim.uid] = claim
            state.waiting.remove(claim.uid)
            let isLess = before?.amounts.contains { $1 > claim.amounts[$0] ?? 0 } ?? false
            return (obstacles, isLess ? state.waiting.compactMap { state.claimants[$0] } : [])
        }
        for claimant in woken { claimant.wake() }
        return obstacles
    }

    /// Gives a pod that the cluster cannot do without what it claims although others have it: those that have to go for it are told
    /// (`isPreempted`), and until they are gone, `isWaitingForRoom` says so. Only ports that are taken stand in its way.
    /// - Throws: when nobody who may be sent away has what it needs; then it has been given nothing.
    func seize(_ claim: Claim, of capacity: [String: Whole], by claimant: Claimant) throws(Preemption.Failure) -> Obstacles {
        let (result, leaving) = state.withLock { state -> (Result<Obstacles, Preemption.Failure>, [Claimant]) in
            let obstacles = state.obstacles(to: claim, capacity)
            if obstacles.arePortsTaken { return (.success(Obstacles(arePortsTaken: true)), []) }
            let victims: [Claim]
            do throws(Preemption.Failure) {
                let others = state.claims.values.filter { $0.uid != claim.uid && !state.preempted.contains($0.uid) }
                victims = try Preemption.victims(
                    for: claim, among: others.sorted { $0.uid < $1.uid },
                    missing: obstacles.shortages.map { ($0.resource, $0.missing - state.leaving($0.resource)) })
            } catch {
                return (.failure(error), [])
            }
            state.claims[claim.uid] = claim
            state.claimants[claim.uid] = claimant
            state.preempted.formUnion(victims.map(\.uid))
            if !obstacles.isEmpty { state.seizing.insert(claim.uid) }
            return (.success(Obstacles()), victims.compactMap { state.claimants[$0.uid] })
        }
        for victim in leaving { victim.leave() }
        return try result.get()
    }

    /// Whether this pod has to go for one that the cluster cannot do without.
    func isPreempted(_ uid: String) -> Bool { state.withLock { $0.preempted.contains(uid) } }

    /// Whether a pod that was given what it claims waits for those who have it still.
    func isWaitingForRoom(_ uid: String) -> Bool { state.withLock { $0.seizing.contains(uid) } }

    /// What the pods of a class have been given of CPU, in thousandths.
    func milliCPU(of quality: QualityOfService) -> Whole {
        state.withLock { $0.claims.values.filter { $0.quality == quality }.reduce(Whole(0)) { $0 + ($1.amounts["cpu"] ?? 0) } }
    }

    /// Notes what a pod has already, whether there is enough of it or not.
    func note(_ claim: Claim, by claimant: Claimant? = nil) {
        state.withLock { state in
            state.claims[claim.uid] = claim
            state.claimants[claim.uid] = claimant
        }
    }

    func release(_ uid: String) {
        let woken = state.withLock { state in
            state.waiting.remove(uid)
            state.seizing.remove(uid)
            state.claimants[uid] = nil
            guard state.claims.removeValue(forKey: uid) != nil else { return [] as [Claimant] }
            var woken = state.waiting
            if state.preempted.remove(uid) != nil, state.preempted.isEmpty {
                woken.formUnion(state.seizing)
                state.seizing = []
            }
            return woken.compactMap { state.claimants[$0] }
        }
        for claimant in woken { claimant.wake() }
    }
}

extension Allocations.State {
    fileprivate func obstacles(to claim: Claim, _ capacity: [String: Whole]) -> Allocations.Obstacles {
        let others = claims.values.filter { $0.uid != claim.uid }
        let before = claims[claim.uid]
        var obstacles = Allocations.Obstacles()
        for resource in Claim.order(claim.amounts.keys) {
            // What does not grow is not refused for what others have. What no node says it has is not the node's to give.
            let (requested, had) = (claim.amounts[resource] ?? 0, before?.amounts[resource] ?? 0)
            guard requested > had, capacity[resource] != nil || !ResourceNames.isExtended(resource) else { continue }
            let used = others.reduce(Whole(0)) { $0 + ($1.amounts[resource] ?? 0) }
            let capacity = capacity[resource] ?? 0
            guard requested > capacity - used else { continue }
            obstacles.shortages.append(.init(resource: resource, requested: requested, used: used, capacity: capacity))
        }
        let ports = claim.ports.subtracting(before?.ports ?? [])
        obstacles.arePortsTaken = others.contains { other in
            other.ports.contains { taken in ports.contains { $0.conflicts(with: taken) } }
        }
        return obstacles
    }

    /// How much of a resource those have who are on their way out.
    fileprivate func leaving(_ resource: String) -> Whole {
        preempted.reduce(Whole(0)) { $0 + (claims[$1]?.amounts[resource] ?? 0) }
    }
}
