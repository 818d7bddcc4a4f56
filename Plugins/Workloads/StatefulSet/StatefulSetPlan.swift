internal import APIModel
internal import PluginKit

/// What a StatefulSet and its Pods should come to next. No clock, no API: the controller does what it says, in this order.
struct StatefulSetPlan {
    enum Action: Hashable {
        /// Makes the Pod of an ordinal, after its claims.
        case create(Whole, update: Bool)
        /// Makes claims that a waiting Pod lacks.
        case makeClaims(Value)
        /// Gives a Pod its labels and its claims their owners.
        case conform(Value)
        case delete(Value)
    }

    let statefulSet: Value
    let current: Value
    let update: Value
    /// Seconds since 1970.
    let now: Whole
    /// Those the set wants, by ordinal.
    private(set) var replicas: [Whole: Value] = [:]
    /// Those beyond, the highest ordinal first.
    private(set) var condemned: [Value] = []
    /// By name.
    let claims: [String: Value]

    /// - Parameter claims: those of the set's Pods, by name.
    init(_ statefulSet: Value, pods: [Value], current: Value, update: Value, claims: [String: Value] = [:], now: Whole) {
        (self.statefulSet, self.current, self.update, self.claims, self.now) = (statefulSet, current, update, claims, now)
        var beyond: [(ordinal: Whole, pod: Value)] = []
        for pod in pods {
            guard let ordinal = StatefulPod.ordinal(of: pod, in: statefulSet) else { continue }
            if isWanted(ordinal) { replicas[ordinal] = pod } else { beyond.append((ordinal, pod)) }
        }
        condemned = beyond.sorted { $0.ordinal > $1.ordinal }.map(\.pod)
    }

    private var start: Whole { statefulSet["spec"]["ordinals"]["start"].int ?? 0 }
    private var count: Whole { statefulSet["spec"]["replicas"].int ?? 1 }
    private var isOrdered: Bool { statefulSet["spec"]["podManagementPolicy"].string != "Parallel" }
    private var minReady: Whole { statefulSet["spec"]["minReadySeconds"].seconds ?? 0 }
    private var partition: Whole { statefulSet["spec"]["updateStrategy"]["rollingUpdate"]["partition"].int ?? 0 }
    private var updates: Bool { statefulSet["spec"]["updateStrategy"]["type"].string != "OnDelete" }

    func isWanted(_ ordinal: Whole) -> Bool { ordinal >= start && ordinal < start + count }

    private func isAvailable(_ pod: Value) -> Bool { PodState.isAvailable(pod, minReadySeconds: minReady, now: now) }
    private func isGoing(_ pod: Value) -> Bool { !pod["metadata"]["deletionTimestamp"].isNull }
    private func isUnavailable(_ pod: Value) -> Bool { !isAvailable(pod) || isGoing(pod) }
    private func isUpdated(_ pod: Value) -> Bool { pod["metadata"]["labels"][RevisionHistory.label] == update["metadata"]["name"] }
    private func retention(_ pod: Value, isScaledDown: Bool) -> ClaimRetention {
        ClaimRetention(statefulSet: statefulSet, pod: pod, isScaledDown: isScaledDown)
    }

    /// The ordinals from the first to the last, as far as anything can be about them.
    private var ordinals: [Whole] { (0..<Int(min(count, Self.mostReplicas))).map { start + Whole($0) } }
    /// Far more than a cluster can run: a bound for what one look touches.
    private static let mostReplicas: Whole = 100_000

    /// The most Pods made or deleted in one look; the rest follows with the next.
    static let burst = 500

    func actions() -> [Action] { Array(allActions().prefix(Self.burst)) }

    private func allActions() -> [Action] {
        guard statefulSet["metadata"]["deletionTimestamp"].isNull else { return [] }
        var (actions, isBlocked) = upkeep()
        if isBlocked { return actions }
        actions += condemned.filter { hasWrongOwners($0, isScaledDown: true) }.map { .conform($0) }
        let (deletions, isShrinking) = scaleDown()
        actions += deletions
        if !isShrinking, updates { actions += rollingUpdate() }
        return actions
    }

    // MARK: The Pods it wants

