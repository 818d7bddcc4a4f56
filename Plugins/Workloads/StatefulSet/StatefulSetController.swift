public import APIModel
public import PluginKit

/// Runs Pods that have a name, and storage that stays theirs.
///
/// Rules: upstream `pkg/controller/statefulset`. `StatefulSetPlan` says what to do.
public struct StatefulSetController: Controller {
    static let resource = GroupVersionResource(group: "apps", version: "v1", resource: "statefulsets")
    static let claims = GroupVersionResource(group: "", version: "v1", resource: "persistentvolumeclaims")
    private static let hashLabel = "controller.kubernetes.io/hash"

    let objects: Objects

    public init(_ host: Host, config: Value) { objects = host.objects }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard let set = try objects.get(Self.resource, namespace: key.namespace, name: key.name) else { return .done }
        var history = try objects.revisions(of: set, Self.resource)
        let pods = try pods(of: set)
        var collisions = set["status"]["collisionCount"].int ?? 0
        let update = try objects.synchronize(&history, of: set, hashLabel: Self.hashLabel, collisions: &collisions)
        let current = history[set["status"]["currentRevision"].string ?? ""] ?? update

        let now = Timestamp.nowSeconds()
        let plan = StatefulSetPlan(set, pods: pods, current: current, update: update, claims: try claims(of: set, pods), now: now)
        let actions = plan.actions()
        // The Pods of one look do not wait for each other; where they are ordered, it is about one of them.
        let problem = Batches.slowStart(actions) { action in
            try act(on: action, plan)
            return true
        }.error

