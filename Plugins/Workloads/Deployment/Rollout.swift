internal import APIModel
internal import OrderedCollections
internal import PluginKit

/// One look at one Deployment: its ReplicaSets sorted into new and old, and the steps that move it on.
struct Rollout {
    var deployment: Value
    /// The one with the Deployment's template, if there is one.
    private(set) var new: ReplicaSet?
    /// All others, oldest first.
    private(set) var old: [ReplicaSet]
    /// `new` was made in this look.
    private(set) var isNewCreated = false
    let objects: Objects

    init(deployment: Value, sets: [ReplicaSet], objects: Objects) {
        self.deployment = deployment
        self.objects = objects
        let sorted = sets.sorted { ($0.created, $0.name) < ($1.created, $1.name) }
        let template = ReplicaSet.withoutHash(deployment["spec"]["template"])
        let index = sorted.firstIndex { $0.template == template }
        new = index.map { sorted[$0] }
        old = sorted.indices.filter { $0 != index }.map { sorted[$0] }
    }

    var name: String { deployment["metadata"]["name"].string ?? "" }
    var namespace: String { deployment["metadata"]["namespace"].string ?? "" }
    var wanted: Whole { deployment["spec"]["replicas"].int ?? 1 }
    var all: [ReplicaSet] { old + (new.map { [$0] } ?? []) }
    var total: Whole { all.reduce(.zero) { $0 + $1.replicas } }

    /// How many Pods may be made above, and may lack below, what is wanted. Both zero cannot move, so then one may lack.
    var limits: (surge: Whole, unavailable: Whole) {
        guard deployment["spec"]["strategy"]["type"].string != "Recreate" else { return (0, 0) }
        let update = deployment["spec"]["strategy"]["rollingUpdate"]
        let surge = Self.share(update["maxSurge"], of: wanted, roundedUp: true)
        let unavailable = min(Self.share(update["maxUnavailable"], of: wanted, roundedUp: false), wanted)
        return surge == 0 && unavailable == 0 ? (0, 1) : (surge, unavailable)
    }

    /// A quarter where nothing is said.
    private static func share(_ value: Value, of all: Whole, roundedUp: Bool) -> Whole {
        IntOrPercent(value.isNull ? "25%" : value)?.resolved(of: all, roundedUp: roundedUp) ?? 0
    }

    /// The size changed since the ReplicaSets were last sized.
    var wasScaled: Bool {
        all.contains { set in
            set.replicas > 0 && set.annotations[Annotation.desiredReplicas].flatMap { Whole($0) }.map { $0 != wanted } ?? false
        }
    }

    var isComplete: Bool {
        guard let new else { return false }
        let replicas = all.reduce(.zero) { $0 + $1.status("replicas") }
        return new.status("replicas") == wanted && replicas == wanted && new.status("availableReplicas") == wanted
            && new.object["status"]["observedGeneration"] == new.object["metadata"]["generation"]
    }
}

// MARK: - Revisions

extension Rollout {
    /// Numbers the new ReplicaSet above all old ones, makes it if asked to, and notes the number on the Deployment.
    mutating func syncRevisions(createIfMissing: Bool) throws {
        let revision = (old.map(\.revision).max() ?? 0) + 1
        if let existing = new {
            let noted = annotated(existing, revision: existing.revision < revision ? revision : existing.revision)
            if noted.object != existing.object { new = ReplicaSet(try objects.update(DeploymentController.replicaSets, noted.object)) }
        } else if createIfMissing {
            try createNew(revision: revision)
        }
        guard let new else { return }
        let number = String(new.revision)
        if deployment["metadata"]["annotations"][Annotation.revision].string != number {
            // By way of the status: there, an annotation is no change of what is asked for.
            deployment = try objects.patch(
                DeploymentController.resource, namespace: namespace, name: name, subresource: "status", .merge,
                ["metadata": ["annotations": [Annotation.revision: .string(number)]]])
        }
    }

    /// `set` with the annotations and `minReadySeconds` of the Deployment and its revision; a revision it had before goes into its history.
    private func annotated(_ set: ReplicaSet, revision: Whole) -> ReplicaSet {
        var set = set
        if (set.object["spec"]["minReadySeconds"].int ?? 0) != (deployment["spec"]["minReadySeconds"].int ?? 0) {
            set.object["spec"]["minReadySeconds"] = deployment["spec"]["minReadySeconds"]
        }
        for (key, value) in deployment["metadata"]["annotations"].fields where !Annotation.own.contains(key) {
            set.object["metadata"]["annotations"][key] = value
        }
        if set.revision != revision {
            if set.revision > 0 {
                let history = Self.history(set.annotations[Annotation.revisionHistory] ?? "", and: set.revision)
                set.object["metadata"]["annotations"][Annotation.revisionHistory] = .string(history)
            }
            set.object["metadata"]["annotations"][Annotation.revision] = .string(String(revision))
        }
        return set
    }