    private func upkeep() -> (actions: [Action], isBlocked: Bool) {
        var actions: [Action] = []
        for ordinal in ordinals {
            let (needed, isDone) = upkeep(ordinal)
            actions += needed
            if !isDone && isOrdered || actions.count >= Self.burst { return (actions, true) }
        }
        return (actions, false)
    }

    /// What one Pod needs, and whether the next one may follow.
    private func upkeep(_ ordinal: Whole) -> (actions: [Action], isDone: Bool) {
        guard let pod = replicas[ordinal] else {
            return (hasStaleClaim(ordinal) ? [] : [.create(ordinal, update: !updates || ordinal >= start + partition)], false)
        }
        // Whatever it ended with: it is to run.
        if PodState.isTerminal(pod) { return (isGoing(pod) ? [] : [.delete(pod)], false) }
        var actions: [Action] = []
        if pod["status"]["phase"].string == "Pending", lacksClaims(ordinal) { actions.append(.makeClaims(pod)) }
        if isOrdered, isGoing(pod) || pod["status"]["phase"].string != "Running" || !isAvailable(pod) { return (actions, false) }
        let member = StatefulPod(statefulSet: statefulSet, ordinal: ordinal)
        if !member.hasIdentity(pod) || hasWrongOwners(pod, isScaledDown: false) { actions.append(.conform(pod)) }
        return (actions, true)
    }

    private func existingClaims(_ ordinal: Whole) -> [Value?] {
        StatefulPod(statefulSet: statefulSet, ordinal: ordinal).claims.map { claims[$0.object["metadata"]["name"].string ?? ""] }
    }

    private func lacksClaims(_ ordinal: Whole) -> Bool { existingClaims(ordinal).contains { $0 == nil } }

    /// A claim that goes with the Pod that was there before: the next one waits until it is gone.
    private func hasStaleClaim(_ ordinal: Whole) -> Bool {
        guard statefulSet["spec"]["persistentVolumeClaimRetentionPolicy"]["whenScaled"].string == "Delete" else { return false }
        let pod: Value = [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(StatefulPod(statefulSet: statefulSet, ordinal: ordinal).name)],
        ]
        return existingClaims(ordinal).contains { claim in claim.map { ClaimRetention.isStale($0, pod) } ?? false }
    }

    private func hasWrongOwners(_ pod: Value, isScaledDown: Bool) -> Bool {
        guard let ordinal = StatefulPod.ordinal(of: pod, in: statefulSet) else { return false }
        let retention = retention(pod, isScaledDown: isScaledDown)
        return existingClaims(ordinal).contains { claim in claim.map { retention.owners(of: $0) != nil } ?? false }
    }

    // MARK: The Pods beyond

    private func scaleDown() -> (actions: [Action], isShrinking: Bool) {
        guard isOrdered else { return (condemned.filter { !isGoing($0) }.map { .delete($0) }, false) }
        guard let last = condemned.first else { return ([], false) }
        // Of Pods that are not available one may go: the first of all.
        let first = (ordinals.compactMap { replicas[$0] } + condemned.reversed()).first(where: isUnavailable)
        let mayGo = !isGoing(last) && (last["status"]["phase"].string == "Running" && isAvailable(last) || last == first)
        return (mayGo ? [.delete(last)] : [], true)
    }

    // MARK: The next revision

    private func rollingUpdate() -> [Action] {
        let candidates = ordinals.dropFirst(Int(min(partition, count))).reversed().compactMap { replicas[$0] }
        let limit = statefulSet["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"]
        guard !limit.isNull else {
            // One after the other from the end, and each has to be available before the next goes.
            guard candidates.count == max(0, ordinals.count - Int(min(partition, count))) else { return [] }
            guard let target = candidates.first(where: { !isUpdated($0) && !isGoing($0) || isUnavailable($0) }) else { return [] }
            return !isUpdated(target) && !isGoing(target) ? [.delete(target)] : []
        }
        let most = max(1, IntOrPercent(limit)?.resolved(of: count, roundedUp: false) ?? 1)
        let missing = ordinals.count { replicas[$0].map(isUnavailable) ?? true }
        let room = Int(most) - missing
        return room > 0 ? candidates.filter { !isUpdated($0) && !isGoing($0) }.prefix(room).map { .delete($0) } : []
    }
}