        let after = actions.isEmpty ? pods : try self.pods(of: set)
        let reached = StatefulSetPlan(set, pods: after, current: current, update: update, now: now)
        let status = reached.status(collisions: collisions)
        if status != set["status"] {
            var changed = set
            changed["status"] = status
            try objects.updateStatus(Self.resource, changed)
        }
        var live = Set(after.compactMap { $0["metadata"]["labels"][RevisionHistory.label].string })
        live.formUnion([current, update].compactMap { $0["metadata"]["name"].string })
        try objects.truncate(history, of: set, live: live)
        if let problem { throw problem }
        return reached.secondsToAvailable.map { .doneCheckAgain(afterMilliseconds: $0 * 1000 + 50) } ?? .done
    }

    private func pods(of set: Value) throws -> [Value] {
        try objects.claim(.pods, for: set, of: Self.resource, selector: set["spec"]["selector"]) {
            StatefulPod.ordinal(of: $0, in: set) != nil
        }
    }

    /// The claims that Pods of the set have or would have, by name.
    private func claims(of set: Value, _ pods: [Value]) throws -> [String: Value] {
        guard !set["spec"]["volumeClaimTemplates"].isEmpty else { return [:] }
        let selector = LabelSelector(labels: set["spec"]["selector"]["matchLabels"].strings).description
        let namespace = set["metadata"]["namespace"].string ?? ""
        let labelled = try objects.list(Self.claims, namespace: namespace, selector: selector)
        var claims = Dictionary(labelled.map { ($0["metadata"]["name"].string ?? "", $0) }) { first, _ in first }
        // One that somebody made beforehand has no need of the set's labels.
        for ordinal in pods.compactMap({ StatefulPod.ordinal(of: $0, in: set) }) {
            for name in StatefulPod(statefulSet: set, ordinal: ordinal).claims.compactMap({ $0.object["metadata"]["name"].string })
            where claims[name] == nil {
                claims[name] = try objects.get(Self.claims, namespace: namespace, name: name)
            }
        }
        return claims
    }

    private func act(on action: StatefulSetPlan.Action, _ plan: StatefulSetPlan) throws {
        let set = plan.statefulSet
        switch action {
        case .create(let ordinal, let update):
            let member = StatefulPod(statefulSet: set, ordinal: ordinal)
            try tell("create", member.name, set) {
                try makeClaims(of: member)
                do {
                    let made = try objects.create(
                        .pods, namespace: set["metadata"]["namespace"].string ?? "", member.made(of: update ? plan.update : plan.current))
                    try setOwners(of: member, made, isScaledDown: false)
                } catch let error as APIError where error.isOfEndingNamespace {}
            }
        case .makeClaims(let pod):
            guard let ordinal = StatefulPod.ordinal(of: pod, in: set) else { return }
            let member = StatefulPod(statefulSet: set, ordinal: ordinal)
            try makeClaims(of: member)
            try setOwners(of: member, pod, isScaledDown: false)
        case .conform(let pod):
            guard let ordinal = StatefulPod.ordinal(of: pod, in: set) else { return }
            try conform(StatefulPod(statefulSet: set, ordinal: ordinal), pod, isScaledDown: !plan.isWanted(ordinal))
        case .delete(let pod):
            try tell("delete", pod["metadata"]["name"].string ?? "", set) { try objects.remove(.pods, pod) }
        }
    }

    /// Records how `body` went, in upstream's words.
    private func tell(_ verb: String, _ pod: String, _ set: Value, _ body: () throws -> Void) throws {
        let word = verb.prefix(1).uppercased() + verb.dropFirst()
        let what = "\(word) Pod \(pod) in StatefulSet \(set["metadata"]["name"].string ?? "")"
        do {
            try body()
            objects.event(set, .normal, reason: "Successful\(word)", message: "\(what) successful")
        } catch {
            objects.event(set, .warning, reason: "Failed\(word)", message: "\(what) failed error: \(error)")
            throw error
        }
    }

    private func conform(_ member: StatefulPod, _ pod: Value, isScaledDown: Bool) throws {
        if !member.hasIdentity(pod) {
            let labels = Dictionary(member.identity.map { ($0.label, $0.value) }) { first, _ in first }
            try tell("update", member.name, member.statefulSet) {
                try objects.patch(
                    .pods, namespace: pod["metadata"]["namespace"].string ?? "", name: member.name, .merge,
                    ["metadata": ["uid": pod["metadata"]["uid"], "labels": Value(labels)]])
            }
        }
        try setOwners(of: member, pod, isScaledDown: isScaledDown)
    }

    private func makeClaims(of member: StatefulPod) throws {
        let namespace = member.statefulSet["metadata"]["namespace"].string ?? ""
        for (_, claim) in member.claims {
            let name = claim["metadata"]["name"].string ?? ""
            if let existing = try objects.get(Self.claims, namespace: namespace, name: name) {
                guard existing["metadata"]["deletionTimestamp"].isNull else {
                    throw ComponentError.unavailable("pvc \(name) is being deleted")
                }
                continue
            }
            let what = "Create Claim \(name)"
            let place = "Pod \(member.name) in StatefulSet \(member.setName)"
            do {
                try objects.create(Self.claims, namespace: namespace, claim)
                objects.event(member.statefulSet, .normal, reason: "SuccessfulCreate", message: "\(what) \(place) success")
            } catch let error as APIError where error.reason == .alreadyExists {
                continue
            } catch {
                objects.event(member.statefulSet, .warning, reason: "FailedCreate", message: "\(what) for \(place) failed error: \(error)")
                throw error
            }
        }
    }

    private func setOwners(of member: StatefulPod, _ pod: Value, isScaledDown: Bool) throws {
        let retention = ClaimRetention(statefulSet: member.statefulSet, pod: pod, isScaledDown: isScaledDown)
        let namespace = member.statefulSet["metadata"]["namespace"].string ?? ""
        for (_, claim) in member.claims {
            let name = claim["metadata"]["name"].string ?? ""
            guard let existing = try objects.get(Self.claims, namespace: namespace, name: name) else { continue }
            if retention.isInForeignHands(existing) {
                let message =
                    "PersistentVolumeClaim \(name) has a conflicting OwnerReference that acts as a managing controller, "
                    + "the retention policy is ignored for this claim"
                objects.event(member.statefulSet, .warning, reason: "ConflictingController", message: message)
            }
            guard let owners = retention.owners(of: existing) else { continue }
            var changed = existing
            changed["metadata"]["ownerReferences"] = owners.isEmpty ? .null : owners
            try objects.update(Self.claims, changed)
        }
    }
}