    /// `1,3` with one more. Of a set that is come back to again and again the oldest are forgotten: annotations have a limit.
    static func history(_ earlier: String, and revision: Whole) -> String {
        var all = earlier.split(separator: ",").map(String.init) + [String(revision)]
        var length = all.reduce(-1) { $0 + $1.utf8.count + 1 }
        let surplus = all.prefix { number in
            guard length > 2000 else { return false }
            length -= number.utf8.count + 1
            return true
        }
        all.removeFirst(surplus.count)
        return all.joined(separator: ",")
    }

    private mutating func createNew(revision: Whole) throws {
        let collisions = deployment["status"]["collisionCount"].int ?? 0
        let hash = TemplateHash.of(deployment["spec"]["template"], collisionCount: collisions)
        var set = ReplicaSet([
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": ["name": .string("\(name)-\(hash)"), "namespace": .string(namespace)],
        ])
        var template = deployment["spec"]["template"]
        template["metadata"]["labels"][Label.templateHash] = .string(hash)
        var selector = deployment["spec"]["selector"]
        selector["matchLabels"][Label.templateHash] = .string(hash)
        set.object["metadata"]["labels"] = template["metadata"]["labels"]
        set.object["metadata"]["ownerReferences"] = [OwnerReference.controller(deployment)]
        set.object["spec"] = ["selector": selector, "template": template]
        if let minReady = deployment["spec"]["minReadySeconds"].int { set.object["spec"]["minReadySeconds"] = .int(minReady) }
        set.replicas = newSize(of: 0)
        set = sized(annotated(set, revision: revision))
        do {
            new = ReplicaSet(try objects.create(DeploymentController.replicaSets, namespace: namespace, set.object))
            isNewCreated = true
        } catch let error as APIError where error.reason == .alreadyExists {
            // Another template with the same hash has the name: the next try hashes differently. What is ours is in the cache soon.
            if let existing = try objects.get(DeploymentController.replicaSets, namespace: namespace, name: set.name),
                OwnerReference.isControlled(existing, by: deployment),
                ReplicaSet(existing).template == ReplicaSet.withoutHash(deployment["spec"]["template"])
            {
                new = ReplicaSet(existing)
                return
            }
            deployment["status"]["collisionCount"] = .int(collisions + 1)
            try objects.updateStatus(DeploymentController.resource, deployment)
            throw error
        } catch let error as APIError where !error.isOfEndingNamespace {
            try tellFailure("Failed to create new replica set \"\(set.name)\": \(error.message)")
            throw error
        }
        if let new, new.replicas > 0 { recordScale(new, from: 0) }
    }

    /// Deletes the oldest revisions beyond `revisionHistoryLimit`, but for those that have Pods.
    mutating func cleanUp() throws {
        guard let limit = deployment["spec"]["revisionHistoryLimit"].int else { return }
        let staying = old.filter { $0.object["metadata"]["deletionTimestamp"].isNull }.sorted {
            ($0.revision, $0.created) < ($1.revision, $1.created)
        }
        let surplus = staying.prefix(max(0, staying.count - Int(max(0, limit))))
        for set in surplus where set.isIdle {
            do {
                try objects.delete(DeploymentController.replicaSets, namespace: namespace, name: set.name)
                old.removeAll { $0.uid == set.uid }
            } catch let error as APIError where error.reason == .notFound {
                continue
            }
        }
    }
}

// MARK: - Sizes

extension Rollout {
    /// The size for the new ReplicaSet: as near to what is wanted as the surge allows.
    private func newSize(of current: Whole) -> Whole {
        guard deployment["spec"]["strategy"]["type"].string != "Recreate" else { return wanted }
        let room = wanted + limits.surge - total
        return room <= 0 ? current : current + min(room, wanted - current)
    }

    /// New Pods come as the surge allows, old ones go as availability allows.
    mutating func rollingUpdate() throws {
        guard let current = new else { return }
        if current.replicas > wanted {
            try scale(current, to: wanted)
            return
        }
        let size = newSize(of: current.replicas)
        if current.replicas < wanted, size != current.replicas {
            try scale(current, to: size)
            return
        }
        if current.annotations[Annotation.desiredReplicas] != String(wanted) { try scale(current, to: current.replicas) }
        try scaleDownOld()
    }

    private mutating func scaleDownOld() throws {
        guard let new, old.contains(where: { $0.replicas > 0 }) else { return }
        let minAvailable = wanted - limits.unavailable
        let newUnavailable = new.replicas - new.status("availableReplicas")
        var room = total - minAvailable - newUnavailable
        guard room > 0 else { return }
        // Pods that are not available serve nobody: they go first, and are counted only once.
        for set in old where room > 0 && set.replicas > 0 {
            let unhealthy = min(room, set.replicas - set.status("availableReplicas"))
            guard unhealthy > 0 else { continue }
            try scale(set, to: set.replicas - unhealthy)
            room -= unhealthy
        }
        let available = all.reduce(.zero) { $0 + min($1.status("availableReplicas"), $1.replicas) }
        var spare = available - minAvailable
        for set in old where spare > 0 && set.replicas > 0 {
            let count = min(spare, set.replicas)
            try scale(set, to: set.replicas - count)
            spare -= count
        }
    }

    /// After a scale: one active ReplicaSet gets the whole size, several share the change by their sizes, so that a rollout half way keeps
    /// its proportions.
    mutating func scaleProportionally() throws {
        let active = all.filter { $0.replicas > 0 }
        if active.count <= 1 {
            if let only = active.first ?? new ?? old.last,
                only.replicas != wanted || only.annotations[Annotation.desiredReplicas] != String(wanted)
            {
                try scale(only, to: wanted)
            }
            return
        }
        if let new, new.replicas == wanted, new.annotations[Annotation.desiredReplicas] == String(wanted),
            new.status("availableReplicas") == wanted
        {
            for set in old where set.replicas > 0 { try scale(set, to: 0) }
            return
        }
        guard deployment["spec"]["strategy"]["type"].string != "Recreate" else {
            // Nothing to share out: but the scale is seen now, or it would hold up the rollout for ever.
            for set in active { try scale(set, to: set.replicas) }
            return
        }
        let allowed = wanted > 0 ? wanted + limits.surge : 0
        let change = allowed - total
        var rest = change
        // Bigger first; among equals, newer first when growing and older first when shrinking.
        let ordered = active.sorted {
            $0.replicas != $1.replicas ? $0.replicas > $1.replicas : change > 0 ? $0.created > $1.created : $0.created < $1.created
        }
        var sizes: [(set: ReplicaSet, size: Whole)] = []
        for set in ordered {
            let before = set.annotations[Annotation.maxReplicas].flatMap { Whole($0) } ?? total
            let exact = before > 0 ? Whole((Double(set.replicas * allowed) / Double(before)).rounded()) - set.replicas : 0
            let part = change > 0 ? min(max(0, exact), rest) : max(min(0, exact), rest)
            rest -= part
            sizes.append((set, set.replicas + part))
        }
        if !sizes.isEmpty { sizes[0].size = max(0, sizes[0].size + rest) }
        for (set, size) in sizes { try scale(set, to: size) }
    }

    /// Sets the size of one ReplicaSet, and notes on it what was wanted, which later tells a scale from a rollout.
    mutating func scale(_ set: ReplicaSet, to size: Whole) throws {
        var changed = set
        changed.replicas = size
        changed = sized(changed)
        guard changed.object != set.object else { return }
        let updated = ReplicaSet(try objects.update(DeploymentController.replicaSets, changed.object))
        if new?.uid == updated.uid { new = updated }
        if let index = old.firstIndex(where: { $0.uid == updated.uid }) { old[index] = updated }
        if set.replicas != size { recordScale(updated, from: set.replicas) }
    }

    private func sized(_ set: ReplicaSet) -> ReplicaSet {
        var set = set
        set.object["metadata"]["annotations"][Annotation.desiredReplicas] = .string(String(wanted))
        set.object["metadata"]["annotations"][Annotation.maxReplicas] = .string(String(wanted + limits.surge))
        return set
    }

    private func recordScale(_ set: ReplicaSet, from before: Whole) {
        objects.event(
            deployment, .normal, reason: "ScalingReplicaSet",
            message: "Scaled \(set.replicas > before ? "up" : "down") replica set \(set.name) from \(before) to \(set.replicas)")
    }
}
